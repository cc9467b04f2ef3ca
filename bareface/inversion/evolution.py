"""The search without gradients: each row is a small population that learns from scores alone.

For targets that answer and show nothing inside, such as a service. What it costs is queries, images that the target is
asked about, so their scores are what a file keeps: a search that was cut short asks for none of them again. Rows are
kept apart by the first selection only.

Reference: Ros and Hansen, "A Simple Modification in CMA-ES Achieving Linear Time and Space Complexity", PPSN 2008, as
the package `cmaes` has it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from bareface.errors import RunError, UsageError
from bareface.extras import extra
from bareface.inversion.fingerprints import digest
from bareface.inversion.generator import Latents
from bareface.inversion.latents import Coordinates
from bareface.inversion.priors import Box
from bareface.inversion.search import Search
from bareface.storage.artefacts import artefact_path, is_sound
from bareface.streams import seed_for

EXTRA = "black-box"


@dataclass(frozen=True)
class EvolutionPlan:
    """How far and how widely.

    Attributes:
        queries: images that the target is asked about for each row; views, mirror images and siblings count.
        spread: standard deviation of the first population, in standard deviations of the prior.
        population: candidates of a row in one generation.
        box: bound of the whitened coordinates.
        chunk: candidates in one forward pass; no part of the result.
        seed: root of the rows' random streams.

    Raises:
        UsageError: a value is out of range.
    """

    queries: int = 10_000
    spread: float = 0.3
    population: int = 16
    box: Box = field(default_factory=Box)
    chunk: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        if self.queries < 1 or self.population < 4 or self.chunk < 1 or not self.spread > 0:
            expected = "queries and chunk >= 1, population >= 4, spread > 0"
            raise UsageError("EvolutionPlan", got=str(self), expected=expected)


@dataclass(frozen=True, eq=False)
class Evolution:
    """A search of n rows, each a population in d dimensions.

    Attributes:
        what: generator, objective and penalties; its own plan and diversity are for gradients and not used.
        plan: how many queries.
        start: (n, d) latents in the space to be searched.
        numbers: (n,) which restarts these are: what names their random streams.

    Raises:
        UsageError: latents that are no vectors, or queries that do not suffice for one generation.
    """

    what: Search
    plan: EvolutionPlan
    start: Latents
    numbers: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.start.values.ndim != 2:
            got = f"latents in {self.start.space!r} of shape {tuple(self.start.values.shape)}"
            raise UsageError("search without gradients", got=got, expected="(n, d) vectors", hint="the space z")
        if not self.generations:
            expected = f"{self.queries_each} at least, one generation"
            raise UsageError("queries", got=f"{self.plan.queries} for each image", expected=expected)

    @property
    def queries_each(self) -> int:
        """Images that the target is asked about for each row in one generation."""
        return self.plan.population * self.what.scene.siblings * 2 * self.what.scene.augmentation.pairs

    @property
    def generations(self) -> int:
        """How many the queries allow."""
        return self.plan.queries // self.queries_each

    @property
    def key(self) -> str:
        """Digest of everything that the scores depend on."""
        plan, what = self.plan, self.what
        return digest(
            what.scene, what.objective, what.priors, plan.spread, plan.population, plan.box, plan.seed,
            self.start.space, self.start.values, self.numbers,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Generation:
    """What a search has reached.

    Attributes:
        number: generations so far.
        scores: (generations, n) each row's best score less penalties, by generation.
        best: latents of each row's best candidate so far.
    """

    number: int
    scores: Tensor
    best: Latents


def evolve(search: Evolution, file: Path | None = None) -> Iterator[Generation]:
    """Yields every generation; the last one holds the result.

    Args:
        search: who looks for what.
        file: scores are kept there; those that it holds already are not asked for again.

    Raises:
        TargetError: an image or a score is not finite.
        RunError: the file belongs to another search, or cannot be written.
        UsageError: the extra is not installed.
    """
    coordinates = Coordinates.around(search.what.scene.generator, search.start)
    best = search.plan.box.project(coordinates.origin)
    highest = best.new_full((len(best),), -torch.inf)
    populations = _populations(search, best)
    known, tops = _read(file, search.key) if file else [], list[Tensor]()
    for number in range(search.generations):
        asked = torch.from_numpy(np.stack([[p.ask() for _ in range(p.population_size)] for p in populations]))
        if number == len(known):
            known.append(_scores(search, coordinates, asked.to(best), number))
            if file:
                _write(file, search.key, known)
        told = known[number]
        for population, candidates, values in zip(populations, asked.numpy(), told.double().numpy(), strict=True):
            population.tell([(one, -value) for one, value in zip(candidates, values, strict=True)])
        top, place = told.to(best).max(1)
        winners = asked.to(best)[torch.arange(len(best)), place]
        best = torch.where((top > highest)[:, None], winners, best)
        highest = torch.maximum(top, highest)
        tops.append(top)
        with torch.no_grad():  # not around the yield: whoever asks for the next one may want gradients of its own
            latents = coordinates.latents(best)
        yield Generation(number + 1, torch.stack(tops), latents)


def _populations(search: Evolution, origin: Tensor) -> list[Any]:
    with extra(EXTRA, "search without gradients"):
        from cmaes import SepCMA
    plan, limit = search.plan, search.plan.box.limit
    bounds = np.tile([-limit, limit], (origin.shape[1], 1))
    return [
        SepCMA(
            mean=mean, sigma=plan.spread, bounds=bounds, population_size=plan.population,
            seed=seed_for(plan.seed, "evolution", restart) % 2**32,
        )
        for mean, restart in zip(origin.double().cpu().numpy(), search.numbers, strict=True)
    ]  # fmt: skip


@torch.no_grad()
def _scores(search: Evolution, coordinates: Coordinates, asked: Tensor, number: int) -> Tensor:
    """(n, population) scores less penalties; all candidates of a row are seen through the same views."""
    n, population, d = asked.shape
    flat, rows = asked.reshape(-1, d), torch.arange(n).repeat_interleave(population)
    parts = []
    for some in torch.split(torch.arange(len(flat)), search.plan.chunk):
        of = rows[some].tolist()
        u, latents = flat[some], coordinates.latents(flat[some], rows[some])
        sight = search.what.scene.look(latents, of, [search.numbers[row] for row in of], search.plan.seed, number)
        scores = search.what.objective.score(sight)
        parts.append(scores - sum((prior.penalty(u, sight) for prior in search.what.priors), torch.zeros_like(scores)))
    return torch.cat(parts).reshape(n, population).cpu()


def _write(file: Path, key: str, known: list[Tensor]) -> None:
    with artefact_path(file) as temporary:
        save_file({"scores": torch.stack(known)}, temporary, {"search": json.dumps({"key": key})})


def _read(file: Path, key: str) -> list[Tensor]:
    """The scores in a file by generation; none if there is no file, or one that does not fit its digest."""
    if not is_sound(file):
        return []
    try:
        with safe_open(file, "pt") as kept:
            found, scores = json.loads((kept.metadata() or {})["search"])["key"], kept.get_tensor("scores")
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise _foreign(file, f"no scores of a search ({error})") from error
    if found != key:
        raise _foreign(file, "the scores of another search")
    return list(scores)


def _foreign(file: Path, got: str) -> RunError:
    expected = "the same generator, objective, start, plan and seed"
    return RunError(str(file), got=got, expected=expected, hint="another folder, or delete it to begin anew")
