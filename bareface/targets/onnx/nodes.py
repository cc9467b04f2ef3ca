"""The nodes of an ONNX graph that an audit reads: BatchNorm that survived export, convolutions and linear maps."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from bareface.targets.onnx.shapes import Shapes
from bareface.targets.printable import printable

Array = NDArray[np.float32]
_FLOATS = frozenset({TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16})


@dataclass(frozen=True, eq=False)
class Norm:
    """A BatchNormalization node with running statistics.

    Attributes:
        name: the module that it was, as far as the exporter tells.
        entering: the value that enters it.
        mean, variance: (c,) running statistics; the variance with the node's epsilon.
    """

    name: str
    entering: str
    mean: Array
    variance: Array


@dataclass(frozen=True)
class Linear:
    """A convolution or a linear map with constant weights.

    Attributes:
        name: the module that it was, as far as the exporter tells.
        leaving: the value that leaves it.
        channels: c of that value.
        last: whether its channels are the last axis rather than the second.
        by_image: whether that value has one row for each image, as far as can be told without running the graph.
        kernel: shape of the weights, outputs first.
        biased: whether it adds a bias, as every convolution does that took in a BatchNorm.
    """

    name: str
    leaving: str
    channels: int
    last: bool
    by_image: bool
    kernel: tuple[int, ...]
    biased: bool


Named = TypeVar("Named", Norm, Linear)


class Constants(Mapping[str, TensorProto]):
    """The constants of a graph by name: initialisers, Constant nodes, and their Identity aliases."""

    def __init__(self, model: ModelProto) -> None:
        self._tensors = {tensor.name: tensor for tensor in model.graph.initializer}
        for node in model.graph.node:
            if node.op_type == "Constant" and node.output and node.attribute and node.attribute[0].HasField("t"):
                self._tensors[node.output[0]] = node.attribute[0].t
            elif node.op_type == "Identity" and node.output and node.input and node.input[0] in self._tensors:
                self._tensors[node.output[0]] = self._tensors[node.input[0]]

    def __getitem__(self, name: str) -> TensorProto:
        tensor: TensorProto = self._tensors[name]
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def vector(self, name: str) -> Array | None:
        """(c,) float32; None where there is no such constant vector of finite numbers."""
        tensor = self._tensors.get(name)
        if tensor is None or tensor.data_type not in _FLOATS or len(tensor.dims) != 1:
            return None
        try:
            values = numpy_helper.to_array(tensor).astype(np.float32)
        except (ValueError, TypeError):
            return None
        return values if len(values) and bool(np.isfinite(values).all()) else None

    def matrix(self, name: str) -> tuple[int, ...] | None:
        """The shape of a constant with two axes or more."""
        tensor = self._tensors.get(name)
        return tuple(tensor.dims) if tensor is not None and len(tensor.dims) > 1 and min(tensor.dims) > 0 else None


def norms(model: ModelProto, constants: Constants, shapes: Shapes) -> tuple[Norm, ...]:
    """The BatchNormalization nodes in evaluation mode with a row for each image, in the order of the graph."""
    nodes = (node for node in model.graph.node if node.op_type == "BatchNormalization" and len(node.input) >= 5)
    nodes = (node for node in nodes if shapes.may_have_rows(node.input[0]))
    return _distinct(norm for node in nodes if (norm := _norm(node, constants)) is not None)


def _norm(node: NodeProto, constants: Constants) -> Norm | None:
    said = _attributes(node)
    mean, variance = constants.vector(node.input[3]), constants.vector(node.input[4])
    if said.get("training_mode") or mean is None or variance is None or len(mean) != len(variance):
        return None
    epsilon = np.float32(said.get("epsilon", 1e-5))
    spread = variance + epsilon
    if (spread <= 0).any():
        return None
    return Norm(_module(node, node.input[3], ".running_mean"), node.input[0], mean, spread)


def linears(model: ModelProto, constants: Constants, shapes: Shapes) -> tuple[Linear, ...]:
    """The convolutions and linear maps with constant weights, in the order of the graph."""
    nodes = (node for node in model.graph.node if node.op_type in ("Conv", "Gemm", "MatMul") and len(node.input) > 1)
    return _distinct(linear for node in nodes if (linear := _linear(node, constants, shapes)) is not None)


def _linear(node: NodeProto, constants: Constants, shapes: Shapes) -> Linear | None:
    kernel = constants.matrix(node.input[1])
    if kernel is None or (node.op_type != "Conv" and len(kernel) != 2):
        return None
    if node.op_type == "MatMul" or (node.op_type == "Gemm" and not _attributes(node).get("transB")):
        kernel = kernel[::-1]
    biased = len(node.input) > 2 and bool(node.input[2])
    name, last = _module(node, node.input[1], ".weight"), node.op_type == "MatMul"
    return Linear(name, node.output[0], kernel[0], last, shapes.may_have_rows(node.output[0]), kernel, biased)


def _module(node: NodeProto, constant: str, ending: str) -> str:
    """The module that a node was: by the exporter's notes, by its constant's name, by its own."""
    said = {entry.key: entry.value for entry in node.metadata_props}
    parts = said.get("namespace", "").split("/")
    scope = parts[-2].partition(":")[0].strip() if len(parts) > 1 else ""
    named = constant.removesuffix(ending) if constant.endswith(ending) else ""
    return printable(scope or named or _dotted(node.name) or f"{node.op_type} {node.output[0]}", 120)


def _dotted(path: str) -> str:
    """`/body/body.0/layer/layer.3/Conv`, as torch's older exporter names nodes, as the module `body.0.layer.3`."""
    parts = path.split("/")[1:-1]
    name = parts[0] if parts else path
    for above, part in pairwise(parts):
        name += part.removeprefix(above) if part.startswith(f"{above}.") else f".{part}"
    return name


def _attributes(node: NodeProto) -> dict[str, Any]:
    """The numbers among a node's attributes."""
    return {a.name: helper.get_attribute_value(a) for a in node.attribute if a.type in (a.INT, a.FLOAT)}


def _distinct(found: Iterator[Named]) -> tuple[Named, ...]:
    """The same with names that occur once."""
    seen: Counter[str] = Counter()
    named = []
    for one in found:
        seen[one.name] += 1
        named.append(one if seen[one.name] == 1 else replace(one, name=f"{one.name} ({seen[one.name]})"))
    return tuple(named)
