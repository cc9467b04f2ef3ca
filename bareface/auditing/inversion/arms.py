"""The five arms: equally many images from one pool of latents, all but the un-optimised ones with equal compute.

optimised  selected by the objective, moved along it, selected again
base       the first latents of the pool, untouched
select     selected, not moved
placebo    as optimised, by an attacker that has nothing to find
oracle     as optimised, towards the templates of known members
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bareface.auditing.inversion.attacker import Attacker, rows_in_memory
from bareface.auditing.inversion.judges import JudgeBench
from bareface.auditing.inversion.settings import InversionSettings
from bareface.auditing.progress import Progress
from bareface.inversion.evolution import Evolution, EvolutionPlan, Generation, evolve
from bareface.inversion.fingerprints import digest
from bareface.inversion.generator import Latents
from bareface.inversion.objectives.base import Objective
from bareface.inversion.objectives.template import Template
from bareface.inversion.plan import SearchPlan
from bareface.inversion.search import Search, SearchStep, search
from bareface.inversion.select import select, select_again
from bareface.inversion.view_sampler import ViewSampler
from bareface.records.inversion import ArmName, Trajectory
from bareface.storage.artefacts import read_sound, write_artefact
from bareface.streams import seed_for

SHOWN_STEPS = 50
ORDER: tuple[ArmName, ...] = ("optimised", "base", "select", "placebo", "oracle")


@dataclass(frozen=True, eq=False)
class ArmResult:
    """What one arm came to.

    Attributes:
        latents: (n, ...) its images, best first if anything was selected.
        start: n row numbers in the pool: where each image began.
        objective: what it was chosen by; empty for none.
        passes: of the networks, for one image with its siblings.
        trajectory: of the scores, if it was moved.
    """

    latents: Latents
    start: tuple[int, ...]
    objective: str
    passes: int
    trajectory: Trajectory | None = None


@dataclass(frozen=True, eq=False)
class ArmRunner:
    """Where arms are made. Everything finished or half finished lies in its folder.

    Attributes:
        scene: the generator and how its images are looked at.
        pool: the latents that everything starts from.
        terms: how many, how far.
        bench: the judges, who must not take part.
        folder: keeps selections and states of searches.
        progress: called with (stage, done, total).
    """

    scene: ViewSampler
    pool: Latents
    terms: InversionSettings
    bench: JudgeBench
    folder: Path
    progress: Progress

    def untouched(self) -> ArmResult:
        """The arm that nobody chose."""
        rows = tuple(range(self.terms.restarts))
        return ArmResult(self.pool[: self.terms.restarts], rows, "", 0)

    def selected(self, attacker: Attacker, objective: Objective, name: str) -> ArmResult:
        """The best of the pool, no two alike."""
        self._keep_out(f"selection, {name} arm", attacker, objective)
        rows = self._remembered(f"starts-{name}", attacker, objective, lambda: self._select(attacker, objective, name))
        return ArmResult(self.pool[list(rows)], rows, objective.title(), self._selection_passes)

    def optimised(self, attacker: Attacker, objective: Objective, start: ArmResult, name: str) -> ArmResult:
        """The starts moved along the objective, in the order of the last selection.

        Raises:
            UsageError: a judge is among what the search or the selection asks.
            TargetError: an image, a score or a gradient is not finite.
            RunError: the folder holds another search, or cannot be written.
        """
        self._keep_out(f"search, {name} arm", attacker, objective)
        found, scores, each = self._found(attacker, objective, start, name)
        chosen = select_again(
            self.scene, objective, found, len(found), views=self.terms.views, apart=attacker.apart,
            chunk=self._chunk(attacker, 2 * self.scene.siblings),
        )  # fmt: skip
        order = chosen.rows.tolist()
        before = self._selection_passes
        passes = before + each * len(scores) + self.terms.views // 2
        rows = tuple(start.start[i] for i in order)
        return ArmResult(chosen.latents, rows, objective.title(), passes, trajectory(scores, before, each))

    def oracle(self, attacker: Attacker, templates: Tensor) -> ArmResult:
        """Images made from (people, d) templates of known members, the people in turn."""
        objective = Template(attacker.network, templates)
        self._keep_out("search, oracle arm", attacker, objective)
        rows = self._remembered("starts-oracle", attacker, objective, lambda: self._nearest(attacker, objective))
        which = torch.arange(len(rows)) % len(templates)
        start = ArmResult(self.pool[list(rows)], rows, objective.title(), self._selection_passes)
        return self.optimised(attacker, objective.pinned(which), start, "oracle")

    def _found(
        self, attacker: Attacker, objective: Objective, start: ArmResult, name: str
    ) -> tuple[Latents, Tensor, int]:
        """Where the search ended, the (looks, n) scores on the way, and passes of one image at each look."""
        if self.terms.search == "evolution":
            end = self._evolved(attacker, objective, start, name)
            return end.best, end.scores, EvolutionPlan.population
        climbed = self._climbed(attacker, objective, start, name)
        return climbed.latents("best"), climbed.state.scores, 1

    def _evolved(self, attacker: Attacker, objective: Objective, start: ArmResult, name: str) -> Generation:
        seed = seed_for(self.terms.seed, "search")
        plan = EvolutionPlan(
            queries=self.terms.queries,
            chunk=self._chunk(attacker, 2 * self.terms.pairs * self.scene.siblings),
            seed=seed,
        )
        what = Evolution(Search(self.scene, objective, priors=attacker.priors), plan, start.latents, start.start)
        end = None
        for end in evolve(what, self.folder / f"evolution-{name}.safetensors"):
            self.progress(f"searching, {name} arm", end.number, what.generations)
        assert end is not None  # an evolution has one generation at least
        return end

    def _climbed(self, attacker: Attacker, objective: Objective, start: ArmResult, name: str) -> SearchStep:
        plan = SearchPlan(
            steps=self.terms.steps,
            rate=self.terms.rate,
            chunk=self._chunk(attacker, 2 * self.terms.pairs * self.scene.siblings),
            seed=seed_for(self.terms.seed, "search"),
        )
        apart = attacker.apart if objective.apart else None
        what = Search(self.scene, objective, plan, attacker.priors, apart)
        file = self.folder / f"search-{name}.safetensors"
        step = None
        for step in search(what, start.latents, numbers=start.start, file=file):
            self.progress(f"searching, {name} arm", step.number, plan.steps)
        assert step is not None  # a search yields one step at least
        return step

    def _select(self, attacker: Attacker, objective: Objective, name: str) -> tuple[int, ...]:
        stage, total = f"selecting, {name} arm", len(self.pool)
        self.progress(stage, 0, total)
        chosen = select(
            self.scene, objective, self.pool, self.terms.restarts, apart=attacker.apart,
            chunk=self._chunk(attacker, 2 * self.scene.siblings),
        )  # fmt: skip
        self.progress(stage, total, total)
        return tuple(chosen.rows.tolist())

    @torch.no_grad()
    def _nearest(self, attacker: Attacker, objective: Template) -> tuple[int, ...]:
        """For each restart the free latent that is nearest to its template."""
        chunk, directions = self._chunk(attacker, 2 * self.scene.siblings), []
        for begin in range(0, len(self.pool), chunk):
            part = self.pool[begin : begin + chunk]
            directions.append(attacker.apart.directions(self.scene.plainly(part, range(len(part)))).cpu())
            self.progress("selecting, oracle arm", begin + len(part), len(self.pool))
        templates = torch.nn.functional.normalize(objective.templates.float().cpu(), dim=1)
        cosine, taken = torch.cat(directions).float() @ templates.T, list[int]()
        for restart in range(self.terms.restarts):
            column = cosine[:, restart % len(templates)].clone()
            column[taken] = -2.0
            taken.append(int(column.argmax()))
        return tuple(taken)

    def _remembered(
        self, name: str, attacker: Attacker, objective: Objective, make: Callable[[], tuple[int, ...]]
    ) -> tuple[int, ...]:
        path = self.folder / f"{name}.json"
        pool = (self.pool.space, self.pool.values, self.terms.restarts)
        key = digest(self.scene, objective, attacker.apart, *pool)
        kept = read_sound(path, of=key)
        if kept is not None:
            return tuple(json.loads(kept))
        rows = make()
        write_artefact(path, json.dumps(rows) + "\n", of=key)
        return rows

    def _keep_out(self, where: str, attacker: Attacker, objective: Objective) -> None:
        self.bench.keep_out(where, *objective.targets, attacker.network, self.scene.generator)

    def _chunk(self, attacker: Attacker, views: int) -> int:
        return rows_in_memory(attacker.network, views, 64)

    @property
    def _selection_passes(self) -> int:
        return -(-len(self.pool) // self.terms.restarts)


def trajectory(scores: Tensor, before: int, each: int) -> Trajectory:
    """The scores along a search, at most 50 points: tenth, median and ninetieth percentile of the rows.

    Args:
        scores: (looks, n) of the rows.
        before: passes of one start before the first look.
        each: passes at each look.
    """
    numbers = scores.double().cpu().numpy()
    steps = np.unique(np.linspace(0, len(numbers) - 1, min(SHOWN_STEPS, len(numbers))).round().astype(int))
    low, median, high = (tuple(np.quantile(numbers[steps], q, axis=1).tolist()) for q in (0.1, 0.5, 0.9))
    return Trajectory(
        step=tuple(steps.tolist()),
        passes=tuple(((steps + 1) * each + before).tolist()),
        low=low,
        median=median,
        high=high,
    )
