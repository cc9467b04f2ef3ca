"""Broken ONNX bytes: only the house's own errors come out, whatever is done with them."""

from contextlib import suppress
from pathlib import Path

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from needs_onnx import onnx
from small_graphs import normed, tiny

from bareface.errors import BarefaceError
from bareface.probing.graph import GraphProber
from bareface.targets.onnx.facts import onnx_facts
from bareface.targets.onnx.target import load_onnx

SEEDS = (normed().SerializeToString(), tiny().SerializeToString())
WORDS = (b"Loop", b"ConstantOfShape", b"Reshape", b"Expand", b"embedding", b"bn.running_var", b"\xff\xff\xff\x7f")
PIECES = st.one_of(st.binary(min_size=1, max_size=6), st.sampled_from(WORDS))
EDITS = st.lists(st.tuples(st.sampled_from("oic"), st.floats(0, 1), PIECES), min_size=1, max_size=5)

Edits = list[tuple[str, float, bytes]]

fuzzing = settings(max_examples=60)


def edited(content: bytes, edits: Edits) -> bytes:
    """Overwritten, inserted into, or cut off, one after the other."""
    for kind, share, piece in edits:
        at = int(share * len(content))
        rest = {"o": content[at + len(piece) :], "i": content[at:], "c": b""}[kind]
        content = content[:at] + (b"" if kind == "c" else piece) + rest
    return content


def use(path: Path) -> None:
    """All that an audit does with such a file."""
    target = load_onnx(path)
    images = torch.zeros((2, 3, target.spec.height, target.spec.width), dtype=torch.uint8)
    target.embed(images)
    with GraphProber(target).watched() as observe:
        observe(images)


@fuzzing
@given(content=st.sampled_from(SEEDS), edits=EDITS)
def test_broken_bytes_are_refused_by_the_house(content: bytes, edits: Edits, tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(edited(content, edits))
    for read in (onnx_facts, use):
        with suppress(BarefaceError):
            read(path)


FIELDS = st.sampled_from(["op_type", "domain", "input", "output", "dims", "data", "type", "opset", "attribute", "elem"])


def tampered(model: onnx.ModelProto, field: str, number: int, text: str) -> None:
    """One field of a sound model with another value: it still parses."""
    node = model.graph.node[number % len(model.graph.node)]
    tensor = model.graph.initializer[number % len(model.graph.initializer)]
    if field in ("op_type", "domain"):
        setattr(node, field, text)
    elif field in ("input", "output"):
        names = getattr(node, field)
        names[number % len(names)] = text
    elif field == "dims":
        tensor.dims[number % len(tensor.dims)] = number
    elif field == "data":
        tensor.raw_data = tensor.raw_data[: number % 64]
    elif field == "type":
        tensor.data_type = number % 24
    elif field == "opset":
        model.opset_import[0].version = number
    elif field == "attribute":
        node.attribute.append(onnx.helper.make_attribute(text or "x", number))
    else:
        model.graph.input[0].type.tensor_type.shape.dim[number % 4].dim_value = number


@fuzzing
@given(
    changes=st.lists(
        st.tuples(
            FIELDS,
            st.one_of(st.integers(0, 40), st.sampled_from([-1, 1 << 31, 1 << 40, -(1 << 62)])),
            st.one_of(st.sampled_from(["x", "a", "Relu", "Loop", "Reshape", "bn.weight", ""]), st.text(max_size=8)),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_tampered_models_are_refused_by_the_house(changes: list[tuple[str, int, str]], tmp_path: Path) -> None:
    model = normed()
    for field, number, text in changes:
        with suppress(ValueError, OverflowError):  # protobuf itself does not take every value
            tampered(model, field, number, text)
    path = tmp_path / "tampered.onnx"
    path.write_bytes(model.SerializeToString())
    for read in (onnx_facts, use):
        with suppress(BarefaceError):
            read(path)
