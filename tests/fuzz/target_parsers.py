"""Readers of targets that are no checkpoints, for the fuzzer: ONNX, tables of embeddings, answers of endpoints."""

import io
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from byte_parsers import ByteParser
from onnx import ModelProto, TensorProto, helper, numpy_helper
from small_graphs import small_weights

from bareface.probing.graph import GraphProber
from bareface.targets.endpoint import read_embeddings
from bareface.targets.onnx.facts import onnx_facts
from bareface.targets.onnx.target import load_onnx
from bareface.targets.table import read_table

_NAMES = "image,view\na/1.png,image\na/1.png,flip\nb/1.png,image\nb/1.png,flip\n"


def graph(*, opset: int = 17, batch: int | str = "n") -> ModelProto:
    """A convolution, a BatchNorm, pooling and a linear map, with a shape computed on the way."""
    weights = small_weights()
    nodes = [
        helper.make_node("Conv", ["x", "conv.weight"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["a", *list(weights)[1:5]], ["b"], epsilon=1e-5),
        helper.make_node("Relu", ["b"], ["c"]),
        helper.make_node("GlobalAveragePool", ["c"], ["d"]),
        helper.make_node("Shape", ["d"], ["shape"]),
        helper.make_node("Gather", ["shape", "first"], ["n"]),
        helper.make_node("Concat", ["n", "rest"], ["flat"], axis=0),
        helper.make_node("Reshape", ["d", "flat"], ["e"]),
        helper.make_node("Gemm", ["e", "fc.weight"], ["embedding"], transB=1),
    ]
    constants = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()]
    constants += [numpy_helper.from_array(np.array([n], np.int64), name) for name, n in (("first", 0), ("rest", 4))]
    images = helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 3, 8, 8])
    embedding = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [batch, 5])
    made = helper.make_graph(nodes, "fuzz", [images], [embedding], constants)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


def run_graph(path: Path) -> None:
    """Everything that an audit does with a graph: embed, tap, measure."""
    target = load_onnx(path)
    images = torch.zeros((2, 3, target.spec.height, target.spec.width), dtype=torch.uint8)
    target.embed(images)
    prober = GraphProber(target)
    assert prober.offer.shapes
    with prober.watched() as observe:
        observe(images)


def _graphs() -> list[bytes]:
    return [graph(opset=opset, batch=batch).SerializeToString() for opset, batch in ((11, "n"), (17, 2), (20, "n"))]


def _numbers() -> list[bytes]:
    buffer = io.BytesIO()
    np.save(buffer, np.arange(16, dtype=np.float32).reshape(4, 4))
    return [buffer.getvalue()]


def _read_numbers(path: Path) -> None:
    path.with_suffix(".csv").write_text(_NAMES)
    read_table(path)


def _tables() -> list[bytes]:
    columns = {"image": ["a", "a", "b", "b"], "view": ["image", "flip"] * 2, "embedding": [[1.0, 2.0]] * 4}
    buffers = [io.BytesIO(), io.BytesIO()]
    pq.write_table(pa.table(columns), buffers[0])
    pq.write_table(pa.table(columns), buffers[1], compression="none", use_dictionary=False)
    return [buffer.getvalue() for buffer in buffers]


_WORDS = (
    b"Loop",
    b"ConstantOfShape",
    b"Reshape",
    b"Expand",
    b"Tile",
    b"Conv",
    b"Range",
    b"embedding",
    b"bn.running_var",
)

TARGET_PARSERS: Mapping[str, ByteParser] = MappingProxyType(
    {
        "ONNX, described": ByteParser(onnx_facts, _graphs, ".onnx", _WORDS),
        "ONNX, run": ByteParser(run_graph, _graphs, ".onnx", _WORDS),
        "embeddings, Parquet": ByteParser(
            read_table, _tables, ".parquet", (b"PAR1", b"embedding", b"view", b"element")
        ),
        "embeddings, npy": ByteParser(
            _read_numbers, _numbers, ".npy", (b"NUMPY", b"'descr'", b"'<f4'", b"'|O'", b"(4, 4)")
        ),
        "endpoint's answer": ByteParser(
            lambda path: read_embeddings(path.read_bytes(), 2, "endpoint"),
            lambda: [b'{"embeddings": [[1.5, -2e3], [3, 4]]}'],
            ".json",
            (b"[", b"NaN", b"1e999", b"null", b'"a"', b"{"),
        ),
    }
)
