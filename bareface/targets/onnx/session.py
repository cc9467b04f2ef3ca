"""Running an ONNX graph: onnxruntime on the CPU, nothing but its own standard operators."""

from dataclasses import dataclass, field
from typing import Any

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
        outputs: the values to be answered, the embedding first; each has rows in the order of the images.
        shapes: values that say a shape; answered for the first lot of images.
        batch: how many images it takes at a time; None where that is open.
    """

    where: str
    model: ModelProto
    input: str
    outputs: tuple[str, ...]
    shapes: tuple[str, ...]
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

    def run(self, pixels: NDArray[np.float32]) -> tuple[list[NDArray[np.float32]], list[NDArray[np.int64]]]:
        """The outputs for (n, channels, h, w) as the graph takes it, and the shapes.

        Raises:
            TargetError: the runtime cannot run it, or there is not one embedding for each image.
        """
        size = self.batch or len(pixels)
        told = [self._once(pixels[start : start + size], size) for start in range(0, len(pixels), size)]
        count = len(self.outputs)
        return [np.concatenate(parts) for parts in zip(*(one[:count] for one in told), strict=True)], told[0][count:]

    def _once(self, pixels: NDArray[np.float32], size: int) -> list[NDArray[Any]]:
        full = np.concatenate([pixels, np.repeat(pixels[:1], size - len(pixels), axis=0)])
        try:
            answers = self._running.run([*self.outputs, *self.shapes], {self.input: np.ascontiguousarray(full)})
        except _GIVES_UP as error:
            raise self._refusal(error) from None
        if not all(isinstance(answer, np.ndarray) for answer in answers) or answers[0].shape[:1] != (size,):
            got = f"{printable(self.outputs[0], 80)!r} of shape {np.shape(answers[0])} for {size} images"
            hint = "exporting with an open number of images, or for one image"
            raise TargetError(self.where, got=got, expected="one embedding for each image", hint=hint)
        rows = [np.asarray(answer[: len(pixels)], np.float32) for answer in answers[: len(self.outputs)]]
        return [*rows, *answers[len(self.outputs) :]]

    def _refusal(self, error: BaseException) -> TargetError:
        first = printable(str(error).strip().partition("\n")[0], 300)
        got = f"a graph that onnxruntime refuses ({first})"
        return TargetError(self.where, got=got, expected="one that runs", hint="exporting it again, at opset 17 or so")
