"""Sizes that a graph computes from the size of its input, computed here: nothing else of the graph is run.

Exporters write `Shape -> Gather -> Mul -> Concat` before whatever makes a new value; shape inference gives up there.
With a fixed input all of it is arithmetic on a few whole numbers, so it is done one node at a time, and what comes out
is put in its place. What cannot be found that way has a size that only running the graph would tell.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto, helper, numpy_helper

Values = dict[str, NDArray[Any]]

# Constants up to this size may be shapes that others are computed from.
SMALL = 256
# Nodes that are carried out here at a time: exports of face models have some hundreds.
_MOST_AT_ONCE = 2000
_FOLDED = frozenset(
    {
        *("Gather", "GatherElements", "Unsqueeze", "Squeeze", "Concat", "Slice", "Reshape", "Cast", "Identity", "Size"),
        *("Add", "Sub", "Mul", "Div", "Mod", "Neg", "Abs", "Min", "Max", "Floor", "Ceil", "Round", "Pow", "Sqrt"),
        *("Equal", "Less", "Greater", "Not", "And", "Or", "Where", "ReduceProd", "ReduceSum", "ReduceMin", "ReduceMax"),
        *("Transpose", "Flatten", "Split", "Constant", "ScatterND", "ScatterElements"),
    }
)
_SIZED_BY_FIRST = frozenset({"ConstantOfShape"})
_SIZED_BY_SECOND = frozenset({"Expand"})
# What gives no more numbers than the first value that it takes, whatever their arrangement.
_NO_LARGER = frozenset(
    {
        *(
            "Reshape",
            "Flatten",
            "Squeeze",
            "Unsqueeze",
            "Transpose",
            "Identity",
            "Cast",
            "Slice",
            "Split",
            "Shape",
            "Size",
        ),
        *(
            "Relu",
            "LeakyRelu",
            "PRelu",
            "Clip",
            "Sigmoid",
            "HardSigmoid",
            "HardSwish",
            "Softmax",
            "Tanh",
            "Erf",
            "Gelu",
        ),
        *("Sqrt", "Exp", "Log", "Neg", "Abs", "Reciprocal", "Floor", "Ceil", "Round", "Not", "Dropout", "Constant"),
        *(
            "ReduceMean",
            "ReduceSum",
            "ReduceMax",
            "ReduceMin",
            "ReduceProd",
            "ReduceL1",
            "ReduceL2",
            "ArgMax",
            "ArgMin",
        ),
        *("GlobalAveragePool", "GlobalMaxPool", "BatchNormalization", "LayerNormalization", "LpNormalization"),
    }
)
_GIVES_UP = (
    *(RuntimeError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, MemoryError, AssertionError),
    NotImplementedError,
)


def put_in_sizes(model: ModelProto, inferred: GraphProto) -> bool:
    """Replace the nodes of a model that compute sizes by what they compute; returns whether there were any.

    Args:
        model: is changed.
        inferred: its graph with the shapes that are known so far.
    """
    graph = model.graph
    known, outputs = shapes_in(inferred), {value.name for value in graph.output}
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer if _is_small(tensor.dims)}
    found: Values = {}
    kept = []
    for node in graph.node:
        made = _made(node, values, known, model) if len(found) < _MOST_AT_ONCE else None
        if made and not outputs & set(node.output):
            found |= made
            values |= made
        else:
            kept.append(node)
    del graph.node[:]
    graph.node.extend(kept)
    graph.initializer.extend(
        numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in found.items()
    )
    return bool(found)


def shapes_in(graph: GraphProto) -> dict[str, tuple[int | None, ...]]:
    """Value -> its dimensions, None for open ones; values of unknown rank are left out."""
    values: Iterable[ValueInfoProto] = (*graph.input, *graph.value_info, *graph.output)
    return {
        value.name: tuple(
            d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else None
            for d in value.type.tensor_type.shape.dim
        )
        for value in values
        if value.type.tensor_type.HasField("shape")
    }


def without_a_size(graph: GraphProto) -> tuple[str, str] | None:
    """A value, and its operator, that may be of any size although the input's is fixed; None where there is none."""
    known = shapes_in(graph)
    for node in graph.node:
        for name in node.output:
            if name and node.op_type not in _NO_LARGER and (name not in known or None in known[name]):
                return name, node.op_type
    return None


def _is_small(dims: Iterable[int]) -> bool:
    return int(np.prod(list(dims), dtype=object)) <= SMALL


def _made(
    node: NodeProto, values: Values, known: Mapping[str, tuple[int | None, ...]], model: ModelProto
) -> Values | None:
    """What a node makes of known sizes, if it makes little enough."""
    shape = known.get(node.input[0], (None,)) if node.input else (None,)
    if node.op_type == "Size" and None not in shape:
        return {node.output[0]: np.array(np.prod(shape, dtype=np.int64))}  # type: ignore[arg-type]
    if node.op_type == "Shape" and None not in shape:
        said = {one.name: one.i for one in node.attribute}
        return {node.output[0]: np.array(shape, np.int64)[said.get("start") : said.get("end")]}
    if not all(name in values for name in node.input if name) or not _is_bounded(node, values):
        return None
    from onnx.reference import ReferenceEvaluator

    names = [name for name in node.output if name]
    try:
        inner = helper.make_graph([node], "one", [], [helper.make_empty_tensor_value_info(name) for name in names])
        inner.input.extend(helper.make_empty_tensor_value_info(name) for name in set(node.input) if name)
        one = helper.make_model(inner, opset_imports=model.opset_import, ir_version=model.ir_version)
        with np.errstate(all="ignore"):
            answers = ReferenceEvaluator(one).run(None, {name: values[name] for name in node.input if name})
    except _GIVES_UP:
        return None
    made = {name: np.asarray(answer) for name, answer in zip(names, answers, strict=True)}
    return made if all(value.size <= SMALL and value.dtype.kind in "biuf" for value in made.values()) else None


def _is_bounded(node: NodeProto, values: Values) -> bool:
    """Whether carrying a node out takes next to nothing."""
    if node.op_type in _SIZED_BY_FIRST | _SIZED_BY_SECOND:
        place = 0 if node.op_type in _SIZED_BY_FIRST else 1
        return len(node.input) > place and _is_small(values[node.input[place]].ravel().tolist())
    if node.op_type == "Constant":
        return all(_is_small(attribute.t.dims) for attribute in node.attribute if attribute.HasField("t"))
    return node.op_type in _FOLDED
