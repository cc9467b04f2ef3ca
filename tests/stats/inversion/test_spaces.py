"""PRDC, KID, Fréchet and KNN distances against oracles, hand-made cases and the published definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bareface.errors import UsageError
from bareface.stats.inversion.frechet import frechet
from bareface.stats.inversion.judgement import distribution
from bareface.stats.inversion.kid import kid, mmd
from bareface.stats.inversion.neighbours import knn_distance, squared_distances, squared_radii
from bareface.stats.inversion.prdc import Prdc, prdc


def slow_prdc(real: np.ndarray, generated: np.ndarray, k: int) -> Prdc:
    """The definition, one pair at a time."""

    def radius(rows: np.ndarray, i: int) -> float:
        return sorted(float(np.linalg.norm(rows[i] - rows[j])) for j in range(len(rows)) if j != i)[k - 1]

    balls = [radius(real, i) for i in range(len(real))]
    fake_balls = [radius(generated, j) for j in range(len(generated))]
    held = [[np.linalg.norm(x - y) < r for y in generated] for x, r in zip(real, balls, strict=True)]
    back = [[np.linalg.norm(x - y) < r for y, r in zip(generated, fake_balls, strict=True)] for x in real]
    n, m = len(real), len(generated)
    return Prdc(
        precision=sum(any(held[i][j] for i in range(n)) for j in range(m)) / m,
        recall=sum(any(row) for row in back) / n,
        density=sum(held[i][j] for i in range(n) for j in range(m)) / (k * m),
        coverage=sum(any(row) for row in held) / n,
    )


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(2, 25), st.integers(2, 25), st.integers(1, 6), st.integers(1, 5))
def test_prdc_is_the_published_definition_for_any_sizes(seed: int, n: int, m: int, d: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    real, generated = rng.normal(size=(n + k, d)), 0.3 + 1.2 * rng.normal(size=(m + k, d))
    got, want = prdc(real, generated, k), slow_prdc(real, generated, k)
    for name in ("precision", "recall", "density", "coverage"):
        assert getattr(got, name) == pytest.approx(getattr(want, name), abs=1e-12)


def test_prdc_by_hand() -> None:
    """Real 0, 1, 3 (radii to the nearest: 1, 1, 2), generated .5, 2, 2.5, 9 (radii 1.5, .5, .5, 6.5)."""
    real, generated = np.array([[0.0], [1], [3]]), np.array([[0.5], [2], [2.5], [9]])
    # .5 lies in B(0), B(1); 2 in B(3) only (the ball of 1 is open); 2.5 in B(3); 9 in none.
    # 0 and 1 lie in B(.5); 3 in B(9); 1 is not below 1 from 2.
    assert prdc(real, generated, 1) == Prdc(precision=3 / 4, recall=1.0, density=4 / 4, coverage=1.0)


def test_density_does_not_scale_with_the_number_of_generated_rows() -> None:
    rng = np.random.default_rng(1)
    real = rng.normal(size=(60, 4))
    densities = [prdc(real, rng.normal(size=(m, 4))).density for m in (60, 600)]
    assert densities[0] == pytest.approx(1, abs=0.25)
    assert densities[1] == pytest.approx(1, abs=0.25)


def test_identical_sets_are_covered() -> None:
    rows = np.random.default_rng(2).normal(size=(30, 3))
    got = prdc(rows, rows)
    assert (got.precision, got.recall, got.coverage) == (1, 1, 1)


def test_distances_survive_a_far_origin() -> None:
    rng = np.random.default_rng(3)
    x, y = 1e6 + rng.normal(size=(8, 5)), 1e6 + rng.normal(size=(6, 5))
    slow = ((x[:, None] - y) ** 2).sum(-1)
    assert squared_distances(x, y) == pytest.approx(slow, rel=1e-6)
    assert squared_radii(x, 2) == pytest.approx(np.sort(((x[:, None] - x) ** 2).sum(-1))[:, 2], rel=1e-6)


def test_knn_distance_by_hand() -> None:
    assert knn_distance([[0.0, 0], [4, 3]], [[0.0, 1], [4, 0], [9, 9]]) == (1 + 9) / 2


def slow_mmd(x: np.ndarray, y: np.ndarray) -> float:
    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float((a @ b / len(a) + 1) ** 3)

    n, m = len(x), len(y)
    inside = sum(kernel(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    outside = sum(kernel(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return inside + outside - 2 * sum(kernel(a, b) for a in x for b in y) / (n * m)


def test_kid_is_the_unbiased_estimate() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(9, 5)), 0.4 + rng.normal(size=(14, 5))
    found = kid(x, y, rng, subsets=20)
    assert found.value == pytest.approx(slow_mmd(x, y))
    assert (found.size, found.subsets) == (4, 20)
    assert found.spread > 0


def test_kid_has_no_bias_where_frechet_has() -> None:
    """Two samples of one law: KID scatters about 0 at any size, Fréchet stands far above it and near its floor."""
    rng = np.random.default_rng(5)
    drawn = [mmd(rng.normal(size=(30, 8)), rng.normal(size=(20, 8))) for _ in range(300)]
    assert abs(np.mean(drawn)) < 4 * np.std(drawn) / np.sqrt(300)
    found = frechet(rng.normal(size=(2000, 64)), rng.normal(size=(100, 64)), rng, draws=4)
    assert found.value == pytest.approx(12.9, abs=1.2)
    assert found.floor == pytest.approx(found.value, rel=0.1)


def test_frechet_of_known_gaussians() -> None:
    """In one dimension it is (m1 - m2)² + (s1 - s2)²."""
    rng = np.random.default_rng(6)
    x = rng.normal(size=(500, 1))
    x = (x - x.mean()) / x.std(ddof=1)
    assert frechet(x, 3 * x + 2, rng, draws=2).value == pytest.approx(4 + 4)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda r: prdc(np.ones((5, 2)), np.ones((9, 2))), "at least 6 rows in each"),
        (lambda r: prdc(np.ones((9, 2)), np.ones((9, 3))), "with one d"),
        (lambda r: prdc(np.ones((9, 2)), np.ones((9, 2)), 0), "got k = 0"),
        (lambda r: prdc(np.full((9, 2), np.nan), np.ones((9, 2))), "NaN or infinite embeddings"),
        (lambda r: kid(np.ones((3, 2)), np.ones((9, 2)), r), "at least 4 rows"),
        (lambda r: kid(np.ones((9, 2)), np.ones((9, 2)), r, size=10), "2 subsets of 2 to 9 rows"),
        (lambda r: frechet(np.ones((1, 2)), np.ones((9, 2)), r), "at least 2 rows"),
        (lambda r: knn_distance(np.ones((0, 2)), np.ones((9, 2))), "at least 1 rows"),
    ],
)
def test_what_cannot_be_measured_is_an_error_and_no_number(call: object, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        call(np.random.default_rng(0))  # type: ignore[operator]


def test_a_distribution_compares_equally_many_and_leaves_out_the_faceless() -> None:
    rng = np.random.default_rng(7)
    real = rng.normal(size=(40, 6))
    real /= np.linalg.norm(real, axis=1, keepdims=True)
    generated = real[:20] + 0.01 * rng.normal(size=(20, 6))
    generated[3] = np.nan
    found = distribution("training", real, generated, rng, with_frechet=True)
    assert (found.real, found.generated, found.reason) == (19, 19, "")
    assert found.knn is not None
    assert found.frechet is not None
    none = distribution("decoy", real, np.full((20, 6), np.nan), rng)
    assert none.precision is None
    assert "0 images with a face" in none.reason
