"""Whatever bytes a reader is given, what comes out is what it promises or one of the house's own errors.

The readers and their honest files stand in `benchmarks/byte_parsers.py`; `python tests/fuzz/fuzz.py` goes on longer.
"""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import pytest
from byte_parsers import PARSERS
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import CHANGES, NUMBERS
from pickle_programs import program

from bareface.errors import BarefaceError

SLOWEST = 30  # seconds of processor time for one small file; a busy machine does not count


@cache
def seeds(name: str) -> Sequence[bytes]:
    return PARSERS[name].seeds()


@st.composite
def broken_files(draw: st.DrawFn, name: str) -> bytes:
    """An honest file with some changes, a pickle that nobody wrote, or anything."""
    parser = PARSERS[name]
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return draw(st.binary(max_size=100))
    if kind < 5 and parser.programs:
        return program(draw(st.randoms(use_true_random=False)))
    content = draw(st.sampled_from(seeds(name)))
    pieces = st.binary(min_size=1, max_size=4) | st.sampled_from(NUMBERS) | st.sampled_from(parser.tokens or NUMBERS)
    changes = st.tuples(st.sampled_from(sorted(CHANGES)), st.floats(0, 1), pieces)
    for change, where, piece in draw(st.lists(changes, max_size=5)):
        content = CHANGES[change](content, int(where * len(content)), piece)
    return content[: 1 << 16]


class TooSlowError(BaseException):
    """No `except Exception` may swallow it."""


@contextmanager
def in_time() -> Iterator[None]:
    """A reader that would never return is stopped."""

    def stop(*_: object) -> None:
        raise TooSlowError(f"more than {SLOWEST} s of processor time")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SLOWEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=50)
@given(data=st.data())
def test_only_house_errors_come_out(name: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / f"broken{PARSERS[name].suffix}"
    path.write_bytes(data.draw(broken_files(name)))
    with in_time(), suppress(BarefaceError):
        PARSERS[name].read(path)


# A generator is larger than a seed should be; the honest ones have tests of their own.
@pytest.mark.parametrize("name", sorted({*PARSERS} - {"generator"}))
def test_an_honest_file_is_read(name: str, tmp_path: Path) -> None:
    """A reader that refused everything would pass the test above."""
    path, read = tmp_path / f"honest{PARSERS[name].suffix}", 0
    for content in seeds(name):
        path.write_bytes(content)
        with suppress(BarefaceError):
            PARSERS[name].read(path)
            read += 1
    assert read
