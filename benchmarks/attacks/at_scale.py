"""Every attack at the paper's scale: python -m benchmarks.attacks.at_scale [--device cuda] [--minutes 10]

Rendered people of 112 pixels, 10,000 in the target's training with 50 images each, IR-50, ArcFace; two shadows of
7,000 other people. Rendered, trained, asked and judged in steps: each call works for so many minutes, keeps what is
done, says what it was at and exits with 4; run it again to resume, as in

    until python -m benchmarks.attacks.at_scale --device cuda; do [ $? -eq 4 ] || break; done

Games and settings of prior knowledge are audited one by one, so that each fits a call. Prints the tables of
`benchmarks.attacks.every_attack`.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from bareface.allocator import keep_freed_memory
from bareface.auditing.audit import AuditInputs, conduct
from bareface.auditing.own_models import Shadow, progress_of, train_backbone
from bareface.auditing.progress import Progress
from bareface.auditing.settings import AuditSettings, attacks_named
from bareface.cli.manners import Stages
from bareface.records.evidence import RESULT_FILE, Evidence, read_evidence
from bareface.settings.recipe import Recipe, ShadowSettings
from bareface.settings.spec import ImageSpec
from bareface.streams import seed_for
from bareface.targets.device import device_of
from bareface.targets.target import Target
from bareface.vocabulary import Game, Knowledge
from benchmarks.attacks.costs import costs
from benchmarks.attacks.every_attack import every_attack
from benchmarks.attacks.population import Population
from benchmarks.attacks.rows import KNOWLEDGE, ORDER, written

AGAIN = 4


class TimeUp(Exception):
    """The minutes of this call are over."""


@dataclass(frozen=True)
class Shift:
    """Progress that ends the call when its time is up.

    Attributes:
        stages: shows it.
        until: on the monotonic clock.
    """

    stages: Stages
    until: float

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Say it and go on, or stop here."""
        self.stages(stage, done, total)
        if time.monotonic() >= self.until:
            raise TimeUp(f"{stage}: {done} of {total}")


@dataclass(frozen=True)
class Scale:
    """One target of many people and everything that is said of it.

    Attributes:
        people: who is who.
        training: the recipe of target and shadows.
        attacks: in the notation of the command line.
        shadows: how many.
        device: where backbones compute.
        run: the folder.
        seed: of everything.
    """

    people: Population
    training: Recipe
    attacks: tuple[str, ...]
    shadows: int
    device: torch.device
    run: Path
    seed: int

    def tables(self, progress: Progress) -> str:
        """Whatever is missing is made first."""
        self.people.render(progress)
        target = self._target(progress)
        shadows = [self._shadow(number, progress) for number in range(self.shadows)]
        found = [self._audited(target, shadows, game, told, progress) for game in ORDER for told in KNOWLEDGE]
        attacks = attacks_named(*self.attacks)
        return written(found, costs(target, self.people.audited(), attacks, self.shadows), self.run)

    def _target(self, progress: Progress) -> Target:
        report = progress_of(progress, "training the target")
        return train_backbone(self.people.trained(), self._recipe("target"), self.run / "target", report, self.device)

    def _shadow(self, number: int, progress: Progress) -> Shadow:
        name, learned = f"shadow-{number}", self.people.shadow_trained(number)
        report = progress_of(progress, f"training {name}")
        made = train_backbone(learned, self._recipe(name), self.run / name, report, self.device)
        return self.people.shadow(made, number, self.people.audited())

    def _recipe(self, name: str) -> Recipe:
        return replace(self.training, seed=seed_for(self.seed, name))

    def _audited(
        self, target: Target, shadows: Sequence[Shadow], game: Game, knowledge: Knowledge, progress: Progress
    ) -> Evidence:
        """One game with one prior knowledge; what the networks answer is kept for all of them."""
        run, title = self.run / "audits" / f"{game}-{knowledge}", f"{game} game, {knowledge}"
        attacks = attacks_named(*self.attacks)
        if (kept := _finished(run)) and [one.label for one in kept.findings] == [one.title() for one in attacks]:
            return kept
        settings = AuditSettings(
            attacks=attacks, games=(game,), knowledge=(knowledge,),
            shadow=ShadowSettings(count=len(shadows), train=self.training), seed=self.seed, title=title,
            selfcheck="skip",
        )  # fmt: skip
        brought = AuditInputs(target, self.people.audited(), shadows=tuple(shadows))
        told: Progress = lambda stage, *at: progress(f"{title}: {stage}", *at)  # noqa: E731
        return conduct(brought, settings, run, progress=told, shared=self.run)


def _finished(run: Path) -> Evidence | None:
    return read_evidence(run) if (run / RESULT_FILE).exists() else None


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("runs/attacks-at-scale"))
    parser.add_argument("--people", type=int, default=10_000, help="in training; as many auxiliary people")
    parser.add_argument("--images", type=int, default=50, help="of each in training")
    parser.add_argument("--judged", type=int, default=500, help="people on each side of the audit")
    parser.add_argument("--size", type=int, default=112)
    parser.add_argument("--architecture", default="ir50")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--shadows", type=int, default=2)
    parser.add_argument("--attack", action="append", help="repeat it; every attack by default")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--minutes", type=float, default=10.0, help="of one call")
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args(words)


def scale_of(asked: argparse.Namespace) -> Scale:
    """What was asked for."""
    spec = ImageSpec(height=asked.size, width=asked.size)
    training = Recipe(
        architecture=asked.architecture, embedding_size=512, spec=spec, scale=64.0, epochs=asked.epochs,
        batch_size=asked.batch, warmup_epochs=min(2, asked.epochs),
    )  # fmt: skip
    people = Population(asked.run / "people", asked.size, asked.people, asked.images, asked.judged)
    attacks = tuple(asked.attack or every_attack())
    return Scale(people, training, attacks, asked.shadows, device_of(asked.device), asked.run, asked.seed)


def main(words: Sequence[str] | None = None) -> None:
    """Go on for some minutes; print the tables once everything is there."""
    keep_freed_memory()
    asked = arguments(words)
    with Stages() as stages:
        try:
            print(scale_of(asked).tables(Shift(stages, time.monotonic() + 60 * asked.minutes)))
        except TimeUp as over:
            print(f"{asked.minutes:g} minutes are over at {over}; run it again to resume", file=sys.stderr)
            sys.exit(AGAIN)


if __name__ == "__main__":
    main()
