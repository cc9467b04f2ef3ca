"""Running an ONNX graph: onnxruntime on the CPU, nothing but its own standard operators."""

from dataclasses import dataclass, field

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import ModelProto
from onnxruntime.capi import onnxruntime_pybind11_state as state

from bareface.errors import TargetError
from bareface.targets.printable import printable

_GIVES_UP = (
    *(state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf, state.NoSuchFile),
    *(state.NotImplemented, state.RuntimeException, state.EPFail, state.ModelLoaded, state.NoModel, state.EngineError),
    *(RuntimeError, ValueError, TypeError, MemoryError),
)
_SILENT = 4


@dataclass(frozen=True, eq=False)
class Session:
    """A graph that is ready to run.

    Attributes:
        where: the file, for messages.
        model: the graph.
        input: name of its image input.
        outputs: the values to be answered.
        batch: how many images it takes at a time; None where that is open.
    """

    where: str
    model: ModelProto
    input: str
    outputs: tuple[str, ...]
    batch: int | None
    _running: onnxruntime.InferenceSession = field(init=False, repr=False)

    def __post_init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.inter_op_num_threads = 1
        options.log_severity_level = _SILENT
        try:
            running = onnxruntime.InferenceSession(
                self.model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except _GIVES_UP as error:
            raise self._refusal(error) from None
        object.__setattr__(self, "_running", running)

    def run(self, pixels: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """The outputs for (n, channels, h, w) as the graph takes it, each (n, ...).

        Raises:
            TargetError: the runtime cannot run it, or an output is not one row for each image.
        """
        size = self.batch or len(pixels)
        told = [self._once(pixels[start : start + size], size) for start in range(0, len(pixels), size)]
        return [np.concatenate(parts) for parts in zip(*told, strict=True)]

    def _once(self, pixels: NDArray[np.float32], size: int) -> list[NDArray[np.float32]]:
        full = np.concatenate([pixels, np.repeat(pixels[:1], size - len(pixels), axis=0)])
        try:
            answers = self._running.run(list(self.outputs), {self.input: np.ascontiguousarray(full)})
        except _GIVES_UP as error:
            raise self._refusal(error) from None
        for name, answer in zip(self.outputs, answers, strict=True):
            if not isinstance(answer, np.ndarray) or answer.shape[:1] != (size,):
                got = f"{printable(name, 80)!r} of shape {np.shape(answer)} for {size} images"
                raise TargetError(self.where, got=got, expected="one row for each image")
        return [np.asarray(answer[: len(pixels)], dtype=np.float32) for answer in answers]

    def _refusal(self, error: BaseException) -> TargetError:
        first = printable(str(error).strip().partition("\n")[0], 300)
        got = f"a graph that onnxruntime refuses ({first})"
        return TargetError(self.where, got=got, expected="one that runs", hint="exporting it again, at opset 17 or so")
