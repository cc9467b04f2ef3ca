"""The framing of RecordIO, against a slow reader and against damage."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bareface.faces.packs import recordio
from bareface.faces.packs.recordio import BrokenRecord, frame, payload_at, scan

MAGIC = struct.pack("<I", 0xCED7230A)
# Payloads made of what the framing has to care for: the magic number, aligned or not, and odd lengths.
PIECES = st.sampled_from([MAGIC, MAGIC[:3], b"\n", b"image"]) | st.binary(max_size=9)
PAYLOADS = st.lists(st.lists(PIECES, max_size=8).map(b"".join), max_size=6)


def slowly(content: bytes) -> list[bytes]:
    """The payloads of a sound file, part by part as the format says it."""
    payloads: list[bytes] = []
    at = 0
    while at < len(content):
        magic, word = struct.unpack_from("<4sI", content, at)
        assert magic == MAGIC
        flag, size = word >> 29, word & 0x1FFFFFFF
        part = content[at + 8 : at + 8 + size]
        if flag in (0, 1):
            payloads.append(part)
        else:
            payloads[-1] += MAGIC + part
        at += 8 + (size + 3) // 4 * 4
    return payloads


@given(PAYLOADS)
def test_what_is_written_is_found_and_read(payloads: list[bytes]) -> None:
    content = b"".join(map(frame, payloads))
    assert [payload_at(content, start) for start in scan(content).tolist()] == payloads == slowly(content)


def test_the_bytes_of_a_record_that_holds_the_magic_number() -> None:
    """By hand: a first part of four bytes, the magic number left out, a last part of two and its padding."""
    assert frame(b"abcd" + MAGIC + b"ef") == (
        MAGIC + b"\x04\x00\x00\x20" + b"abcd" + MAGIC + b"\x02\x00\x00\x60" + b"ef\0\0"
    )
    assert frame(b"abc" + MAGIC) == MAGIC + b"\x07\0\0\0" + b"abc" + MAGIC + b"\0", "not aligned: no cut"


@settings(max_examples=300)
@given(st.lists(st.binary(min_size=8, max_size=40), min_size=3, max_size=6), st.data())
def test_damage_to_one_record_leaves_the_others(payloads: list[bytes], data: st.DataObject) -> None:
    framed = [frame(payload) for payload in payloads]
    hit = data.draw(st.integers(0, len(framed) - 1))
    where = data.draw(st.integers(0, 7))
    broken = bytearray(framed[hit])
    broken[where] ^= data.draw(st.integers(1, 255))
    content = b"".join([*framed[:hit], bytes(broken), *framed[hit + 1 :]])
    found, flawed = [], 0
    for start in scan(content).tolist():
        try:
            found.append(payload_at(content, start))
        except BrokenRecord:
            flawed += 1
    assert [payload for payload in found if payload in payloads] == payloads[:hit] + payloads[hit + 1 :]
    assert flawed or len(found) > len(payloads) - 1, "what was lost is told"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "nothing at byte 0: the file ends at 0"),
        (b"\0" * 16, "no record at byte 0: the magic number is missing"),
        (frame(b"x" * 30)[:-8], "cut off: 30 bytes from byte 8 in a file of 32"),
        (frame(b"abcd" + MAGIC + b"ef")[12:], "a part of another record (flag 3)"),
        (frame(b"abcd" + MAGIC + b"ef")[:12] + frame(b"x"), "a record without an end: its next part has flag 0"),
        (frame(b"abcd" + MAGIC + b"ef")[:12], "nothing at byte 12: the file ends at 12"),
        (MAGIC + struct.pack("<I", 20) + frame(b"x" * 12), "a wrong length at byte 4: another record starts inside"),
    ],
)
def test_why_a_record_is_broken(content: bytes, told: str) -> None:
    with pytest.raises(BrokenRecord) as caught:
        payload_at(content, 0)
    assert str(caught.value) == told


def test_a_start_outside_the_file() -> None:
    for start in (-1, -(1 << 40), 1 << 62):
        with pytest.raises(BrokenRecord, match="nothing at byte"):
            payload_at(frame(b"x"), start)


def test_records_too_large_to_be_an_image(monkeypatch: pytest.MonkeyPatch) -> None:
    large, parts = frame(b"x" * 3000), frame(MAGIC * 40)
    monkeypatch.setattr(recordio, "MAX_PAYLOAD", 1 << 11)
    monkeypatch.setattr(recordio, "MAX_PARTS", 32)
    for make in (lambda: payload_at(large, 0), lambda: payload_at(parts, 0), lambda: frame(b"x" * 3000)):
        with pytest.raises(BrokenRecord, match="a record of more than 0 MiB"):
            make()


def test_chains_without_an_end_are_walked_once() -> None:
    """2,000 first parts that all lead into one chain of 20,000 middle parts: 40 million steps, if done naively."""
    heads, chain = 2_000, 20_000
    first = [MAGIC + struct.pack("<I", 1 << 29 | 8 * (heads - n - 1)) for n in range(heads)]
    middle = MAGIC + struct.pack("<I", 2 << 29)
    starts = scan(b"".join(first) + middle * chain)
    assert len(starts) == heads


def test_bytes_behind_the_last_record_are_not_lost_from_sight() -> None:
    assert scan(frame(b"x") + b"abc").tolist() == [0, 12]
    assert scan(frame(b"x") + b"junk" * 5).tolist() == [0, 12]
    assert scan(b"junk" * 5 + frame(b"x")).tolist() == [0, 20]
    assert scan(b"").tolist() == []
