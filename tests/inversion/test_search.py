"""The search: a closed-form optimum, the same result after a kill and in other chunks, and mistakes that are named."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from inverted import LinearGenerator, small_target
from linear_world import linear_world
from stylegans import tiny
from torch import Tensor

from bareface.errors import RunError, TargetError, UsageError
from bareface.inversion.generator import Latents
from bareface.inversion.objectives.agreement import Agreement
from bareface.inversion.objectives.base import Objective
from bareface.inversion.objectives.bn_distance import BnDistanceObjective
from bareface.inversion.objectives.compactness import Compactness
from bareface.inversion.objectives.sum import Sum
from bareface.inversion.plan import SearchPlan
from bareface.inversion.priors import Box, Diversity, PNorm
from bareface.inversion.search import Search, SearchStep, descend, search
from bareface.inversion.select import candidates
from bareface.inversion.state import State
from bareface.inversion.stylegan2.generator import StyleGAN2Generator
from bareface.inversion.variation import Redrawn
from bareface.inversion.view_batch import ViewBatch
from bareface.inversion.view_sampler import ViewSampler
from bareface.inversion.views import ViewAugmentation
from bareface.storage.artefacts import write_artefact
from bareface.targets.target import Target


def last(steps: Iterator[SearchStep]) -> SearchStep:
    return list(steps)[-1]


def test_the_optimum_of_a_linear_world_is_found() -> None:
    what, start, optimum = linear_world()
    end = last(search(what, start))
    assert end.number == 600
    torch.testing.assert_close(end.latents("last").values, optimum, atol=1e-4, rtol=0)
    torch.testing.assert_close(end.latents("best").values, optimum, atol=1e-4, rtol=0)
    torch.testing.assert_close(end.latents("average").values, optimum, atol=2e-2, rtol=0)


def test_a_box_in_the_way_is_kept_at_every_step() -> None:
    what, start, optimum = linear_world()
    assert optimum.abs().max() > 0.4
    boxed = replace(what, plan=replace(what.plan, box=Box(0.4), steps=30))
    for step in search(boxed, start):
        assert step.state.coordinates.abs().max() <= 0.4
    assert step.latents("last").values.abs().max() == 0.4


def nonlinear(**changed: object) -> tuple[Search, Latents]:
    """Everything at once: random views, siblings, two targets, priors, diversity."""
    generator, target = LinearGenerator.drawn(6), small_target()
    scene = ViewSampler(generator, ViewAugmentation(pairs=1), variation=Redrawn(6, kept=4, count=1))
    objective = Sum(((1.0, Agreement(target)), (0.3, Compactness(target)), (0.1, BnDistanceObjective(small_target(1)))))
    what = Search(
        scene, objective, SearchPlan(steps=12, rate=0.05), (PNorm(0.01),), Diversity(target, margin=0.97, weight=0.1)
    )
    return replace(what, **changed), candidates(scene, 7, seed=3)  # type: ignore[arg-type]


def test_steps_tell_the_story() -> None:
    what, start = nonlinear()
    steps = list(search(what, start))
    assert [step.number for step in steps] == list(range(13))
    state = steps[-1].state
    assert torch.equal(state.scores, torch.stack([step.scores for step in steps]))
    value = state.scores - state.penalties
    assert torch.equal(state.best_value, value.amax(0))
    looked_at = [what.plan.box.project(start.values), *(step.state.coordinates for step in steps[:-1])]
    best = torch.stack([looked_at[t][row] for row, t in enumerate(value.argmax(0).tolist())])
    assert torch.equal(steps[-1].latents("best").values, best)
    torch.testing.assert_close(steps[-1].latents("average").values, torch.stack(looked_at[8:]).mean(0))
    assert torch.equal(steps[-1].latents("last").values, looked_at[-1])
    assert (state.best_value > value[0]).all()
    norm = 0.01 * looked_at[0].square().mean(1)
    assert (steps[0].penalties > norm + 1e-6).any()  # some rows resemble others
    with pytest.raises(UsageError, match="'average' at step 3; expected a step of the tail"):
        steps[3].latents("average")


@pytest.mark.parametrize("killed_after", [1, 5, 12])
def test_a_killed_search_comes_to_the_same_result(killed_after: int, tmp_path: Path) -> None:
    what, start = nonlinear()
    whole, file = last(search(what, start)), tmp_path / "search.safetensors"
    for step in search(what, start, file=file, every=1):
        if step.number == killed_after:
            break
    resumed = list(search(what, start, file=file, every=1))
    assert [step.number for step in resumed] == list(range(killed_after, 13))
    for name in ("coordinates", "best", "best_value", "tail", "crowd", "scores", "penalties", "first", "second"):
        found, expected = getattr(resumed[-1].state, name), getattr(whole.state, name)
        torch.testing.assert_close(found, expected, atol=1e-9, rtol=0, msg=name)
    assert [step.number for step in search(what, start, file=file)] == [12]
    rechunked = replace(what, plan=replace(what.plan, chunk=2))
    assert [step.number for step in search(rechunked, start, file=file)] == [12]


@pytest.mark.parametrize("chunk", [3, 1])
def test_chunks_do_not_matter(chunk: int) -> None:
    """In fp64 to 1e-9 over 12 steps; with diversity, whose crowd spans the chunks."""
    what, start = nonlinear()
    whole = last(search(what, start))
    parts = last(search(replace(what, plan=replace(what.plan, chunk=chunk)), start))
    torch.testing.assert_close(parts.state.best, whole.state.best, atol=1e-9, rtol=0)
    torch.testing.assert_close(parts.state.scores, whole.state.scores, atol=1e-9, rtol=0)


@pytest.mark.parametrize("chunk", [16, 1])
def test_chunks_do_not_matter_in_single_precision(chunk: int) -> None:
    """A StyleGAN2 and a convolutional target in fp32, 64 rows in one chunk against 16 and 1: 1e-3 deviations."""
    target = small_target(dtype=torch.float32)
    scene = ViewSampler(StyleGAN2Generator("tiny", tiny()))
    what = Search(scene, Agreement(target), SearchPlan(steps=4), (PNorm(),))
    start = candidates(scene, 64, seed=0, space="p")
    whole = last(search(what, start))
    parts = last(search(replace(what, plan=replace(what.plan, chunk=chunk)), start))
    torch.testing.assert_close(parts.state.coordinates, whole.state.coordinates, atol=1e-3, rtol=0)
    torch.testing.assert_close(parts.state.best_value, whole.state.best_value, atol=1e-4, rtol=0)


def test_a_restart_by_its_number_is_the_same_alone() -> None:
    what, start = nonlinear(diversity=None)
    whole = last(search(what, start, numbers=range(10, 17)))
    alone = last(search(what, start[4:6], numbers=[14, 15]))
    torch.testing.assert_close(alone.state.best, whole.state.best[4:6], atol=1e-9, rtol=0)
    other = last(search(what, start[4:6], numbers=[1, 2]))
    assert not torch.allclose(other.state.best, whole.state.best[4:6])
    with pytest.raises(UsageError, match="got 1 different numbers for 2 rows"):
        next(search(what, start[4:6], numbers=[1, 1]))


def test_another_searchs_state_is_refused(tmp_path: Path) -> None:
    what, start = nonlinear(plan=SearchPlan(steps=2))
    file = tmp_path / "search.safetensors"
    last(search(what, start, file=file))
    others = [
        (replace(what, plan=replace(what.plan, seed=1)), start),
        (replace(what, objective=Agreement(small_target(7))), start),
        (replace(what, scene=replace(what.scene, generator=LinearGenerator.drawn(6, torch.float32))), start),
        (what, start[:4]),
    ]
    for other, begin in others:
        with pytest.raises(RunError, match="the state of another search; expected the same generator, objective"):
            next(search(other, begin, file=file))
    write_artefact(file, b"no safetensors")
    with pytest.raises(RunError, match=r"no state of a search .*Try: delete it to begin anew"):
        next(search(what, start, file=file))


def test_a_damaged_state_is_not_gone_on_from(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    what, start = nonlinear(plan=SearchPlan(steps=4))
    file = tmp_path / "search.safetensors"
    whole = last(search(what, start, file=file, every=1))
    content = bytearray(file.read_bytes())
    content[-3] ^= 64  # in the middle of a number
    file.write_bytes(content)
    again = list(search(what, start, file=file))
    assert [step.number for step in again] == [0, 1, 2, 3, 4]
    torch.testing.assert_close(again[-1].state.best, whole.state.best, atol=1e-9, rtol=0)
    assert "search.safetensors does not fit its digest; it is made again" in caplog.text


def test_adam_is_adam() -> None:
    gradients = torch.randn(8, 3, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    plan = SearchPlan(steps=8, rate=0.1, ramp_up=0.5, ramp_down=0.5, box=Box(9.0))
    theirs = torch.zeros(3, 5, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([theirs], maximize=True, betas=plan.betas)
    state = State.begin(torch.zeros(3, 5, dtype=torch.float64), torch.zeros(3, 0))
    for step, gradient in enumerate(gradients):
        optimiser.param_groups[0]["lr"] = plan.rate_at(step)
        theirs.grad = gradient
        optimiser.step()
        state = descend(state, gradient, plan)
        torch.testing.assert_close(state.coordinates, theirs.detach())


def test_the_rate_rises_and_falls() -> None:
    plan = SearchPlan(steps=100, rate=2.0, ramp_up=0.05, ramp_down=0.25)
    rates = [plan.rate_at(step) for step in range(100)]
    assert rates[:5] == pytest.approx([0.4, 0.8, 1.2, 1.6, 2.0])
    assert rates[5:75] == [2.0] * 70
    assert rates[87] == pytest.approx(1 - math.cos(math.pi * 13 / 25))
    assert 0 < rates[99] < 0.01
    assert SearchPlan(steps=1, ramp_up=0.0, ramp_down=0.0).rate_at(0) == 0.02
    for wrong in ({"steps": 0}, {"rate": 0.0}, {"tail": 1.5}, {"chunk": 0}):
        with pytest.raises(UsageError, match="expected steps and chunk >= 1, rate > 0, all shares"):
            SearchPlan(**wrong)  # type: ignore[arg-type]


def test_a_generator_that_turns_nan_on_the_way_is_named() -> None:
    what, start = nonlinear()
    broken = replace(what.scene, generator=replace(LinearGenerator.drawn(6), broken_at=float(start.values[:, 0].max())))
    fast = replace(what, scene=broken, plan=SearchPlan(steps=50, rate=0.5))
    with pytest.raises(TargetError, match=r"linear: render\(\): got NaN or infinite pixels in \d+ of 14 images"):
        list(search(fast, start))


@dataclass(frozen=True, eq=False)
class Vertical(Objective):
    """A score whose slope is infinite for the second row."""

    name: ClassVar[str] = "vertical"

    @property
    def targets(self) -> tuple[Target, ...]:
        return ()

    def measure(self, sight: ViewBatch) -> Tensor:
        brightness = sight.images.sum((1, 2, 3, 4))
        return torch.stack(
            [(b - b.detach()).sqrt() if row == 1 else b for row, b in zip(sight.rows, brightness, strict=True)]
        )


def test_a_gradient_that_is_not_finite_is_named() -> None:
    what, start = nonlinear(objective=Vertical(), diversity=None)
    with pytest.raises(TargetError, match="linear: gradient of vertical: got NaN or infinity for 1 of 7 images, row 1"):
        next(search(what, start))


def test_a_search_in_block_features_moves_the_image() -> None:
    scene = ViewSampler(StyleGAN2Generator("tiny", tiny()))
    what = Search(scene, Agreement(small_target(dtype=torch.float32)), SearchPlan(steps=5, rate=0.1))
    start = candidates(scene, 3, seed=0, space="b4")
    steps = list(search(what, start))
    assert steps[-1].state.best_value.mean() > steps[0].scores.mean()
    assert scene.render(steps[-1].latents()).shape == (3, 3, 16, 16)
