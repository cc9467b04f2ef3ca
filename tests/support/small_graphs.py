"""Small ONNX graphs made by hand."""

from pathlib import Path

import numpy as np
from needs_onnx import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper


def tiny(shape: tuple[int | str, ...] = ("n", 3, 8, 8), opset: int = 17) -> onnx.ModelProto:
    """Pooling and one linear map: the least that takes images and gives embeddings."""
    weight = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "fc.weight"], ["embedding"], transB=1),
    ]
    return _model(nodes, {"fc.weight": weight}, shape, opset)


def small_weights() -> dict[str, NDArray[np.float64]]:
    """Of a convolution, a BatchNorm and a linear map."""
    rng = np.random.default_rng(0)
    return {
        "conv.weight": rng.normal(size=(4, 3, 3, 3)),
        **{f"bn.{name}": np.full(4, value) for name, value in (("weight", 1), ("bias", 0), ("running_mean", 0.5))},
        "bn.running_var": np.full(4, 2.0),
        "fc.weight": rng.normal(size=(5, 4)),
    }


def normed() -> onnx.ModelProto:
    """A convolution, a BatchNorm that survived, pooling and one linear map."""
    weights = small_weights()
    nodes = [
        helper.make_node("Conv", ["x", "conv.weight"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["a", *list(weights)[1:5]], ["b"], epsilon=1e-5),
        helper.make_node("Relu", ["b"], ["c"]),
        helper.make_node("GlobalAveragePool", ["c"], ["d"]),
        helper.make_node("Flatten", ["d"], ["e"]),
        helper.make_node("Gemm", ["e", "fc.weight"], ["embedding"], transB=1),
    ]
    return _model(nodes, weights, ("n", 3, 8, 8), 17)


def save(model: onnx.ModelProto, path: Path) -> Path:
    """Write a model, whatever it is."""
    path.write_bytes(model.SerializeToString())
    return path


def _model(
    nodes: list[onnx.NodeProto], weights: dict[str, np.ndarray], shape: tuple[int | str, ...], opset: int
) -> onnx.ModelProto:
    images = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    embedding = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", len(weights["fc.weight"])])
    constants = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "small", [images], [embedding], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
