"""YAML is read as everybody reads it, up to what a configuration holds."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bareface.errors import UsageError
from bareface.untrusted.yaml_text import read_yaml

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.floats(allow_nan=False) | WORDS | st.dates(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=15,
)


@given(PLAIN)
def test_plain_values_are_what_the_safe_loader_makes_of_them(value: object) -> None:
    text = yaml.safe_dump(value, allow_unicode=True)
    assert read_yaml(text, "here") == yaml.safe_load(text)
    assert read_yaml(text.encode(), "here") == yaml.safe_load(text)


def test_anchors_and_merged_keys_that_a_person_writes_are_followed() -> None:
    text = "base: &b {x: 1, y: 2}\none: {<<: *b, y: 3}\ntwo: [*b, *b]\n"
    assert read_yaml(text, "here") == yaml.safe_load(text)


def anchors(times: int, first: str = "[x, x]") -> str:
    lines = [f"a0: &a0 {first}"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * times)}]" for i in range(1, 30)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (anchors(6), "more than 20,000 values"),
        (anchors(2, "[]"), "more than 20,000 values"),
        ("a0: &a0 {k: v}\n" + "\n".join(f"a{i}: &a{i} {{<<: [{f'*a{i - 1}, ' * 5}]}}" for i in range(1, 20)), "values"),
        ("a: &a [*a]", "nested more than 32 deep"),
        ("&a {b: *a}", "nested more than 32 deep"),
        ("[" * 100_000, "nested more than 32 deep"),
        ("- " * 100_000, "nested more than 32 deep"),
        ("{a: " * 1000, "nested more than 32 deep"),
        ("seed: " + "9" * 5000, "a number of 5,000 characters"),
        ("seed: 0x" + "f" * 5000, "a number of 5,002 characters"),
        ("seed: " + "1:" * 200 + "1", "a number of 401 characters"),
        ("? " + "9" * 5000 + "\n: 1", "a number of 5,000 characters"),
        ("x: " + "y" * 300_000, "characters"),
        ("x: [" + "y," * 30_000 + "]", "more than 20,000 values"),
    ],
)
def test_more_than_a_configuration_is_refused_in_one_sentence(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=f"here: got .*{told}.*; expected a configuration, which is short and flat"):
        read_yaml(text, "here")


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.mkdir [x]",
        "!!python/name:os.system",
        "a: !!timestamp x",
        "a: !!bool maybe",
        "a: !!int x",
        "a: !!binary x$",
        "a: 2026-99-99",
        "? [a]\n: b",
        "a: 1\n---\nb: 2",
        "a: [",
        "a: \x00",
    ],
)
def test_what_cannot_be_made_is_refused_and_said(text: str) -> None:
    with pytest.raises(UsageError, match="here: got a file that is no YAML"):
        read_yaml(text, "here")


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(UsageError, match="no YAML"):
        read_yaml(b"\xff\xfe\x00", "here")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", "the key 'a' twice, the second time in line 3"),
        ("x: {seed: 1, 'seed': 2}", "the key 'seed' twice, the second time in line 1"),
        ("- {1: a, 1: b}", "the key '1' twice"),
    ],
)
def test_a_key_that_stands_twice_is_named(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=f"got {said}.*; expected every key once"):
        read_yaml(text, "here")


def test_a_key_that_a_merged_mapping_has_too_is_no_second_one() -> None:
    assert read_yaml("a: &a {x: 1}\nb: {<<: *a, x: 2}", "here") == {"a": {"x": 1}, "b": {"x": 2}}


@pytest.mark.parametrize("text", ["a: !" + "x" * 100_000 + " 1", "a: !!" + "y" * 100_000 + " {}"])
def test_a_message_shows_the_beginning_of_what_is_long(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_yaml(text, "here")
    assert len(str(caught.value)) < 5000
