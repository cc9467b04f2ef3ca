"""Shapes of everything in an ONNX graph, found without running it, and refused where they are beyond any face model."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from onnx import GraphProto, ModelProto, ValueInfoProto, helper, shape_inference

from bareface.errors import CheckpointError
from bareface.targets.onnx.reading import SIMPLER
from bareface.targets.onnx.sizes import SMALL, put_in_sizes, without_a_size
from bareface.targets.printable import printable

Shape = tuple[int | None, ...]

# Numbers in one value for one image: 1 GiB in float32.
MOST_NUMBERS = 1 << 28
# Chains of sizes that are computed from sizes.
_ROUNDS, _VISITS = 24, 400_000


@dataclass(frozen=True)
class Shapes:
    """Shapes of the values of a graph that takes `images` images.

    Attributes:
        images: how many the graph was given.
        known: value -> shape; None where a dimension stays open.
    """

    images: int
    known: Mapping[str, Shape]

    def of(self, name: str) -> Shape:
        """The shape of a value; empty where nothing is known."""
        return self.known.get(name, ())

    def may_have_rows(self, name: str) -> bool:
        """Whether a value has one row for each image, as far as can be told."""
        shape = self.of(name)
        return not shape or (len(shape) > 1 and shape[0] in (self.images, None))


def infer_shapes(model: ModelProto, entering: str, size: tuple[int, int, int, int], where: str) -> Shapes:
    """The shapes of all values when the input `entering` has the shape `size`.

    Raises:
        CheckpointError: shapes contradict one another, one value would hold more than 2^28 numbers for an image, or the
            size of one would be known only once the graph has run.
    """
    light = _without_weights(model)
    for value in light.graph.input:
        if value.name == entering:
            _resize(value, size)
    graph = _inferred(light, size, where)
    for _ in range(min(_ROUNDS, _VISITS // max(1, len(light.graph.node)))):
        if not put_in_sizes(light, graph):
            break
        graph = _inferred(light, size, where)
    known = {value.name: shape_of(value) for value in (*graph.input, *graph.value_info, *graph.output)}
    for name, shape in known.items():
        if prod(dimension or 1 for dimension in shape) > MOST_NUMBERS * size[0]:
            got = f"{printable(name, 80)!r} of shape {shape}"
            raise CheckpointError(where, got=got, expected=f"at most {MOST_NUMBERS:,} numbers for an image")
    if (unsized := without_a_size(graph)) is not None:
        got = f"{printable(unsized[0], 80)!r} ({unsized[1]}), whose size only running the graph would tell"
        raise CheckpointError(where, got=got, expected="sizes that follow from the size of the images", hint=SIMPLER)
    return Shapes(size[0], known)


def _inferred(light: ModelProto, size: tuple[int, ...], where: str) -> GraphProto:
    try:
        return shape_inference.infer_shapes(light, check_type=True, strict_mode=True, data_prop=True).graph
    except (shape_inference.InferenceError, ValueError, TypeError, RuntimeError) as error:
        first = printable(str(error).strip().partition("\n")[0], 200)
        got = f"a graph whose shapes do not fit ({first})"
        raise CheckpointError(where, got=got, expected=f"one that takes {size}") from None


def shape_of(value: ValueInfoProto) -> Shape:
    """The dimensions of a value; None for those that are named or unknown."""
    dimensions = value.type.tensor_type.shape.dim
    return tuple(d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else None for d in dimensions)


def _without_weights(model: ModelProto) -> ModelProto:
    """The same graph with its large constants as inputs: shapes do not depend on them."""
    light = ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    graph, own = light.graph, model.graph
    graph.name = "graph"
    graph.node.extend(own.node)
    graph.input.extend(own.input)
    graph.output.extend(own.output)
    listed = {value.name for value in own.input}
    for tensor in own.initializer:
        if prod(tensor.dims) <= SMALL:
            graph.initializer.append(tensor)
        elif tensor.name not in listed:
            graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    return light


def _resize(value: ValueInfoProto, size: tuple[int, ...]) -> None:
    dimensions = value.type.tensor_type.shape.dim
    for dimension, wanted in zip(dimensions, size, strict=True):
        dimension.ClearField("dim_param")
        dimension.dim_value = wanted
