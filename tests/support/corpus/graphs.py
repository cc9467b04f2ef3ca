"""ONNX files: graphs that would do more than compute, or compute more than anybody has."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, StringStringEntryProto, TensorProto, helper, numpy_helper

from corpus import Hostile
from corpus.world import World


def _model(
    nodes: list[NodeProto], constants: dict[str, Any] | None = None, side: Any = 8, opset: int = 17
) -> ModelProto:
    held = [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()]
    images = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, side, side])
    answer = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", "d"])
    made = helper.make_graph(nodes, "hostile", [images], [answer], held)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


def _one(kind: str, *more: str, constants: dict[str, Any] | None = None, **attributes: Any) -> ModelProto:
    return _model(
        [helper.make_node(kind, ["x", *more], ["a"], **attributes), helper.make_node("Flatten", ["a"], ["y"])],
        constants,
    )


def _external(location: str, length: int = 8) -> ModelProto:
    model = _one("Mul", "w", constants={"w": np.ones(2, np.float32)})
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("length", str(length))):
        tensor.external_data.append(StringStringEntryProto(key=key, value=value))
    return model


def _domain(domain: str) -> ModelProto:
    model = _model([helper.make_node("Run", ["x"], ["y"], domain=domain)])
    model.opset_import.append(helper.make_opsetid(domain, 1))
    return model


def _function() -> ModelProto:
    model = _model([helper.make_node("Mine", ["x"], ["y"], domain="mine")])
    body = helper.make_node("Identity", ["a"], ["b"])
    model.functions.append(helper.make_function("mine", "Mine", ["a"], ["b"], [body], [helper.make_opsetid("", 17)]))
    model.opset_import.append(helper.make_opsetid("mine", 1))
    return model


def _flow(kind: str, depth: int = 1) -> ModelProto:
    node = helper.make_node("Identity", ["x"], ["y"])
    for _ in range(depth):
        inside = helper.make_graph([node], "inside", [], [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
        node = helper.make_node(kind, ["c"], ["y"], then_branch=inside, else_branch=inside)
    return _model([node], {"c": np.array(True)})


def _chain(count: int) -> ModelProto:
    names = ["x", *(f"v{i}" for i in range(count)), "y"]
    return _model([helper.make_node("Relu", [one], [other]) for one, other in pairwise(names)])


def _doubling(times: int) -> ModelProto:
    nodes = [
        helper.make_node("Concat", [name, name], [f"v{i}"], axis=2)
        for i, name in enumerate(["x", *(f"v{i}" for i in range(times - 1))])
    ]
    return _model([*nodes, helper.make_node("Flatten", [f"v{times - 1}"], ["y"])])


def _dims(*dims: int) -> ModelProto:
    model = _one("Mul", "w", constants={"w": np.ones(2, np.float32)})
    del model.graph.initializer[0].dims[:]
    model.graph.initializer[0].dims.extend(dims)
    return model


def _bytes(model: ModelProto, old: bytes = b"", new: bytes = b"") -> bytes:
    content = model.SerializeToString()
    return content.replace(old, new) if old else content


CASES: dict[str, Callable[[], bytes]] = {
    "an operator of a foreign domain": lambda: _bytes(_domain("com.microsoft")),
    "an operator of python": lambda: _bytes(_domain("ai.onnx.contrib")),
    "a function of its own": lambda: _bytes(_function()),
    "a branch": lambda: _bytes(_flow("If")),
    "branches in branches": lambda: _bytes(_flow("If", 12)),
    "random numbers": lambda: _bytes(_one("RandomNormalLike")),
    "data a folder up": lambda: _bytes(_external("../world/secret.txt")),
    "data at an absolute path": lambda: _bytes(_external("/etc/passwd")),
    "data that is a device": lambda: _bytes(_external("zero")),
    "data behind a link": lambda: _bytes(_external("link.bin")),
    "data that is a pipe": lambda: _bytes(_external("pipe")),
    "data that is not there": lambda: _bytes(_external("none.bin")),
    "data of exabytes": lambda: _bytes(_external("real.bin", 1 << 62)),
    "data with a zero in its name": lambda: _bytes(_external("a\0b")),
    "a constant of a terabyte": lambda: _bytes(
        _model(
            [helper.make_node("ConstantOfShape", ["s"], ["a"]), helper.make_node("Flatten", ["a"], ["y"])],
            {"s": np.array([1 << 20, 1 << 20], np.int64)},
        )
    ),
    "expanded to a terabyte": lambda: _bytes(
        _one("Expand", "s", constants={"s": np.array([1, 1 << 20, 1 << 18, 8], np.int64)})
    ),
    "tiled to a terabyte": lambda: _bytes(
        _one("Tile", "s", constants={"s": np.array([1, 1 << 14, 1 << 14, 1], np.int64)})
    ),
    "padded to a terabyte": lambda: _bytes(
        _one("Pad", "s", constants={"s": np.array([0, 0, 1 << 20, 1 << 20, 0, 0, 0, 0], np.int64)})
    ),
    "resized to a terabyte": lambda: _bytes(
        _one("Resize", "", "s", constants={"s": np.array([1, 1, 1e5, 1e5], np.float32)})
    ),
    "doubled forty times": lambda: _bytes(_doubling(40)),
    "an image of a billion pixels": lambda: _bytes(_model([helper.make_node("Flatten", ["x"], ["y"])], side=1 << 15)),
    "a negative side": lambda: _bytes(_model([helper.make_node("Flatten", ["x"], ["y"])], side=-5)),
    "sixty thousand nodes": lambda: _bytes(_chain(60_000)),
    "ten thousand nodes": lambda: _bytes(_chain(10_000)),
    "weights of 2^62": lambda: _bytes(_dims(1 << 62, 4)),
    "weights of negative size": lambda: _bytes(_dims(-2)),
    "a value made twice": lambda: _bytes(_model([helper.make_node("Relu", ["x"], ["y"])] * 2)),
    "a circle": lambda: _bytes(
        _model(
            [
                helper.make_node("Add", ["x", "b"], ["a"]),
                helper.make_node("Relu", ["a"], ["b"]),
                helper.make_node("Flatten", ["b"], ["y"]),
            ]
        )
    ),
    "names that are no text": lambda: _bytes(_one("Relu"), b"Relu", b"Re\xff\xfe"),
    "control characters in names": lambda: _bytes(_one("Relu"), b"Relu", b"\x1b[2J"),
    "an unknown operator": lambda: _bytes(_one("Nonsense")),
    "opset zero": lambda: _bytes(_model([helper.make_node("Relu", ["x"], ["y"])], opset=0)),
    "no nodes": lambda: _bytes(_model([])),
    "cut off": lambda: _bytes(_one("Relu"))[:-20],
    "nothing": lambda: b"",
    "zeros": lambda: bytes(1000),
    "a pickle": lambda: b"\x80\x02cos\nmkdir\nX\x08\x00\x00\x00EXECUTED\x85R.",
    "groups without end": lambda: b"\x3a\x80\x01" * 50_000,
}


def _made(content: Callable[[], bytes], command: str, folder: Path, world: World) -> list[str]:
    import os

    (folder / "model.onnx").write_bytes(content())
    (folder / "real.bin").write_bytes(bytes(64))
    (folder / "link.bin").symlink_to(world.home / "secret.txt")
    (folder / "zero").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe")
    if command == "inspect":
        return ["inspect", "model.onnx"]
    return ["verify", "pairs.csv", "--model", "model.onnx", "--images", world.faces]


def inputs() -> Iterator[Hostile]:
    """Each through `inspect` and through `verify`."""
    for name, content in CASES.items():
        for command in ("inspect", "verify"):
            yield Hostile(
                "ONNX", f"{name}, {command}", partial(_made, content, command), must_refuse=name.startswith("data ")
            )
