"""Defences on trial: python -m benchmarks.attacks.defences [--world rendered|lfw] [--seeds 3] [--defence NAME ...]

For every defence: recognition of people whom the target never saw, and what attacks that know the defence find, over
the stronger of two controls. `rendered` are faces of people who do not exist (32 pixels); `lfw` is the fixed split of
LFW (48 pixels, grey), its people with several public photos as the public. Prints the table of docs/results.md; run
again to resume.
"""

import argparse
from pathlib import Path

import numpy as np

from bareface.bench.bench import every_defence, run_bench
from bareface.bench.world import World, rendered_world, world_of
from bareface.cli.defending import written
from bareface.cli.manners import Stages
from bareface.vocabulary import Role
from benchmarks.attacks.lfw import TRAINING
from benchmarks.shared_data import lfw

PUBLIC_PEOPLE = "public-multi"


def lfw_world() -> World:
    """The LFW split; public are people with several public photos, since some defences need labels."""
    roster = lfw()
    roster = roster.take(roster.role != Role.PUBLIC)
    role = np.where(roster.role == PUBLIC_PEOPLE, str(Role.PUBLIC), roster.role)
    people = type(roster)(roster.root, roster.image, roster.subject, role)
    return world_of(people, TRAINING, "LFW, 48 pixels")


def main() -> None:
    """Run, print, write the record and the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", choices=("rendered", "lfw"), default="rendered")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--defence", nargs="+", default=every_defence())
    parser.add_argument("--run", type=Path, default=None)
    asked = parser.parse_args()
    run = asked.run or Path("runs") / f"defences-{asked.world}"
    with Stages() as stages:
        world = lfw_world() if asked.world == "lfw" else rendered_world(run / "people", stages)
        seeds = range(asked.seed, asked.seed + asked.seeds)
        bench = run_bench(world, asked.defence, seeds, run / "trials", stages)
    print(written(bench, run, run / "defences.svg"))


if __name__ == "__main__":
    main()
