"""The search without gradients: a known optimum, queries that are counted, scores that are not asked for twice."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch
from linear_world import linear_world
from torch import Tensor, nn

from bareface.errors import RunError, UsageError
from bareface.inversion.evolution import Evolution, EvolutionPlan, Generation, evolve
from bareface.inversion.generator import Latents
from bareface.inversion.priors import Box
from bareface.storage.artefacts import write_artefact

pytest.importorskip("cmaes")
PLAN = EvolutionPlan(queries=2400, spread=0.5, population=8, box=Box(50.0))


def world(plan: EvolutionPlan = PLAN) -> tuple[Evolution, Tensor]:
    what, start, optimum = linear_world()
    return Evolution(what, plan, start, tuple(range(len(start)))), optimum


class Counted(nn.Module):
    """Counts the images that a backbone is shown, and gives no gradient."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone, self.images = backbone, 0

    def forward(self, pixels: Tensor) -> Tensor:
        self.images += len(pixels)
        answers: Tensor = self.backbone(pixels).detach()
        return answers


def counting(search: Evolution) -> tuple[Evolution, Counted]:
    target = search.what.objective.targets[0]
    counted = Counted(target.module)
    objective = replace(search.what.objective, target=replace(target, module=counted))  # type: ignore[call-arg]
    return replace(search, what=replace(search.what, objective=objective)), counted


def end(search: Evolution, file: Path | None = None) -> Generation:
    return list(evolve(search, file))[-1]


def test_the_optimum_of_a_linear_world_is_found_without_gradients() -> None:
    search, optimum = world()
    counted, _ = counting(search)
    found = end(counted)
    assert found.number == search.generations == 150
    torch.testing.assert_close(found.best.values, optimum, atol=0.05, rtol=0)
    assert (found.scores[-1] > found.scores[0]).all()


def test_the_target_is_asked_about_as_many_images_as_were_allowed() -> None:
    search, counted = counting(world(replace(PLAN, queries=340))[0])
    assert (search.queries_each, search.generations) == (16, 21)
    end(search)
    assert counted.images == 3 * 16 * 21
    assert counted.images <= 3 * 340


def test_cut_short_it_asks_nothing_twice_and_comes_to_the_same(tmp_path: Path) -> None:
    search, _ = world(replace(PLAN, queries=160))
    whole = end(search)
    first, counted = counting(search)
    list(islice(evolve(first, tmp_path / "a"), 4))
    assert counted.images == 3 * 16 * 4
    resumed = end(first, tmp_path / "a")
    assert counted.images == 3 * 16 * 10
    assert torch.equal(resumed.best.values, whole.best.values)
    assert torch.equal(resumed.scores, whole.scores)


def test_whoever_stops_listening_still_has_gradients() -> None:
    next(evolve(world(replace(PLAN, queries=32))[0]))
    assert torch.is_grad_enabled()


def test_chunks_are_no_part_of_the_result() -> None:
    search, _ = world(replace(PLAN, queries=160))
    in_parts = replace(search, plan=replace(search.plan, chunk=5))
    torch.testing.assert_close(end(in_parts).best.values, end(search).best.values)


def test_candidates_stay_in_the_box() -> None:
    search, optimum = world(replace(PLAN, queries=320, box=Box(0.4)))
    assert optimum.abs().max() > 0.4
    assert end(search).best.values.abs().max() <= 0.4


def test_scores_of_another_search_are_refused(tmp_path: Path) -> None:
    search, _ = world(replace(PLAN, queries=32))
    end(search, tmp_path / "a")
    with pytest.raises(RunError, match="the scores of another search"):
        end(replace(search, plan=replace(search.plan, seed=1)), tmp_path / "a")
    write_artefact(tmp_path / "b", "nonsense")
    with pytest.raises(RunError, match=r"no scores of a search .*another folder, or delete it"):
        end(search, tmp_path / "b")


def test_what_cannot_be_searched_is_said() -> None:
    search, _ = world()
    with pytest.raises(UsageError, match=r"15 for each image.*16 at least, one generation"):
        replace(search, plan=replace(PLAN, queries=15))
    with pytest.raises(UsageError, match=r"shape \(3, 2, 3\).*\(n, d\) vectors.*the space z"):
        replace(search, start=Latents("w_plus", torch.zeros(3, 2, 3)))
    with pytest.raises(UsageError, match="population >= 4"):
        EvolutionPlan(population=3)
