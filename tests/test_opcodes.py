"""Pickles are described, never carried out."""

import io
import pickle
import pickletools
from collections import OrderedDict
from pathlib import Path

import pytest
from hostile import pickled_call
from hypothesis import given
from hypothesis import strategies as st

from bareface.errors import CheckpointError
from bareface.opcodes import Call, Name, mapped, walk

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def plain(node: object) -> object:
    """The described object, made again."""
    if isinstance(node, Call):
        return {key: plain(value) for key, value in node.pairs}
    if isinstance(node, list | tuple):
        return type(node)(map(plain, node))
    return node


@given(value=PLAIN, protocol=st.integers(3, pickle.HIGHEST_PROTOCOL))
def test_plain_data_is_described_as_it_is(value: object, protocol: int) -> None:
    stream = io.BytesIO(pickle.dumps(value, protocol) + b"next")
    assert plain(walk(stream, "here").root) == value
    assert stream.read() == b"next"


@pytest.mark.parametrize("protocol", range(6))
def test_calls_are_recorded_and_not_made(tmp_path: Path, protocol: int) -> None:
    walked = walk(io.BytesIO(pickle.dumps(OrderedDict(a=[1, {2}]), protocol)), "here")
    assert walked.names[0] == Name("collections", "OrderedDict")
    harm = walk(io.BytesIO(pickled_call(tmp_path / "made")), "here")
    assert [name.attribute for name in harm.names] == ["mkdir"]
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "cannot be followed"),
        (b"(lp0\n", "cannot be followed"),
        (b"\x80\x02\x82\x01.", "opcode EXT1"),
        (b"\x80\x02h\x07.", "cannot be followed"),
        (b"\x80\x02X\xff\xff\xff\x7fabc.", "cannot be followed"),
        (b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7fabc.", "cannot be followed"),
        (b"\x80\x04K\x01K\x02\x93.", "an import without a name"),
        (b"\x80\x020.", "cannot be followed"),
        (b"\x80\x02}K\x01s.", "cannot be followed"),
    ],
)
def test_pickles_that_no_one_writes_are_refused(tmp_path: Path, content: bytes, told: str) -> None:
    file = tmp_path / "odd.pkl"
    file.write_bytes(content or b"\x00")
    with mapped(file) as stream, pytest.raises(CheckpointError, match=told):
        walk(stream, "odd.pkl")


def test_memory_follows_the_file_and_not_what_it_claims() -> None:
    far = b"\x80\x02K\x01r\xff\xff\xff\x7f."
    assert walk(io.BytesIO(far), "here").root == 1


def test_endless_pickles_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bareface.opcodes.MAX_OPCODES", 100)
    with pytest.raises(CheckpointError, match="more than five million opcodes"):
        walk(io.BytesIO(pickle.dumps(list(range(200)))), "here")


def test_every_opcode_of_honest_checkpoints_is_known() -> None:
    from bareface import opcodes

    known = {*opcodes._IGNORED, *opcodes._CONSTANTS, *opcodes._VALUES, *opcodes._MOVES, "STOP"}
    assert {code.name for code in pickletools.opcodes} - known == {
        *("EXT1", "EXT2", "EXT4", "NEXT_BUFFER", "READONLY_BUFFER"),
    }
