"""Pickles are described, never carried out."""

import io
import pickle
import pickletools
import random
from collections import OrderedDict
from pathlib import Path

import pytest
from hostile import pickled_call
from hypothesis import given
from hypothesis import strategies as st

from bareface.errors import CheckpointError
from bareface.untrusted.opcodes import Call, Name, mapped, walk

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
    monkeypatch.setattr("bareface.untrusted.opcodes.MAX_OPCODES", 100)
    with pytest.raises(CheckpointError, match="more than 100 opcodes"):
        walk(io.BytesIO(pickle.dumps(list(range(200)))), "here")


TWICE = b"2\x86"  # the value at the top, in a tuple with itself


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"K\x01" + TWICE * 60 + b".", "tuples nested without end"),
        (b"K\x01" + b"\x85" * 300_000 + b".", "tuples nested without end"),
        (b"}]Ns.", "a key that is neither a text nor a number"),
        (b"}((K\x01tK\x02tNs.", "a key that is neither a text nor a number"),
        (b"}\x8a\x0a" + b"\x01" * 10 + b"Ns.", "a key that is neither a text nor a number"),
        (b"cbuiltins\nset\n](K\x01K\x02K\x03la\x85R.", "a key that is neither a text nor a number"),
        (b"ccollections\nOrderedDict\n]((K\x01lK\x02la\x85R.", "a key that is neither a text nor a number"),
        (b"])R.", "a call of something that is no function"),
        (b"cargparse\nNamespace\n)\x81]b.", "a state that is a list"),
    ],
)
def test_work_beyond_all_measure_is_refused(content: bytes, told: str) -> None:
    with pytest.raises(CheckpointError, match=told):
        walk(io.BytesIO(b"\x80\x04" + content), "odd.pkl")


def test_keyword_calls_do_not_copy_their_arguments() -> None:
    """20,000 calls with the same 100,000 arguments would be 16 GB, if each call had its own."""
    many = b"(" + b"N" * 100_000 + b"t\x94" + b"0(" + b"cargparse\nNamespace\nh\x00}\x92" * 20_000 + b"l."
    calls = walk(io.BytesIO(b"\x80\x04" + many), "odd.pkl").root
    assert isinstance(calls, list)
    assert {id(call.args[0]) for call in calls} == {id(calls[0].args[0])}


def test_what_honest_files_nest_is_no_trouble() -> None:
    honest = {"rng": random.Random(0).getstate(), ("a", 1): (1, (2, (3,))), 7: OrderedDict([("x", {1, 2})])}
    for protocol in range(6):
        walk(io.BytesIO(pickle.dumps(honest, protocol)), "honest.pkl")


def test_every_opcode_of_honest_checkpoints_is_known() -> None:
    from bareface.untrusted import opcodes

    known = {*opcodes._IGNORED, *opcodes._CONSTANTS, *opcodes._VALUES, *opcodes._MOVES, "STOP"}
    assert {code.name for code in pickletools.opcodes} - known == {
        *("EXT1", "EXT2", "EXT4", "NEXT_BUFFER", "READONLY_BUFFER"),
    }


BIG_TEXT = b"X" + (200_000).to_bytes(4, "little") + b"x" * 200_000 + b"\x94"
BIG_LIST = b"(" + b"K\x01" * 200_000 + b"l\x94"
BIG_DICT = b"}(" + b"".join(b"X\x05\0\0\0" + b"%05d" % i + b"N" for i in range(20_000)) + b"u\x94"


@pytest.mark.parametrize(
    ("value", "call"),
    [
        (BIG_LIST, b"ccollections\nOrderedDict\nh\x00\x85R"),
        (BIG_LIST, b"cbuiltins\nset\nh\x00\x85R"),
        (BIG_LIST, b"(ccollections\nOrderedDict\nh\x00o"),
        (BIG_LIST, b"(h\x00icollections\nOrderedDict\n"),
        (BIG_DICT, b"cargparse\nNamespace\n)\x81h\x00b"),
    ],
)
def test_one_value_for_every_call_is_work_beyond_the_size_of_the_pickle(value: bytes, call: bytes) -> None:
    once = b"\x80\x04" + value + b"(" + call * 3 + b"l."
    walk(io.BytesIO(once), "honest.pkl")
    with pytest.raises(CheckpointError, match="calls that are given the same values over and over"):
        walk(io.BytesIO(b"\x80\x04" + value + b"(" + call * 2000 + b"l."), "odd.pkl")
