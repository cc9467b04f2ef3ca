"""The search for near-duplicates gives what comparing all pairs gives."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bareface.auditing.overlap import near_duplicates as module
from bareface.auditing.overlap.near_duplicates import LEAST_SIMILARITY, MOST_BITS, Pictures, near_duplicates
from bareface.errors import UsageError
from bareface.faces.perceptual import BITS, differing, mirrored, mirrored_hashes, signs
from bareface.stats import nearness
from benchmarks.speed.near_duplicates_growth import all_pairs, mixed, planted


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("LEAF", 3), ("BLOCK", 4), ("BATCH", 7)):
        monkeypatch.setattr(nearness, name, value)


def pictures(name: str, levels: np.ndarray, bits: np.ndarray) -> Pictures:
    """From (n, 256) grey levels and (n, 255) bits."""
    centred = (levels - levels.mean(axis=1, keepdims=True)).astype(np.float32)
    thumbnail = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), np.float32(1e-6))
    hashes = np.packbits(bits.astype(np.uint8).reshape(-1, BITS), axis=1)
    return Pictures(np.array([f"{name}{row}" for row in range(len(levels))], "U64"), hashes, thumbnail)


def flipped(bits: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Each row with `count` bits turned over."""
    turned = np.argsort(rng.random(bits.shape), axis=1) < count
    return np.where(turned, 1 - bits, bits)


def near(levels: np.ndarray, spread: float, rng: np.random.Generator) -> np.ndarray:
    return levels + spread * levels.std() * rng.normal(size=levels.shape)


def found_in(first: Pictures, second: Pictures) -> list[tuple[int, int, bool]]:
    found = near_duplicates(first, second)
    assert not found.exact.any()
    return list(zip(found.first.tolist(), found.second.tolist(), found.mirror.tolist(), strict=True))


SETS = ("strangers", "copies", "clustered", "all alike", "constant", "mirrored", "both ways")


def two_sets(kind: str, seed: int, n: int, m: int) -> tuple[Pictures, Pictures]:
    rng = np.random.default_rng(seed)
    levels, bits = rng.normal(size=(max(n, m, 3), 256)), rng.integers(0, 2, (max(n, m, 3), BITS))
    if kind in ("clustered", "all alike"):
        centre = rng.integers(0, 3 if kind == "clustered" else 1, len(levels))
        levels, bits = levels[centre], bits[centre]
    if kind == "constant":
        levels = np.where(rng.random((len(levels), 1)) < 0.7, 5.0, levels)
        bits[:] = 0
    if kind == "both ways":
        square = levels.reshape(-1, 16, 16)
        levels = (square + square[:, :, ::-1]).reshape(len(levels), 256)
        bits[:, mirrored(np.ones((1, BITS), np.float32))[0] < 0] = rng.integers(0, 2)
    others, theirs = (levels, bits) if kind != "strangers" else (rng.normal(size=levels.shape), 1 - bits)
    if kind == "mirrored":
        others = levels.reshape(-1, 16, 16)[:, :, ::-1].reshape(len(levels), 256)
        theirs = np.unpackbits(mirrored_hashes(np.packbits(bits.astype(np.uint8), axis=1)), axis=1, count=BITS)
    spread = rng.choice([0.0, 0.1, 0.3]) if kind != "constant" else 0.0
    changed = flipped(theirs, int(rng.integers(40, 51)), rng) if kind != "constant" else theirs
    order = rng.permutation(len(others))
    return pictures("a", levels[:n], bits[:n]), pictures("b", near(others, spread, rng)[order][:m], changed[order][:m])


@settings(max_examples=150)
@given(kind=st.sampled_from(SETS), seed=st.integers(0, 9999), n=st.integers(0, 25), m=st.integers(0, 25))
def test_the_same_pairs_as_comparing_all(kind: str, seed: int, n: int, m: int) -> None:
    first, second = two_sets(kind, seed, n, m)
    lit = [some.take(some.thumbnail.any(axis=1)) for some in (first, second)]
    rows = [np.flatnonzero(some.thumbnail.any(axis=1)) for some in (first, second)]
    expected = {(int(rows[0][a]), int(rows[1][b]), turned) for a, b, turned in all_pairs(*lit)}
    found = found_in(first, second)
    assert len(set(found)) == len(found)
    assert set(found) == expected


def test_every_kind_of_sets_has_something_to_find() -> None:
    counts = {kind: sum(len(near_duplicates(*two_sets(kind, seed, 20, 20))) for seed in range(10)) for kind in SETS}
    assert counts.pop("strangers") == 0
    assert min(counts.values()) > 0


@pytest.mark.parametrize("bits", [MOST_BITS - 1, MOST_BITS, MOST_BITS + 1])
@pytest.mark.parametrize("turned", [False, True])
def test_at_the_limit_of_bits(bits: int, turned: bool) -> None:
    rng = np.random.default_rng(bits)
    one = pictures("a", rng.normal(size=(1, 256)), rng.integers(0, 2, (1, BITS)))
    own = np.unpackbits(one.hashes, axis=1, count=BITS)
    other = pictures("b", one.thumbnail, flipped(own, bits, rng))
    if turned:
        thumbnail = other.thumbnail.reshape(-1, 16, 16)[:, :, ::-1].reshape(-1, 256)
        other = replace(other, hashes=mirrored_hashes(other.hashes), thumbnail=thumbnail)
    assert found_in(one, other) == ([(0, 0, turned)] if bits <= MOST_BITS else [])


def test_at_the_limit_of_similarity_the_same_as_comparing_all() -> None:
    rng = np.random.default_rng(0)
    first = pictures("a", rng.normal(size=(200, 256)), np.zeros((200, BITS)))
    across = pictures("b", rng.normal(size=(200, 256)), np.zeros((200, BITS)))
    side = across.thumbnail - (across.thumbnail * first.thumbnail).sum(1, keepdims=True) * first.thumbnail
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    share = LEAST_SIMILARITY + np.linspace(-2e-7, 2e-7, 200)[:, None]
    thumbnail = (share * first.thumbnail + np.sqrt(1 - share**2) * side).astype(np.float32)
    second = replace(across, thumbnail=thumbnail)
    found = found_in(first, second)
    assert set(found) == all_pairs(first, second)
    assert 0 < len(found) < 200


def test_mixtures_of_faces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    rng = np.random.default_rng(0)
    faces = [rng.uniform(0, 255, (60, side, side)).astype(np.float32) for side in (32, 16)]
    first = mixed(*faces, 700, "a", rng)
    second = planted(first, mixed(*faces, 600, "b", rng), rng)
    found = found_in(first, second)
    assert set(found) == all_pairs(first, second)
    assert {second for _, second, _ in found} >= {*range(0, 600, 100)}


def test_a_film_on_both_sides_is_refused_early(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = pictures("a", np.ones((300, 1)) * np.arange(256), np.zeros((300, BITS)))
    looked = list[int]()
    decide = module.differing
    monkeypatch.setattr(module, "differing", lambda *some: looked.append(len(some[0])) or decide(*some))
    monkeypatch.setattr(module, "MOST_MATCHES", 50)
    with pytest.raises(UsageError, match=r"more than 50 pairs of near-duplicates; expected fewer.*frames of one film"):
        near_duplicates(frames, pictures("b", frames.thumbnail, np.zeros((300, BITS))))
    assert sum(looked) < 100


@given(seed=st.integers(0, 999), n=st.integers(0, 20))
def test_differing_bits_and_mirrored_hashes_are_those_of_the_signs(seed: int, n: int) -> None:
    one, other = np.packbits(np.random.default_rng(seed).integers(0, 2, (2, n, BITS), np.uint8), axis=2)
    assert (differing(one, other) == (signs(one) != signs(other)).sum(axis=1)).all()
    assert (signs(mirrored_hashes(one)) == mirrored(signs(one))).all()
