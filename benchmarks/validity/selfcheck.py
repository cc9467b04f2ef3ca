"""Does the self-check find out how a net was fed? python -m benchmarks.validity.selfcheck [--run runs/selfcheck]

Three small nets are trained on rendered faces, fed as RGB with ImageNet's mean and deviation, as BGR in [-1, 1] and as
BGR in [0, 1]; beside them stand the real checkpoints, where they are present, whose input their README states. Faces
of people on whom none of them was trained are fed in every way that is in use: rendered ones, the same made grey,
real ones (grey), and the same with a tighter crop.

The first table holds the misfit of every way: the smallest should be that of the true one, marked *. The second says
what follows if the net declares the true way, and every other one: `fits` and `misfit` are right, `cannot tell` lets an
audit go on with a warning.
"""

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from bareface.auditing.images import images_for
from bareface.auditing.own_models import progress_of, train_backbone
from bareface.cli.manners import Stages
from bareface.inspecting.selfcheck import ENOUGH_IMAGES, FeedingTrial, judge, trials
from bareface.rosters.roster import Roster, read_folder
from bareface.settings.recipe import Recipe
from bareface.settings.spec import ImageSpec
from bareface.streams import stream
from bareface.synthetic import write_folder
from bareface.targets.store import load_target
from bareface.targets.target import Target
from bareface.vocabulary import Role
from benchmarks.shared_data import SHARED

SIDE, PEOPLE, IMAGES, EPOCHS = 32, 80, 12, 25
IMAGENET = ImageSpec(height=SIDE, width=SIDE, order="RGB", mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))
NETS = {
    "rgb-imagenet": IMAGENET,
    "bgr-minus-one-to-one": ImageSpec(height=SIDE, width=SIDE, order="BGR"),
    "bgr-zero-to-one": ImageSpec(height=SIDE, width=SIDE, order="BGR", mean=(0.0,), std=(255.0,)),
}
CHECKPOINTS = ("casia-068.ckpt", "casia-micro-070.ckpt", "casia-scratch-001.ckpt")


@dataclass(frozen=True)
class Fed:
    """A net and the faces that it was fed in every way, the true one first."""

    net: str
    faces: str
    tried: tuple[FeedingTrial, ...]
    pixels: Tensor


def main() -> None:
    """Train, feed, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("runs/selfcheck"))
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    started = time.monotonic()
    with Stages() as stages:
        fed = list(_everything(arguments.run, arguments.seed, stages))
    print("\n".join(_misfits(fed)), "\n\n" + "\n".join(_verdicts(fed)))
    print(f"\n{(time.monotonic() - started) / 60:.1f} minutes, seed {arguments.seed}, {ENOUGH_IMAGES} faces each")


def _everything(run: Path, seed: int, stages: Stages) -> Iterator[Fed]:
    own, strangers = _rendered(run / "own", PEOPLE, IMAGES, 0, seed), _rendered(run / "others", 300, 1, 5000, seed)
    nets = [_trained(own, name, spec, run / name, seed, stages) for name, spec in NETS.items()]
    real = read_folder(SHARED / "faces" / "lfw", Role.PUBLIC) if SHARED.is_dir() else None
    nets += [load_target(SHARED / "checkpoints" / name) for name in CHECKPOINTS] if real else []
    for net in nets:
        for faces, pixels in _faces(net, strangers, real, seed):
            stages(f"feeding {net.name}: {faces}", 0, 1)
            yield Fed(net.name, faces, trials(net, pixels), pixels)
            stages(f"feeding {net.name}: {faces}", 1, 1)


def _rendered(folder: Path, people: int, images: int, first: int, seed: int) -> Roster:
    if not folder.is_dir():
        write_folder(folder, people=people, images=images, size=SIDE, seed=seed, first_identity=first)
    return read_folder(folder, Role.MEMBER)


def _trained(own: Roster, name: str, spec: ImageSpec, folder: Path, seed: int, stages: Stages) -> Target:
    recipe = Recipe(spec=spec, epochs=EPOCHS, seed=seed)
    train_backbone(own, recipe, folder, progress_of(stages, f"training {name}"))
    return load_target(folder, name=name)


def _faces(net: Target, strangers: Roster, real: Roster | None, seed: int) -> Iterator[tuple[str, Tensor]]:
    rendered = _some(net, strangers, seed)
    yield "rendered", rendered
    yield "rendered, grey", rendered.float().mean(1, keepdim=True).byte().expand(-1, 3, -1, -1)
    if real is not None:
        photographed = _some(net, real, seed)
        yield "real, grey", photographed
        yield "real, tighter", _tighter(photographed)


def _some(net: Target, roster: Roster, seed: int) -> Tensor:
    chosen = np.sort(stream(seed, "faces").permutation(len(roster))[:ENOUGH_IMAGES])
    return images_for(net, roster.take(chosen)).load(np.arange(ENOUGH_IMAGES))


def _tighter(pixels: Tensor) -> Tensor:
    """The middle three quarters, as large as before."""
    height, width = pixels.shape[2:]
    top, left = height // 8, width // 8
    middle = pixels[:, :, top : height - top, left : width - left].float()
    return F.interpolate(middle, (height, width), mode="bilinear", antialias=True).round().to(torch.uint8)


def _misfits(fed: list[Fed]) -> Iterator[str]:
    yield "| net | faces | true input | best: misfit | next: misfit | times |\n|---|---|---|---|---|---|"
    for one in fed:
        first, second = sorted(one.tried, key=lambda trial: trial.misfit)[:2]
        hit = "*" if first is one.tried[0] else ""
        best, following = (f"{trial.feeding}: {trial.misfit:.4f}" for trial in (first, second))
        times = second.misfit / first.misfit
        yield f"| {one.net} | {one.faces} | {one.tried[0].feeding} | {best}{hit} | {following} | {times:.1f} |"


def _verdicts(fed: list[Fed]) -> Iterator[str]:
    yield "| net | faces | true input declared | other inputs declared |\n|---|---|---|---|"
    for one in fed:
        others = Counter(_verdict(one, wrong) for wrong in one.tried[1:] if not wrong.feeding.whitened)
        told = ", ".join(f"{count} {verdict}" for verdict, count in others.most_common())
        yield f"| {one.net} | {one.faces} | {_verdict(one, one.tried[0])} | {told} |"


def _verdict(one: Fed, declared: FeedingTrial) -> str:
    """What the self-check says if the net declares this way."""
    others = [trial for trial in one.tried if trial is not declared]
    return judge([declared, *others], one.pixels, one.faces).verdict or "skipped"


if __name__ == "__main__":
    main()
