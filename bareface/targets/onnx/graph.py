"""What an ONNX file says about itself: its input, its embedding, and which layers can be seen in it."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from onnx import ModelProto, TensorProto, numpy_helper

from bareface.errors import TargetError
from bareface.settings.spec import GIVEN, ImageSpec
from bareface.targets.onnx.nodes import Constants, Linear, Norm, linears, norms
from bareface.targets.onnx.reading import SIMPLER, read_model
from bareface.targets.onnx.shapes import Shapes, infer_shapes, shape_of
from bareface.targets.printable import printable
from bareface.targets.weights import weights_sha256

# Where a graph leaves its size open, this is what face recognisers take.
USUAL_SIDE = 112
MOST_BATCH, MOST_SIDE = 1024, 4096
USUAL = "usual for such files; the file does not say how pixels are normalised"
_NORMALISING = (
    "the graph begins by normalising 0..255 itself; the file does not say in which order it takes the channels"
)


@dataclass(frozen=True, eq=False)
class Graph:
    """A face model in an ONNX file.

    Attributes:
        model: the graph with its weights.
        sha256: of the bytes that it was read from, data beside the file included.
        file_sha256: of the file alone.
        input: name of the image input.
        batch: how many images it takes at a time; None where that is open.
        spec: what pixels it takes; normalisation by convention.
        assumed: why this input is assumed, in words.
        is_normalising: whether the graph begins by normalising what it gets.
        size_is_open: whether height and width are not in the file.
        embedding: name of the output that is the embedding.
        embedding_size: d.
        norms: the BatchNorm layers that survived export.
        linears: convolutions and linear maps.
        parameters: number of weights.
    """

    model: ModelProto
    sha256: str
    file_sha256: str
    input: str
    batch: int | None
    spec: ImageSpec
    assumed: str
    is_normalising: bool
    size_is_open: bool
    embedding: str
    embedding_size: int
    norms: tuple[Norm, ...]
    linears: tuple[Linear, ...]
    parameters: int


def read_graph(path: Path, spec: ImageSpec | None = None) -> Graph:
    """The graph in a file; nothing in it is executed.

    Args:
        path: the `.onnx` file.
        spec: the input, where the convention is wrong or the size is open.

    Raises:
        CheckpointError: it is no ONNX model, is damaged, or would need more memory than any face model.
        UnsafeFileError: it is no plain graph of standard operators.
        TargetError: it takes no images, gives no embedding, or takes another size than `spec` says.
    """
    model, digest, of_file = read_model(path)
    where = str(path)
    name, (batch, channels, height, width) = _image_input(model, where)
    inside = _is_normalising(model)
    own = spec or _usual(channels, (height or USUAL_SIDE, width or USUAL_SIDE), inside)
    assumed = GIVEN if spec is not None else _NORMALISING if inside else USUAL
    if (own.channels, own.height, own.width) != (channels, height or own.height, width or own.width):
        got, expected = (
            f"the input {own}",
            f"{channels} channels of {height or 'any'} x {width or 'any'}, as the file says",
        )
        raise TargetError(where, got=got, expected=expected)
    size = (own.channels, own.height, own.width)
    batch, shapes = _shapes(model, name, batch, size, where)
    embedding, width_of_it = _embedding(model, shapes, where)
    constants = Constants(model)
    found = norms(model, constants, shapes)
    is_open = height is None or width is None
    return Graph(
        model, digest, of_file, name, batch, own, assumed, inside, is_open, embedding, width_of_it,
        found, linears(model, constants, shapes), _weights(model) - sum(2 * len(norm.mean) for norm in found),
    )  # fmt: skip


def _shapes(
    model: ModelProto, entering: str, batch: int | None, size: tuple[int, int, int], where: str
) -> tuple[int | None, Shapes]:
    """How many images the graph takes at a time, and all shapes for so many (for two where the number is open).

    Some exports call the number open although one is written into their reshapes.
    """
    if batch is not None:
        return batch, infer_shapes(model, entering, (batch, *size), where)
    try:
        two = infer_shapes(model, entering, (2, *size), where)
        _embedding(model, two, where)
    except TargetError:
        return 1, infer_shapes(model, entering, (1, *size), where)
    return None, two


def _image_input(model: ModelProto, where: str) -> tuple[str, tuple[int | None, int, int | None, int | None]]:
    """Name and shape of the one input; None for open dimensions."""
    given = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in given]
    if len(inputs) != 1:
        names = ", ".join(printable(value.name, 40) for value in inputs[:4]) or "none"
        raise TargetError(where, got=f"{len(inputs)} inputs ({names})", expected="one, for images")
    value, shape = inputs[0], shape_of(inputs[0])
    kind = value.type.tensor_type.elem_type
    if kind != TensorProto.FLOAT:
        got = f"an input of type {TensorProto.DataType.Name(kind) if kind in TensorProto.DataType.values() else kind}"
        raise TargetError(where, got=got, expected="float32 images", hint="exporting the float32 model")
    if len(shape) != 4 or shape[1] not in (1, 3):
        hint = "exporting with channels before height and width" if shape[-1:] in ((1,), (3,)) else SIMPLER
        got = f"an input of shape {_written(shape)}"
        raise TargetError(where, got=got, expected="images (n, 3, height, width) or (n, 1, height, width)", hint=hint)
    batch, channels, height, width = shape
    assert channels is not None
    if (batch or 1) > MOST_BATCH or max(height or 1, width or 1) > MOST_SIDE:
        got = f"an input of shape {_written(shape)}"
        raise TargetError(where, got=got, expected=f"at most {MOST_BATCH} images of {MOST_SIDE} pixels a side")
    return value.name, (batch, channels, height, width)


def _embedding(model: ModelProto, shapes: Shapes, where: str) -> tuple[str, int]:
    """The widest output that is a matrix of embeddings; a second output is often the norm."""
    found: dict[str, int] = {}
    for value in model.graph.output:
        shape = shapes.of(value.name)
        flat = shape[:2] if shape[2:] == (1, 1) else shape
        if len(flat) == 2 and flat[0] in (shapes.images, None) and (flat[1] or 0) > 1:
            found[value.name] = flat[1] or 0
    if not found:
        said = ", ".join(_written(shapes.of(value.name)) for value in model.graph.output)
        hint = "exporting the backbone alone, with a fixed height and width"
        raise TargetError(where, got=f"outputs of shape {said or 'none'}", expected="embeddings (n, d)", hint=hint)
    name = max(found, key=lambda output: found[output])
    return name, found[name]


def _is_normalising(model: ModelProto) -> bool:
    first = {node.op_type for node in model.graph.node[:8]}
    return "Sub" in first and bool(first & {"Mul", "Div"})


def _usual(channels: int, size: tuple[int, int], inside: bool) -> ImageSpec:
    """RGB at (x − 127.5) / 127.5, or plain 0..255 where the graph begins by normalising."""
    mean, std = ((0.0,), (1.0,)) if inside else ((127.5,), (127.5,))
    return ImageSpec(*size, "GRAY" if channels == 1 else "RGB", mean, std)


def weights_of(model: ModelProto) -> str:
    """The name of the weights alone, the same wherever they lie."""
    tensors = (tensor for tensor in model.graph.initializer if tensor.data_type != TensorProto.STRING)
    return weights_sha256({tensor.name: partial(numpy_helper.to_array, tensor) for tensor in tensors})


def _weights(model: ModelProto) -> int:
    numbers = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.INT8, TensorProto.UINT8)
    tensors = (tensor for tensor in model.graph.initializer if tensor.data_type in numbers)
    return int(sum(np.prod(tensor.dims, dtype=np.int64) for tensor in tensors))


def _written(shape: tuple[int | None, ...]) -> str:
    return f"({', '.join('any' if d is None else str(d) for d in shape)})" if shape else "(unknown)"
