"""What a step of the search costs: python -m benchmarks.speed.searching [--rounds 9]

One look and one move of all rows (views, objective, priors, diversity, Adam) against the bare forward and backward pass
of generator and target over as many views, in rounds that take turns in one process; the median of the rounds' ratios.
Both keep freed memory, as `bareface` does. Then: the same restarts in chunks of 64, 16 and 1, as the largest
difference of the best latents after a few steps.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from bareface.allocator import keep_freed_memory
from bareface.auditing.inversion.generators import WEIGHTS
from bareface.inversion.answers import normalised
from bareface.inversion.checkpoints.store import load_generator
from bareface.inversion.generator import Generator, Latents
from bareface.inversion.latents import Coordinates
from bareface.inversion.objectives.agreement import Agreement
from bareface.inversion.objectives.base import Objective
from bareface.inversion.objectives.bn_distance import BnDistanceObjective
from bareface.inversion.plan import SearchPlan
from bareface.inversion.priors import Diversity, FeatureRange, PNorm
from bareface.inversion.rendered import RenderedFaces
from bareface.inversion.search import Search, descend, look, remember, search
from bareface.inversion.select import candidates
from bareface.inversion.state import State
from bareface.inversion.view_sampler import ViewSampler
from bareface.inversion.views import ViewAugmentation
from bareface.settings.spec import ImageSpec
from bareface.targets.build import build
from bareface.targets.target import Target

ROWS = 32


@dataclass(frozen=True)
class Setting:
    """One line of the table."""

    name: str
    generator: Generator
    space: str
    architecture: str
    side: int


def settings() -> tuple[Setting, ...]:
    """The generator in the box and the renderer, before a small and a real backbone."""
    shipped = load_generator(WEIGHTS)
    return (
        Setting("shipped 32 px, ir-tiny 32", shipped, "p", "ir-tiny", 32),
        Setting("shipped 32 px, mobilefacenet 112", shipped, "p", "mobilefacenet", 112),
        Setting("shipped 32 px, iresnet18 112", shipped, "p", "iresnet18", 112),
        Setting("rendered 32 px, ir-tiny 32", RenderedFaces(32), "z", "ir-tiny", 32),
    )


def net(architecture: str, side: int) -> Target:
    """A fresh backbone."""
    torch.manual_seed(0)
    spec = ImageSpec(side, side)
    return Target(architecture, architecture, build(architecture, spec=spec), spec)


def prepared(setting: Setting, objective: Callable[[Target], Objective], rows: int) -> tuple[Search, Latents]:
    """A search with everything that `bareface invert` gives it."""
    target = net(setting.architecture, setting.side)
    scene = ViewSampler(setting.generator, ViewAugmentation(pairs=1))
    start = candidates(scene, rows, seed=1, space=setting.space)
    with torch.no_grad():
        public = scene.plainly(start, range(rows))
        priors = (PNorm(), FeatureRange.of(target, public))
    chunk = min(rows, 64 if setting.side < 100 else 8)
    return Search(scene, objective(target), SearchPlan(chunk=chunk), priors, Diversity(target, margin=0.9)), start


def bare(what: Search, target: Target, start: Latents) -> None:
    """Generator and target, forward and backward, as many views as the search looks at."""
    for part in torch.split(start.values, what.plan.chunk):
        moved = part.detach().requires_grad_(True)
        images = what.scene.generator.render(Latents(start.space, moved))
        views = images if images.shape[-1] == target.spec.height else _enlarged(images, target.spec.height)
        embedding = target.embed_normalised(normalised(torch.cat([views, views.flip(-1)]), target))
        torch.autograd.grad(embedding.square().sum(), moved)


def _enlarged(images: torch.Tensor, side: int) -> torch.Tensor:
    return torch.nn.functional.interpolate(images, size=(side, side), mode="bilinear")


def ratio(setting: Setting, objective: Callable[[Target], Objective], rounds: int) -> tuple[float, float]:
    """Of one step to the bare passes; and milliseconds of the latter for a row."""
    what, start = prepared(setting, objective, ROWS)
    (target,) = what.objective.targets
    coordinates, numbers = Coordinates.around(what.scene.generator, start), tuple(range(ROWS))
    state = State.begin(coordinates.origin, crowd=torch.zeros(ROWS, target.embedding_size))

    def step() -> None:
        seen = look(what, coordinates, state, numbers)
        descend(remember(state, seen, what.plan), seen.gradient, what.plan)

    jobs, spent = (lambda: bare(what, target, start), step), []
    for number in range(rounds + 1):
        taken = dict.fromkeys((0, 1), 0.0)
        for which in (0, 1) if number % 2 else (1, 0):
            begun = time.perf_counter()
            jobs[which]()
            taken[which] = time.perf_counter() - begun
        spent.append((taken[0], taken[1]))
    alone, whole = np.array(spent[1:]).T
    return float(np.median(whole / alone)), float(np.median(alone)) * 1000 / ROWS


def chunked(rows: int = 64, steps: int = 5) -> dict[int, float]:
    """The largest difference of the best latents from those in one chunk."""
    what, start = prepared(settings()[0], Agreement, rows)
    found = {}
    for chunk in (64, 16, 1):
        *_, end = search(replace(what, plan=SearchPlan(steps=steps, chunk=chunk)), start)
        found[chunk] = end.latents("last").values.detach()
    return {chunk: float((found[64] - values).abs().max()) for chunk, values in found.items()}


def main() -> None:
    """Print both tables."""
    keep_freed_memory()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    print(f"threads {torch.get_num_threads()}, {ROWS} rows\n\nsetting | objective | bare ms a row | ratio")
    for setting in settings():
        for objective in (Agreement, BnDistanceObjective):
            found, alone = ratio(setting, objective, rounds)
            print(f"{setting.name} | {objective.name} | {alone:.1f} | {found:.2f}", flush=True)
    print("\nchunk | largest difference after 5 steps")
    for chunk, difference in chunked().items():
        print(f"{chunk} | {difference:.1e}")


if __name__ == "__main__":
    main()
