"""How leakage grows: python -m benchmarks.growth [--run runs/growth] [--seeds 1] [--axis NAME ...] [--done]

Backbones learn rendered faces (32 pixels, ir-tiny). Around one base, one thing is changed at a time: images per person
(with as many steps of training), people, epochs, width of the embedding, augmentation, margin, scale. Each backbone
is audited with partial knowledge: training photos against strangers' (dataset game) and unseen photos of the same
people against strangers' (person game); of everybody who is audited there are 4 photos on a side, fewer only where
fewer were trained on. Recency: does the score of a training photo show where in the last epoch its batch stood?

Every backbone is kept; run again to resume, with --done to see what is there. Prints the tables of docs/results.md
and writes growth.png beside them.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from bareface.auditing.audit import AuditInputs, conduct
from bareface.auditing.images import images_for
from bareface.auditing.own_models import progress_of, train_backbone
from bareface.auditing.settings import AuditSettings, attacks_named
from bareface.cli.manners import Stages
from bareface.records.evidence import Finding, Interval, Record
from bareface.settings.recipe import Recipe
from bareface.settings.spec import ImageSpec
from bareface.storage.files import write_text
from bareface.streams import stream
from bareface.targets.target import Target
from bareface.training.batches import batch_count
from bareface.training.checkpoints import TRAINING_FILE, TrainingRecord
from bareface.training.verification import verification_auc
from benchmarks.growth.crowd import Crowd
from benchmarks.growth.recency import Recency, recency

ATTACKS = attacks_named(
    "bn-distance",
    "bn-distance-variance",
    "embedding-norm",
    "flip-agreement",
    "subject-compactness:k=2",
    "subject-compactness:k=4",
    "class-centre",
)
RESULT = "point.json"
WARMUP = 4


@dataclass(frozen=True)
class Point:
    """What one backbone learns, and how.

    Attributes:
        people: in training.
        images: of each.
        training: the recipe; its seed is set when it is grown.
    """

    people: int
    images: int
    training: Recipe

    def taught(self, **changes: Any) -> "Point":
        """The same people under another recipe."""
        return replace(self, training=replace(self.training, **changes))

    def with_images(self, images: int) -> "Point":
        """More or fewer images of each person, and as many steps as before."""
        steps = self.training.epochs * self._steps(self.images)
        epochs = max(1, round(steps / self._steps(images)))
        return replace(self, images=images).taught(
            epochs=epochs, warmup_epochs=min(self.training.warmup_epochs, epochs)
        )

    def _steps(self, images: int) -> int:
        return batch_count(self.people * images, self.training.batch_size)

    def fields(self) -> dict[str, Any]:
        """All of it as plain values, as they are written and read back."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self.training)))
        return {"people": self.people, "images": self.images, **plain}

    def beside(self, base: "Point") -> str:
        """What is different from the base, as the name of a folder."""
        usual = base.fields()
        other = [f"{key}={value}" for key, value in self.fields().items() if value != usual[key]]
        return ",".join(other) or "base"


class Reading(Record):
    """The AUC of one attack in one game, over images or people; None with the reason."""

    attack: str
    game: Literal["record", "person", "dataset"]
    unit: Literal["image", "person"]
    auc: float | None
    interval: Interval | None
    reason: str


class Grown(Record):
    """What came of one backbone.

    accuracy: of the last epoch of training, as it went on. verification: AUC on people who were not in training.
    """

    point: dict[str, Any]
    accuracy: float
    verification: float
    readings: tuple[Reading, ...]
    recency: tuple[Recency, ...]


def axes(base: Point) -> dict[str, dict[str, Point]]:
    """What is changed, and the points of it by their names."""
    many = base.with_images(8 * base.images)
    light = base.taught(shift=2, brightness=20.0, contrast=0.2)
    return {
        "images": {str(n): base.with_images(n) for n in (2, 4, 8, 16, 32)},
        "scale": {f"{s:g}": base.taught(scale=s) for s in (8.0, 16.0, 32.0, 64.0)},
        "epochs": {str(n): base.taught(epochs=n) for n in (10, 20, 40, 80, 160)},
        "people": {str(n): replace(base, people=n) for n in (50, 100, 200, 400)},
        "margin": {f"{m:g}": base.taught(margin=m) for m in (0.1, 0.3, 0.5)},
        "augmentation": {"none": base.taught(flip=False), "flip": base, "flip+shift+light": light},
        "width": {str(d): base.taught(embedding_size=d) for d in (32, 128, 512)},
        f"scale, {many.images} images": {f"{s:g}": many.taught(scale=s) for s in (8.0, 16.0, 32.0, 64.0)},
    }


def base_of(asked: argparse.Namespace) -> Point:
    """The point that all axes go through."""
    spec = ImageSpec(height=asked.size, width=asked.size)
    # A margin of .5 after one epoch of warm-up left a third of the points untrained.
    training = Recipe(
        spec=spec,
        margin=0.3,
        epochs=asked.epochs,
        warmup_epochs=min(WARMUP, asked.epochs),
        batch_size=32,
        learning_rate=0.05,
    )
    return Point(asked.people, asked.images, training)


@dataclass(frozen=True)
class Garden:
    """Where backbones grow.

    Attributes:
        base: what they are compared with.
        crowd: renders people.
        run: the folder.
        stages: shows progress.
    """

    base: Point
    crowd: Crowd
    run: Path
    stages: Stages

    def folder(self, point: Point, seed: int) -> Path:
        """Of one backbone."""
        return self.run / f"seed-{seed}" / point.beside(self.base)

    def kept(self, point: Point, seed: int) -> Grown | None:
        """What came of it earlier."""
        path = self.folder(point, seed) / RESULT
        found = Grown.model_validate_json(path.read_bytes()) if path.is_file() else None
        return found if found is not None and found.point == _settings(point, seed) else None

    def grow(self, point: Point, seed: int) -> Grown:
        """Train, audit, verify, unless that is done."""
        return self.kept(point, seed) or self._grown(point, seed, self.folder(point, seed))

    def _grown(self, point: Point, seed: int, folder: Path) -> Grown:
        recipe = replace(point.training, seed=seed)
        trained = self.crowd.trained(point.people, point.images)
        report = progress_of(self.stages, f"training {folder.name}")
        target = train_backbone(trained, recipe, folder / "target", report)
        findings = self._audited(target, point, seed, folder / "audit")
        grown = Grown(
            point=_settings(point, seed),
            accuracy=_accuracy(folder / "target"),
            verification=self._verified(target, seed),
            readings=tuple(reading for finding in findings for reading in _readings(finding)),
            recency=recency(folder / "audit", trained.image, recipe, ATTACKS),
        )
        write_text(folder / RESULT, grown.model_dump_json(indent=1) + "\n")
        return grown

    def _audited(self, target: Target, point: Point, seed: int, run: Path) -> tuple[Finding, ...]:
        roster = self.crowd.audited(point.people, point.images)
        settings = AuditSettings(
            attacks=ATTACKS, games=("dataset", "person"), seed=seed, title=run.parent.name, selfcheck="skip",
            max_shared_rate=0.05,
        )  # fmt: skip
        return conduct(AuditInputs(target, roster), settings, run, progress=self.stages).findings

    def _verified(self, target: Target, seed: int) -> float:
        strangers = self.crowd.strangers()
        found = verification_auc(target, images_for(target, strangers), strangers.subject, stream(seed, "verification"))
        assert found is not None, "4 photos of each of 5 people make 30 pairs"
        return found.auc


def _settings(point: Point, seed: int) -> dict[str, Any]:
    asked = [{"name": attack.name, **attack.parameters()} for attack in ATTACKS]
    return point.fields() | {"seed": seed, "attacks": asked}


def _accuracy(folder: Path) -> float:
    return TrainingRecord.model_validate_json((folder / TRAINING_FILE).read_bytes()).history[-1].accuracy


def _readings(finding: Finding) -> Iterator[Reading]:
    for unit, measured in (("image", finding.image), ("person", finding.person)):
        auc, interval = (measured.auc, measured.auc_interval) if measured else (None, None)
        reason = finding.reason if measured is None else measured.reason
        told = {"attack": finding.label, "game": finding.game, "unit": unit}
        yield Reading.model_validate(told | {"auc": auc, "interval": interval, "reason": reason})


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("runs/growth"), help="kept; goes on from there")
    parser.add_argument("--axis", action="append", help="repeat it; all by default")
    parser.add_argument("--value", action="append", help="likewise, of the points on the axes")
    parser.add_argument("--done", action="store_true", help="show what is there, train nothing")
    parser.add_argument("--people", type=int, default=100, help="of the base; as many strangers")
    parser.add_argument("--images", type=int, default=4, help="of a person, of the base")
    parser.add_argument("--epochs", type=int, default=80, help="of the base")
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--seeds", type=int, default=1)
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> None:
    """Grow what is missing; print tables, draw the figure."""
    from benchmarks.growth.shown import Axis, tables, write_figure

    asked = arguments(words)
    base, seeds = base_of(asked), range(asked.seed, asked.seed + asked.seeds)
    plan = {
        name: {value: point for value, point in points.items() if value in (asked.value or [value])}
        for name, points in axes(base).items()
        if name in (asked.axis or [name])
    }
    with Stages() as stages:
        garden = Garden(base, Crowd(asked.run / "people", asked.size, asked.people, stages), asked.run, stages)
        if not asked.done:
            for seed, points in ((seed, points) for seed in seeds for points in plan.values()):
                for point in points.values():
                    garden.grow(point, seed)
        shown = [
            Axis(name, {value: [g for s in seeds if (g := garden.kept(point, s))] for value, point in points.items()})
            for name, points in plan.items()
        ]
    titles = [attack.title() for attack in ATTACKS]
    report = tables(shown, titles)
    write_text(asked.run / "growth.md", report + "\n")
    write_figure(shown, titles, asked.run / "growth.png")
    print(report)


if __name__ == "__main__":
    main()
