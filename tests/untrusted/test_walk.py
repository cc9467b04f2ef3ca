"""Every untrusted tree is followed so far and no farther."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bareface.untrusted.shown import LONGEST, gist
from bareface.untrusted.walk import Bounds, TooMuchError, leaves

TREES = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.dictionaries(st.text("ab.", min_size=1, max_size=3) | st.integers(0, 9), inner, max_size=4),
    max_leaves=12,
)


def visits(tree: object) -> int:
    """Nodes on every path, the slow way."""
    return 1 + sum(visits(value) for value in tree.values()) if isinstance(tree, Mapping) else 1


def paths(tree: object, path: str = "") -> dict[str, object]:
    """Path -> leaf, the slow way."""
    if not isinstance(tree, Mapping):
        return {path: tree}
    found: dict[str, object] = {}
    for key, value in tree.items():
        found |= paths(value, f"{path}.{key}" if path else str(key))
    return found


@given(TREES)
def test_leaves_are_what_lies_at_the_end_of_every_path(tree: object) -> None:
    assert leaves(tree) == paths(tree)


@given(TREES)
def test_a_tree_of_as_many_nodes_as_allowed_is_followed_and_one_more_is_not(tree: object) -> None:
    count = visits(tree)
    assert leaves(tree, bounds=Bounds(nodes=count)) == paths(tree)
    with pytest.raises(TooMuchError, match=f"more than {count - 1:,} values"):
        leaves(tree, bounds=Bounds(nodes=count - 1))


@pytest.mark.parametrize("leaf", [{}, 1, {"x": {}}])
@pytest.mark.parametrize("times", [2, 3, 6])
def test_shared_dicts_count_on_every_path_even_when_they_are_empty(leaf: object, times: int) -> None:
    tree = leaf
    for _ in range(40):
        tree = {f"k{i}": tree for i in range(times)}
    with pytest.raises(TooMuchError, match="each counted wherever it is referred to"):
        leaves(tree)


def test_what_lies_in_itself_has_no_end() -> None:
    tree: dict[str, object] = {}
    tree["self"] = tree
    with pytest.raises(TooMuchError, match="nested more than 64 deep"):
        leaves(tree)


def test_names_that_are_put_together_count() -> None:
    tree: object = {f"k{i}": 0 for i in range(1000)}
    for _ in range(20):
        tree = {"n" * 5000: tree}
    with pytest.raises(TooMuchError, match="bytes of names and texts"):
        leaves(tree)


@given(
    st.recursive(
        st.integers() | st.text() | st.binary(), lambda inner: st.lists(inner) | st.tuples(inner), max_leaves=40
    )
)
def test_a_gist_is_short(value: object) -> None:
    assert len(gist(value)) <= 2 * LONGEST


def test_a_gist_does_no_more_work_than_it_shows() -> None:
    bomb: object = ["x"]
    for _ in range(60):
        bomb = [bomb, bomb, bomb]
    assert gist(bomb).startswith("[")
    assert gist(10**5000) == "a number of 16,610 bits"
    assert gist([10**5000]) == "a list"
