"""JSON is counted before it is parsed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bareface.untrusted.json_text import read_json
from bareface.untrusted.walk import Bounds, TooMuchError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


def values_in(made: object) -> int:
    """Values and keys, but the outermost."""
    if isinstance(made, dict):
        return sum(2 + values_in(value) for value in made.values())
    return sum(1 + values_in(value) for value in made) if isinstance(made, list) else 0


def depth_of(made: object) -> int:
    inside = made.values() if isinstance(made, dict) else made if isinstance(made, list) else None
    return 0 if inside is None else 1 + max(map(depth_of, inside), default=0)


@given(VALUES, st.booleans())
def test_it_is_what_the_json_module_makes_of_it(value: object, ascii_only: bool) -> None:
    content = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert read_json(content) == json.loads(content)


@given(VALUES)
def test_nothing_is_parsed_that_has_more_values_or_is_deeper_than_allowed(value: object) -> None:
    content = json.dumps(value).encode()
    count, depth = values_in(value), depth_of(value)
    # A list or dict without values has a bracket all the same, so twice the values are always enough.
    assert read_json(content, Bounds(depth, 2 * count + 2, len(content))) == json.loads(content)
    if count:
        with pytest.raises(TooMuchError, match="values"):
            read_json(content, Bounds(depth, count - 1, len(content)))
        with pytest.raises(TooMuchError, match="deep"):
            read_json(content, Bounds(depth - 1, 2 * count + 2, len(content)))


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" + b"9" * 5000 + b"]",
        b"[" + b"[]," * 500_000 + b"[]]",
        b'"' + b"[" * 1000,
        b'"\\',
        b'\\"' * 100_000,
        b"\xff\xfe",
        b"",
    ],
)
def test_no_json_is_a_value_error_whatever_it_is(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_json(content)


def test_keys_are_counted_before_they_are_cut_out() -> None:
    import tracemalloc

    content = b"{" + b'"a":1,' * 400_000 + b'"a":1}'
    tracemalloc.start()
    with pytest.raises(TooMuchError, match="values and keys"):
        read_json(content, Bounds(16, 10_000, len(content)))
    assert tracemalloc.get_traced_memory()[1] < len(content)
    tracemalloc.stop()
