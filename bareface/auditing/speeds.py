"""How fast this machine does what audits are made of: measured for a few seconds on the images of an audit."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from importlib import import_module

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from bareface.auditing.crossfit import AttackerData, crossfit_scores
from bareface.auditing.games import GameSplit
from bareface.auditing.images import images_for
from bareface.auditing.traces import in_arena
from bareface.errors import Abstained
from bareface.faces.examine import Examination
from bareface.membership.base import Attack
from bareface.probing.kinds import prober_of
from bareface.probing.probe import asked_at_once, plan
from bareface.probing.prober import Batch
from bareface.settings.recipe import Recipe
from bareface.stats.measure import measure
from bareface.stats.sample import Sides
from bareface.streams import stream
from bareface.synthetic import SyntheticFaces
from bareface.targets.kinds import Auditable
from bareface.trace import Channel, FloatArray, Trace
from bareface.training.learner import fresh_learner

LONG_ENOUGH = 1.5
"""Seconds for which one thing is measured, at least once after a first time that does not count."""
_RENDERED = 16
_LAZY = (
    "scipy.stats",
    "sklearn.linear_model",
    "sklearn.neural_network",
    "torch.fx.experimental.symbolic_shapes",
    "torch._refs",
)


@dataclass(frozen=True, eq=False)
class ModelSpeed:
    """How fast a model answers.

    Attributes:
        images_per_second: with all that is read of it.
        bytes_per_image: of the answers.
        trace: what it answered.
    """

    images_per_second: float
    bytes_per_image: int
    trace: Trace


def libraries_seconds() -> float:
    """Seconds of importing what an audit imports when it needs it; next to nothing where that was done before."""
    start = time.perf_counter()
    for name in _LAZY:
        import_module(name)
    return time.perf_counter() - start


def seconds_of(act: Callable[[], object], long_enough: float = LONG_ENOUGH) -> float:
    """The median time of doing something again and again; the first time, which warms caches, does not count."""
    act()
    took: list[float] = []
    while sum(took) < long_enough:
        start = time.perf_counter()
        act()
        took.append(time.perf_counter() - start)
    return float(np.median(took))


def model_speed(model: Auditable, seen: Examination, channels: Collection[Channel]) -> ModelSpeed:
    """How fast a model answers about examined images, decoding included.

    Raises:
        BarefaceError: it cannot be asked.
    """
    prober = prober_of(model, seen.accepted.image, seen.digest.tolist(), frozenset(channels))
    offer = prober.offer
    some = np.arange(min(len(seen.digest), max(offer.batch_size, _RENDERED)))
    lot = seen.take(some)
    few = prober_of(model, lot.accepted.image, lot.digest.tolist(), frozenset(channels))
    images, todo = images_for(model, lot.accepted), plan(few, lot.digest)
    with few.asked() as ask:
        took = seconds_of(lambda: ask(Batch(lot.digest, images, some)))
    trace = asked_at_once(few, images, todo)
    size = sum(values[0].nbytes for values in trace.channels.values())
    return ModelSpeed(len(some) / took, size, trace)


def training_speed(recipe: Recipe, people: int, device: torch.device) -> float:
    """Images a second of one step of training."""
    learner = fresh_learner(recipe, people, device)
    spec, rows = recipe.spec, recipe.batch_size
    drawn = torch.randint(0, 256, (rows, 3, spec.height, spec.width), dtype=torch.uint8)
    pixels, labels = spec.normalise(drawn), torch.randint(0, people, (rows,))
    return rows / seconds_of(lambda: learner.step(pixels, labels, 1e-6, 0, None))


def rendering_speed(side: int) -> float:
    """Rendered faces a second."""
    faces, number = SyntheticFaces(0, side), np.arange(_RENDERED, dtype=np.int64)
    return _RENDERED / seconds_of(lambda: faces.render(number, np.zeros(_RENDERED, np.int64)), LONG_ENOUGH / 2)


def attack_seconds(attack: Attack, trace: Trace, arena: GameSplit, seed: int) -> float:
    """Seconds of one attack on one model in one game, fitted and judged; trace rows stand for those of the game.

    Raises:
        Abstained: it cannot be run on this trace, or needs what a plan does not have.
    """
    asked = in_arena(trace, arena)
    if attack.beside:
        expected = "an attack on the model's own answers"
        raise Abstained(attack.name, got=f"one that looks at {', '.join(sorted(attack.beside))}", expected=expected)
    with threadpool_limits(limits=1, user_api="blas"):
        return seconds_of(lambda: crossfit_scores(attack, asked, arena, AttackerData(), seed), LONG_ENOUGH / 4)


def statistics_seconds(arena: GameSplit) -> float:
    """Seconds of measuring one finding, per image and per person."""
    scores = stream(0, "planning").normal(size=len(arena.rows))
    sides = Sides(arena.member, arena.subject, arena.fold)

    def both() -> None:
        measure(scores, sides, "image", stream(0, "plan"))
        measure(scores, sides, "person", stream(0, "plan"))

    return seconds_of(both, LONG_ENOUGH / 4)


def tiled(trace: Trace, rows: int) -> Trace:
    """A trace of so many images, made of the few there are and a little noise: for times, not for numbers."""
    kept, noise = trace.take(np.arange(rows) % len(trace)), stream(0, "plan")
    moved = {name: _moved(values, noise) for name, values in kept.channels.items()}
    return replace(kept, channels=moved)


def _moved(values: FloatArray, noise: np.random.Generator) -> FloatArray:
    one_each = (len(values), *[1] * (values.ndim - 1))
    return np.asarray(values * noise.normal(1.0, 0.01, one_each), dtype=values.dtype)
