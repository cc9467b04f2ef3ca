"""No near pair is missed, whatever the vectors look like."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bareface.stats import nearness
from bareface.stats.nearness import Axes, candidates, evenly


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("LEAF", 3), ("BLOCK", 4), ("BATCH", 7), ("AXES", 3)):
        monkeypatch.setattr(nearness, name, value)


def unit(values: np.ndarray) -> np.ndarray:
    return (values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-6)).astype(np.float32)


KINDS = {
    "everywhere": lambda rng, n, d: rng.normal(size=(n, d)),
    "clustered": lambda rng, n, d: rng.normal(size=(3, d))[rng.integers(0, 3, n)] + 0.1 * rng.normal(size=(n, d)),
    "along one line": lambda rng, n, d: np.outer(rng.choice([-1, 1], n), np.ones(d)) + 0.3 * rng.normal(size=(n, d)),
    "all alike": lambda rng, n, d: np.ones((n, d)),
    "one of them zero": lambda rng, n, d: rng.normal(size=(n, d)) * (np.arange(n)[:, None] > 0),
}


@given(
    kind=st.sampled_from(sorted(KINDS)),
    seed=st.integers(0, 999),
    n=st.integers(0, 30),
    m=st.integers(0, 30),
    least=st.floats(-1, 1),
)
def test_every_pair_with_a_large_product_is_a_candidate(kind: str, seed: int, n: int, m: int, least: float) -> None:
    rng = np.random.default_rng(seed)
    first, second = (unit(KINDS[kind](rng, count, 6)) for count in (n, m))
    axes = Axes.of(np.concatenate([first, second]))
    here, there = (axes.places(some, np.arange(len(some))) for some in (first, second))
    batches = [*candidates(here, there, least)]
    found = [pair for a, b in batches for pair in zip(a.tolist(), b.tolist(), strict=True)]
    assert len(set(found)) == len(found)
    product = first.astype(np.float64) @ second.astype(np.float64).T
    assert {(i, j) for i, j in np.argwhere(product >= least).tolist()} <= set(found)
    assert all(0 < len(a) <= nearness.BATCH for a, _ in batches)


def test_what_lies_apart_along_the_axes_is_no_candidate() -> None:
    first, second = np.eye(6, dtype=np.float32)[:2], np.eye(6, dtype=np.float32)[1:3]
    axes = Axes.of(np.concatenate([first, second]))
    (batch,) = candidates(*(axes.places(some, np.arange(2)) for some in (first, second)), 0.9)
    assert [side.tolist() for side in batch] == [[1], [0]]


def test_some_rows_changed_on_the_way() -> None:
    some = unit(np.random.default_rng(0).normal(size=(11, 6)))
    axes, rows = Axes.of(some), np.array([9, 2, 5, 5, 0])
    found = axes.places(some, rows, lambda block: -block)
    assert np.allclose(found[:3].T, -some[rows] @ axes.basis, atol=1e-6)
    assert np.allclose(np.square(found).sum(axis=0), 1, atol=1e-5)


def test_progress_reaches_the_whole() -> None:
    some, seen = unit(np.random.default_rng(0).normal(size=(10, 6))), list[tuple[int, int]]()
    places = Axes.of(some).places(some, np.arange(10))
    list(candidates(places, places, 0.5, report=lambda *at: seen.append(at)))
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert seen[-1] == (10, 10)


@given(count=st.integers(0, 50), most=st.integers(1, 50))
def test_rows_evenly_spaced(count: int, most: int) -> None:
    rows = evenly(count, most)
    assert len(rows) == min(count, most)
    assert len(rows) == 0 or (rows[0] == 0 and rows[-1] < count)
    assert (np.diff(rows) > 0).all()
