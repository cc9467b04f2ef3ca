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
        positions: how many of them each channel has.
    """

    name: str
    value: str
    channels: int
    last: bool
    positions: int


def norm_taps(graph: Graph) -> tuple[Tap, ...]:
    """What enters each BatchNorm layer that survived export."""
    return tuple(Tap(norm.name, norm.entering, len(norm.mean), False, norm.positions) for norm in graph.norms)


def linear_taps(graph: Graph) -> tuple[Tap, ...]:
    """What leaves each convolution and linear map that has one row for each image."""
    return tuple(
        Tap(one.name, one.leaving, one.channels, one.last, one.positions)
        for one in graph.linears
        if one.positions is not None
    )


def tapped(graph: Graph, taps: tuple[Tap, ...]) -> tuple[ModelProto, tuple[str, ...]]:
    """The graph with two more outputs (n, c) for each tap, mean and norm over positions, and their names."""
    model = ModelProto()
    model.CopyFrom(graph.model)
    prefix = _unused_prefix(model)
    opset = max(one.version for one in model.opset_import if one.domain in ("", "ai.onnx"))
    outputs: list[str] = []
    for number, tap in enumerate(taps):
        stem = f"{prefix}{number}"
        model.graph.node.extend(_reduction(tap, stem, opset))
        model.graph.initializer.extend(_constants(tap, stem))
        outputs += [f"{stem}/mean", f"{stem}/norm"]
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs)
    return model, tuple(outputs)


def _reduction(tap: Tap, stem: str, opset: int) -> Iterator[NodeProto]:
    yield helper.make_node("Cast", [tap.value], [f"{stem}/float"], to=TensorProto.FLOAT)
    yield helper.make_node("Reshape", [f"{stem}/float", f"{stem}/shape"], [f"{stem}/flat"])
    for operator, name in (("ReduceMean", "mean"), ("ReduceL2", "norm")):
        flat, output = f"{stem}/flat", [f"{stem}/{name}"]
        if opset >= _AXES_AS_INPUT:
            yield helper.make_node(operator, [flat, f"{stem}/axes"], output, keepdims=0)
        else:
            yield helper.make_node(operator, [flat], output, axes=[_axis(tap)], keepdims=0)


def _constants(tap: Tap, stem: str) -> Iterable[TensorProto]:
    """A flat shape (0 copies the number of images) and the axis of the positions in it."""
    shape = [0, -1, tap.channels] if tap.last else [0, tap.channels, -1]
    yield numpy_helper.from_array(np.array(shape, np.int64), f"{stem}/shape")
    yield numpy_helper.from_array(np.array([_axis(tap)], np.int64), f"{stem}/axes")


def _axis(tap: Tap) -> int:
    return 1 if tap.last else 2


def _unused_prefix(model: ModelProto) -> str:
    """The beginning of names that the graph has no use for."""
    names = {name for node in model.graph.node for name in (*node.input, *node.output)}
    prefix = "bareface/"
    while any(name.startswith(prefix) for name in names):
        prefix = f"bareface{prefix}"
    return prefix
