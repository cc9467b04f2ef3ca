"""The search: each row climbs its objective by gradient, in whitened latents, under random views.

    for t = 0 ... T
        x   = G(u)                             images of all rows, in chunks
        s   = objective(views(x)) - penalties  one number for each row
        u*  = u where s is the row's highest
        u   = box(u + Adam(ds/du, rate(t)))

Rows share nothing but the optional diversity, so a row's result does not depend on its chunk: the chunk size moves the
last bits of a convolution, and Adam carries those on. What a row draws at random depends on its number alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from bareface.errors import TargetError, UsageError
from bareface.inversion.fingerprints import digest
from bareface.inversion.generator import Latents
from bareface.inversion.latents import Coordinates
from bareface.inversion.objectives.base import Objective
from bareface.inversion.plan import SearchPlan
from bareface.inversion.priors import Diversity, Restraint
from bareface.inversion.state import State, read_state, write_state
from bareface.inversion.view_batch import ViewBatch
from bareface.inversion.view_sampler import ViewSampler

Kept = Literal["best", "average", "last"]

_ADAM_EPSILON = 1e-8


@dataclass(frozen=True, eq=False)
class Search:
    """What is looked for, and where.

    Attributes:
        scene: the generator and the way its images are looked at.
        objective: what is to rise.
        plan: how.
        priors: penalties on each row.
        diversity: keeps the rows apart.
    """

    scene: ViewSampler
    objective: Objective
    plan: SearchPlan = field(default_factory=SearchPlan)
    priors: tuple[Restraint, ...] = ()
    diversity: Diversity | None = None


@dataclass(frozen=True, eq=False)
class SearchStep:
    """What a search has reached.

    Attributes:
        number: moves made so far, 0 for the first look at the start.
        scores: (n,) the objective's scores there.
        penalties: (n,) what priors and diversity took off.
        state: everything else.
        coordinates: what turns the state into latents.
    """

    number: int
    scores: Tensor
    penalties: Tensor
    state: State
    coordinates: Coordinates

    def latents(self, kept: Kept = "best") -> Latents:
        """(n, ...) each row where it was best, averaged over the tail, or where it is now.

        After the last step, `last` is the place of the last look.

        Raises:
            UsageError: the average is wanted before the tail began.
        """
        if kept == "average" and not self.state.tail_count.item():
            raise UsageError("Step.latents", got=f"'average' at step {self.number}", expected="a step of the tail")
        places = {"best": self.state.best, "last": self.state.coordinates}
        where = self.state.tail / self.state.tail_count if kept == "average" else places[kept]
        with torch.no_grad():
            return self.coordinates.latents(where)


@dataclass(frozen=True, eq=False)
class Scored:
    """What a look at all rows gave: (n,) scores and penalties, (n, ...) gradient of their difference, directions."""

    scores: Tensor
    penalties: Tensor
    gradient: Tensor
    crowd: Tensor


def search(
    what: Search,
    start: Latents,
    *,
    numbers: Sequence[int] | None = None,
    file: Path | None = None,
    every: int = 10,
) -> Iterator[SearchStep]:
    """Yields a step for each look at the rows, `plan.steps` + 1 in all; the last one holds the result.

    Args:
        what: generator, objective, priors, plan.
        start: n latents in the space to be searched; coordinates outside the box begin at its wall.
        numbers: (n,) which restarts these are: what names their random streams; 0, 1, ... by default.
        file: the state is kept there; if it is there already, the search yields the step it held and goes on.
        every: steps between two writings.

    Raises:
        TargetError: an image, a score or a gradient is NaN or infinite; the message names the row.
        RunError: the file belongs to another search, or cannot be written.
        UsageError: not one number for each row.
    """
    plan, coordinates = what.plan, Coordinates.around(what.scene.generator, start)
    numbers = _checked(numbers, len(start))
    key = digest(replace(what, plan=replace(plan, chunk=1)), start.space, start.values, numbers) if file else ""
    kept = read_state(file, key, start.values.device) if file else None
    state = kept or _begin(what, coordinates, numbers)
    if kept is not None:
        yield _step(kept, coordinates)
    while state.step <= plan.steps:
        seen = look(what, coordinates, state, numbers)
        state = descend(remember(state, seen, plan), seen.gradient, plan)
        if file and (state.step % every == 0 or state.step > plan.steps):
            write_state(file, state, key)
        yield _step(state, coordinates)


def look(what: Search, coordinates: Coordinates, state: State, numbers: Sequence[int]) -> Scored:
    """Score every row where it is, in chunks, with the gradient of score minus penalty.

    Raises:
        TargetError: a score or a gradient is not finite.
    """
    parts = [_look_at(what, coordinates, state, numbers, rows) for rows in _chunks(len(numbers), what.plan.chunk)]
    return Scored(*(torch.cat(column) for column in zip(*parts, strict=True)))


def remember(state: State, seen: Scored, plan: SearchPlan) -> State:
    """Each row's best place so far, the sum over the tail, the crowd, and the trajectories."""
    value = seen.scores - seen.penalties
    better = value > state.best_value
    in_tail = float(plan.in_tail(state.step))
    return replace(
        state,
        best=torch.where(_like(better, state.best), state.coordinates, state.best),
        best_value=torch.where(better, value, state.best_value),
        tail=state.tail + in_tail * state.coordinates,
        tail_count=state.tail_count + in_tail,
        crowd=seen.crowd,
        scores=torch.cat([state.scores, seen.scores[None]]),
        penalties=torch.cat([state.penalties, seen.penalties[None]]),
    )


def descend(state: State, gradient: Tensor, plan: SearchPlan) -> State:
    """One move of Adam uphill (Kingma and Ba, arXiv 1412.6980, algorithm 1), then back into the box.

    After the last look there is none.
    """
    if state.step == plan.steps:
        return replace(state, step=state.step + 1)
    t, (decay, decay_squared) = state.step + 1, plan.betas
    first = decay * state.first + (1 - decay) * gradient
    second = decay_squared * state.second + (1 - decay_squared) * gradient.square()
    mean, spread = first / (1 - decay**t), (second / (1 - decay_squared**t)).sqrt()
    moved = state.coordinates + plan.rate_at(state.step) * mean / (spread + _ADAM_EPSILON)
    return replace(state, step=t, coordinates=plan.box.project(moved), first=first, second=second)


@torch.no_grad()
def _begin(what: Search, coordinates: Coordinates, numbers: Sequence[int]) -> State:
    origin = what.plan.box.project(coordinates.origin)
    state = State.begin(origin, crowd=origin.new_empty(len(origin), 0))
    if what.diversity is None:
        return state
    # One more pass, so that the first look pays for crowding like every other.
    sights = (
        _sight(what, coordinates, origin[rows], 0, numbers, rows) for rows in _chunks(len(numbers), what.plan.chunk)
    )
    return replace(state, crowd=torch.cat([what.diversity.directions(sight) for sight in sights]).to(origin))


def _sight(
    what: Search, coordinates: Coordinates, u: Tensor, step: int, numbers: Sequence[int], rows: slice
) -> ViewBatch:
    indices = range(rows.start, rows.stop)
    return what.scene.look(coordinates.latents(u, rows), indices, numbers[rows], what.plan.seed, step)


def _chunks(n: int, size: int) -> list[slice]:
    return [slice(begin, min(begin + size, n)) for begin in range(0, n, size)]


def _look_at(
    what: Search, coordinates: Coordinates, state: State, numbers: Sequence[int], rows: slice
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    u = state.coordinates[rows].detach().requires_grad_(True)
    sight = _sight(what, coordinates, u, state.step, numbers, rows)
    scores = what.objective.score(sight)
    penalties = sum((prior.penalty(u, sight) for prior in what.priors), torch.zeros_like(scores))
    crowd = state.crowd[rows]
    if what.diversity is not None:
        penalties = penalties + what.diversity.penalty(sight, state.crowd)
        crowd = what.diversity.directions(sight).detach().to(state.crowd)
    (gradient,) = torch.autograd.grad((scores - penalties).sum(), u)
    _check_gradient(what, gradient, sight)
    return scores.detach().to(u), penalties.detach().to(u), gradient, crowd


def _check_gradient(what: Search, gradient: Tensor, sight: ViewBatch) -> None:
    wrong = (~torch.isfinite(gradient)).flatten(1).any(1).nonzero().flatten()
    if len(wrong):
        raise TargetError(
            f"{what.scene.generator.name}: gradient of {what.objective.name}",
            got=f"NaN or infinity for {len(wrong)} of {len(gradient)} images, row {int(sight.rows[wrong[0]])} first",
            expected="finite numbers",
            hint="fp32 instead of half precision, or a smaller learning rate",
        )


def _step(state: State, coordinates: Coordinates) -> SearchStep:
    return SearchStep(state.step - 1, state.scores[-1], state.penalties[-1], state, coordinates)


def _like(rows: Tensor, tensor: Tensor) -> Tensor:
    return rows.reshape(-1, *[1] * (tensor.ndim - 1))


def _checked(numbers: Sequence[int] | None, n: int) -> tuple[int, ...]:
    checked = tuple(range(n)) if numbers is None else tuple(numbers)
    if len(checked) != n or len(set(checked)) != n or not n:
        got = f"{len(set(checked))} different numbers for {n} rows"
        raise UsageError("search: numbers", got=got, expected="one for each of at least one row")
    return checked
