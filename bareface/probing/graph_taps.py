"""Taps in an ONNX graph: the reductions are added to the graph itself, so that no feature map leaves it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from bareface.targets.onnx.graph import Graph

# From here on ReduceMean and ReduceL2 take their axes as an input instead of an attribute.
_AXES_AS_INPUT = 18


@dataclass(frozen=True)
class Tap:
    """A value of the graph that is reduced to mean and norm over positions.

    Attributes:
        name: the layer.
        value: what enters or leaves it, (n, c, ...) or, with channels last, (n, ..., c).
        channels: c.
        last: whether channels are the last axis.
    """

    name: str
    value: str
    channels: int
    last: bool

    @property
    def axis(self) -> int:
        """Where the positions stand once the value is flattened to three axes."""
        return 1 if self.last else 2


@dataclass(frozen=True)
class Tapped:
    """A graph with taps.

    Attributes:
        model: the graph.
        moments: names of its new outputs (n, c), mean and norm over positions of each tap in turn.
        shapes: names of its new outputs that say the flattened shape of each tap.
    """

    model: ModelProto
    moments: tuple[str, ...]
    shapes: tuple[str, ...]


def norm_taps(graph: Graph) -> tuple[Tap, ...]:
    """What enters each BatchNorm layer that survived export."""
    return tuple(Tap(norm.name, norm.entering, len(norm.mean), False) for norm in graph.norms)


def linear_taps(graph: Graph) -> tuple[Tap, ...]:
    """What leaves each convolution and linear map, less what is known not to have one row for each image."""
    return tuple(Tap(one.name, one.leaving, one.channels, one.last) for one in graph.linears if one.by_image)


def tapped(graph: Graph, taps: tuple[Tap, ...]) -> Tapped:
    """The graph with three more outputs for each tap."""
    model = ModelProto()
    model.CopyFrom(graph.model)
    prefix = _unused_prefix(model)
    opset = max(one.version for one in model.opset_import if one.domain in ("", "ai.onnx"))
    stems = [f"{prefix}{number}" for number in range(len(taps))]
    for tap, stem in zip(taps, stems, strict=True):
        model.graph.node.extend(_constants(tap, stem))
        model.graph.node.extend(_reduction(tap, stem, opset))
    moments = tuple(f"{stem}/{name}" for stem in stems for name in ("mean", "norm"))
    shapes = tuple(f"{stem}/size" for stem in stems)
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in moments)
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.INT64, None) for name in shapes)
    return Tapped(model, moments, shapes)


def _reduction(tap: Tap, stem: str, opset: int) -> Iterator[NodeProto]:
    yield helper.make_node("Cast", [tap.value], [f"{stem}/float"], to=TensorProto.FLOAT)
    yield helper.make_node("Reshape", [f"{stem}/float", f"{stem}/shape"], [f"{stem}/flat"])
    yield helper.make_node("Shape", [f"{stem}/flat"], [f"{stem}/size"])
    for operator, name in (("ReduceMean", "mean"), ("ReduceL2", "norm")):
        flat, output = f"{stem}/flat", [f"{stem}/{name}"]
        if opset >= _AXES_AS_INPUT:
            yield helper.make_node(operator, [flat, f"{stem}/axes"], output, keepdims=0)
        else:
            yield helper.make_node(operator, [flat], output, axes=[tap.axis], keepdims=0)


def _constants(tap: Tap, stem: str) -> Iterable[NodeProto]:
    """A flat shape (0 copies the number of images) and the axis of the positions in it.

    Nodes rather than initialisers, which files of IR version 3 would have to list among their inputs.
    """
    shape = [0, -1, tap.channels] if tap.last else [0, tap.channels, -1]
    for name, values in (("shape", shape), ("axes", [tap.axis])):
        tensor = numpy_helper.from_array(np.array(values, np.int64))
        yield helper.make_node("Constant", [], [f"{stem}/{name}"], value=tensor)


def _unused_prefix(model: ModelProto) -> str:
    """The beginning of names that the graph has no use for."""
    names = {name for node in model.graph.node for name in (*node.input, *node.output)}
    prefix = "bareface/"
    while any(name.startswith(prefix) for name in names):
        prefix = f"bareface{prefix}"
    return prefix
