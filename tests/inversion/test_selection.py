"""The two selections against brute force."""

import itertools
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from inverted import LinearGenerator, seeded, small_target, still, through

from bareface.errors import TargetError, UsageError
from bareface.inversion.objectives.agreement import Agreement
from bareface.inversion.objectives.bn_distance import BnDistanceObjective
from bareface.inversion.objectives.compactness import Compactness
from bareface.inversion.priors import Diversity
from bareface.inversion.select import best_apart, candidates, select, select_again
from bareface.inversion.variation import Redrawn, normal_noise
from bareface.inversion.view_sampler import ViewSampler
from bareface.inversion.views import fixed_draws


def scene() -> ViewSampler:
    return ViewSampler(LinearGenerator.drawn())


@settings(max_examples=60)
@given(n=st.integers(1, 9), keep=st.integers(1, 9), cosine=st.floats(-0.5, 1.0), seed=st.integers(0, 99))
def test_the_best_that_resemble_no_better_one(n: int, keep: int, cosine: float, seed: int) -> None:
    keep = min(keep, n)
    scores = torch.randint(0, 5, (n,), generator=seeded(seed)).float()
    directions = torch.nn.functional.normalize(torch.randn(n, 3, generator=seeded(seed)), dim=1)
    order = sorted(range(n), key=lambda row: (-float(scores[row]), row))
    taken: list[int] = []
    for row in order:
        if len(taken) < keep and all(float(directions[row] @ directions[other]) <= cosine for other in taken):
            taken.append(row)
    filled = taken + [row for row in order if row not in taken][: keep - len(taken)]
    rows, crowded = best_apart(scores, directions, keep, cosine)
    assert sorted(rows.tolist()) == sorted(filled)
    assert crowded == keep - len(taken)
    assert scores[rows].tolist() == sorted(scores[rows].tolist(), reverse=True)


def test_the_first_selection_keeps_the_best_by_image_and_mirror_image() -> None:
    objective = BnDistanceObjective(small_target())
    latents = candidates(scene(), 50, seed=4)
    chosen = select(scene(), objective, latents, 7, chunk=8)
    expected = objective.score(still(scene().generator.render(latents)))
    torch.testing.assert_close(chosen.scores, expected)
    assert torch.equal(chosen.rows, expected.argsort(descending=True)[:7])
    assert torch.equal(chosen.latents.values, latents.values[chosen.rows])
    assert chosen.crowded == 0
    again = select(scene(), objective, latents, 7, chunk=50)
    torch.testing.assert_close(again.scores, chosen.scores, atol=1e-12, rtol=0)
    assert torch.equal(again.rows, chosen.rows)


def test_those_that_are_kept_are_apart() -> None:
    target = small_target()
    everyone = still(scene().generator.render(candidates(scene(), 60, seed=4)))
    directions = Diversity(target).directions(everyone).detach()
    apart = Diversity(target, margin=float((directions @ directions.T).median()))
    chosen = select(scene(), Agreement(target), candidates(scene(), 60, seed=4), 4, apart=apart)
    directions = apart.directions(still(scene().generator.render(chosen.latents))).detach()
    assert chosen.crowded == 0
    assert max(float(a @ b) for a, b in itertools.combinations(directions, 2)) <= apart.margin
    crowd = select(scene(), Agreement(target), candidates(scene(), 60, seed=4), 30, apart=replace(apart, margin=0.0))
    assert 0 < crowd.crowded < 30


@pytest.mark.parametrize("statistic", ["lower-quartile", "mean"])
def test_the_last_selection_scores_the_pixels_of_a_file_under_fixed_views(statistic: str) -> None:
    objective, latents = BnDistanceObjective(small_target()), candidates(scene(), 9, seed=1)
    chosen = select_again(scene(), objective, latents, 4, views=32, statistic=statistic, chunk=4)  # type: ignore[arg-type]
    images = (scene().generator.render(latents) * 255).round() / 255
    each = [objective.score(through(images[:, None], one.expand(9, 1, 1, -1))) for one in fixed_draws(16)]
    every = torch.stack(each, 1).detach()
    expected = every.quantile(0.25, dim=1) if statistic == "lower-quartile" else every.mean(1)
    torch.testing.assert_close(chosen.scores, expected)
    assert torch.equal(chosen.rows, expected.argsort(descending=True)[:4])


def test_candidates_depend_on_the_seed_alone() -> None:
    a, b = candidates(scene(), 10, seed=1), candidates(scene(), 10, seed=1, space="free")
    assert torch.equal(a.values, b.values)
    assert (a.space, b.space) == ("z", "free")
    assert not torch.equal(a.values, candidates(scene(), 10, seed=2).values)


def test_impossible_selections_are_refused() -> None:
    objective, latents = Agreement(small_target()), candidates(scene(), 3, seed=0)
    with pytest.raises(UsageError, match="keep=4; expected 1 to 3"):
        select(scene(), objective, latents, 4)
    with pytest.raises(UsageError, match="1 views; expected 2 or more"):
        select_again(scene(), objective, latents, 2, views=1)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"broken_at": -9.0}, r"linear: render\(\): got NaN or infinite pixels in 3 of 3"),
        ({"gain": 255.0}, r"linear: render\(\): got pixels from .*; expected values in \[0, 1\].*value range"),
        ({"size": 16}, r"images of shape \(3, 3, 8, 8\); expected \(3, 3, 16, 16\)"),
    ],
)
def test_a_generator_that_does_not_keep_its_word_is_named(wrong: dict[str, float], message: str) -> None:
    made = ViewSampler(replace(LinearGenerator.drawn(), **wrong))  # type: ignore[arg-type]
    with pytest.raises(TargetError, match=message):
        select(made, Agreement(small_target()), candidates(made, 3, seed=0), 2)


def test_selections_compare_the_siblings_that_the_scene_has() -> None:
    """One person under three details, always the same three: whichever chunk a row is in, and in both selections."""
    plain = scene()
    latents, varied = candidates(plain, 12, seed=2), Redrawn(plain.generator.prior("z").mean.numel(), 2, count=2)
    family = replace(plain, variation=varied)
    noise = normal_noise(0, range(12), 0, varied)
    images = plain.generator.render(varied.siblings(latents, noise)).reshape(12, 3, 3, *[plain.generator.size] * 2)
    objective = Compactness(small_target())
    expected = objective.score(still(images)).detach()
    chosen = select(family, objective, latents, 5, chunk=5)
    torch.testing.assert_close(chosen.scores, expected)
    assert torch.equal(chosen.rows, expected.argsort(descending=True)[:5])
    quantised = (images * 255).round() / 255
    each = [objective.score(through(quantised, one.expand(12, 3, 1, -1))) for one in fixed_draws(4)]
    again = select_again(family, objective, latents, 5, views=8, statistic="mean", chunk=7)
    torch.testing.assert_close(again.scores, torch.stack(each, 1).mean(1).detach())
