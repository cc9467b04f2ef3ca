"""The judges in the box: python -m benchmarks.inversion.judges [--people 4000] [--out FOLDER]

Two small backbones, each trained on its own rendered people, whom no demo, test or benchmark uses (identities from
2,000,000 and 3,000,000 on, under a seed of their own), then measured on further people that neither has seen: two
photos of one person or of two. `--out` writes them in fp16, as they are shipped. Interrupted, it goes on where it was.
"""

import argparse
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from bareface.allocator import keep_freed_memory
from bareface.auditing.inversion.judges import Judge
from bareface.auditing.own_models import progress_of, train_backbone
from bareface.cli.manners import Stages
from bareface.rosters.roster import read_folder
from bareface.settings.recipe import Recipe
from bareface.settings.spec import ImageSpec
from bareface.stats.roc import auc
from bareface.synthetic import SyntheticFaces, write_folder_once
from bareface.targets.store import save_target
from bareface.targets.target import Target
from bareface.vocabulary import Role

TRAINED_ON = "other rendered people"
SEED, STRANGERS, PHOTOS = 20260103, 5_000_000, 8
Head = Literal["arcface", "cosface"]


@dataclass(frozen=True)
class Planned:
    """One judge: its name, the number of its first identity, and the head that it is trained with."""

    name: str
    first: int
    head: Head

    def recipe(self, asked: argparse.Namespace) -> Recipe:
        """How it is trained."""
        return Recipe(
            spec=ImageSpec(height=asked.size, width=asked.size), head=self.head, epochs=asked.epochs, warmup_epochs=1,
            batch_size=64, learning_rate=0.05, margin=0.5 if self.head == "arcface" else 0.3, seed=self.first,
        )  # fmt: skip


JUDGES = (Planned("rendered-1", 2_000_000, "arcface"), Planned("rendered-2", 3_000_000, "cosface"))


def trained(planned: Planned, asked: argparse.Namespace, stages: Stages) -> Judge:
    """The judge, trained on people of its own."""
    people = asked.work / f"{planned.name}-people"
    write_folder_once(
        people, people=asked.people, images=PHOTOS, size=asked.size, seed=SEED, first_identity=planned.first,
        report=partial(stages, f"rendering {people.name}"),
    )  # fmt: skip
    learned = read_folder(people, Role.MEMBER)
    report = progress_of(stages, f"training {planned.name}")
    made = train_backbone(learned, planned.recipe(asked), asked.work / planned.name, report)
    return Judge(Target(planned.name, made.architecture, made.module, made.spec).without_head(), TRAINED_ON)


def recognition(judge: Judge, people: int, size: int) -> tuple[float, float]:
    """AUC of cosines of two photos, of one stranger or of two, and the share of strangers named by one other photo."""
    faces = SyntheticFaces(SEED, size)
    identities = np.arange(STRANGERS, STRANGERS + people)
    first, second = (judge.embed(faces.render(identities, np.full(people, shot)).float() / 255) for shot in (0, 1))
    cosines = (first @ second.T).double().numpy()
    own = np.eye(people, dtype=bool)
    named = float((cosines.argmax(1) == np.arange(people)).mean())
    return auc(cosines.ravel(), own.ravel()), named


def ship(judge: Judge, folder: Path, asked: argparse.Namespace) -> None:
    """Write the backbone in fp16; batch statistics of these networks lie far below what fp16 can hold."""
    notes: dict[str, str | int | float] = {
        "trained_on": f"{asked.people} rendered people with {PHOTOS} photos each, nobody's faces",
        "epochs": asked.epochs,
        "licence": "Apache-2.0",
    }
    with torch.inference_mode(False):
        save_target(replace(judge.target, module=judge.target.module.half()), folder, notes)


@torch.inference_mode()
def main() -> None:
    """Train, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("runs/judges"), help="kept; goes on from there")
    parser.add_argument("--people", type=int, default=4000)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--size", type=int, default=48)
    parser.add_argument("--strangers", type=int, default=1000)
    parser.add_argument("--out", type=Path, help="where the shipped files go")
    asked = parser.parse_args()
    keep_freed_memory()
    with Stages() as stages, torch.inference_mode(False):
        judges = [trained(planned, asked, stages) for planned in JUDGES]
    print("| judge | AUC | named among the strangers |\n|---|---|---|")
    for judge in judges:
        verified, named = recognition(judge, asked.strangers, asked.size)
        print(f"| {judge.name} | {verified:.4f} | {named:.3f} |")
        if asked.out:
            ship(judge, asked.out / judge.name, asked)


if __name__ == "__main__":
    main()
