"""What scoring everybody costs, and whether memory grows: python -m benchmarks.speed.scoring --images 10000 100000

Audits a small backbone with fresh weights on rendered people of 32 pixels, then scores RecordIO packs of so many
images, each in a process of its own, by the attacks that the audit fitted, whether they showed a leak or not (this one
shows none). Images of a pack are those of people whom the audit does not know, stored again and again under new
numbers. Printed are images a second of CPU and elapsed time, and the most memory that each process held.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from bareface.auditing.attack_models import kept_attack_models
from bareface.auditing.audit import AuditInputs, conduct
from bareface.auditing.calibration import Calibration, ShownLeak, key_of, read_calibration, scores_of
from bareface.auditing.games import arena
from bareface.auditing.run_folder import CONFIG
from bareface.auditing.scorer import Scorer
from bareface.auditing.scoring import score
from bareface.auditing.settings import AuditSettings, attacks_named
from bareface.auditing.yardstick import Yardstick
from bareface.faces.images import RosterImages
from bareface.faces.packs.record_writer import write_insightface
from bareface.faces.people import read_people
from bareface.rosters.roster import Roster, read_folder, read_manifest, write_manifest
from bareface.settings.spec import ImageSpec
from bareface.storage.files import sha256_of
from bareface.synthetic import write_folder
from bareface.targets.build import build
from bareface.targets.store import load_target, save_target
from bareface.targets.target import Target
from bareface.training.recalibrate import estimate_statistics
from bareface.vocabulary import Role

SIDE, PHOTOS, PEOPLE, UNKNOWN = 32, 6, 100, 60


def make_world(home: Path) -> None:
    """Members, strangers, people whom the audit does not know, and a backbone."""
    write_folder(home / "faces", people=PEOPLE + UNKNOWN, images=PHOTOS, size=SIDE, seed=11)
    listed = read_folder(home / "faces", Role.PUBLIC)
    number = np.array([int(subject[1:]) for subject in listed.subject])
    role = np.where(number >= PEOPLE, Role.PUBLIC, np.where(number % 2 == 0, Role.MEMBER, Role.OUTSIDE)).astype(str)
    image = tuple(f"faces/{name}" for name in listed.image)
    people = Roster(home, image, listed.subject, role)
    write_manifest(people, home / "people.csv")
    spec = ImageSpec(SIDE, SIDE)
    torch.manual_seed(0)
    fresh = Target("small", "ir-tiny", build("ir-tiny", spec=spec, embedding_size=64), spec)
    seen = people.take(people.rows(Role.PUBLIC))
    save_target(estimate_statistics(fresh, RosterImages(seen, SIDE, SIDE)), home / "target")


def audit(home: Path) -> None:
    """An audit that fits attack models."""
    brought = AuditInputs(load_target(home / "target"), read_manifest(home / "people.csv"))
    attacks = attacks_named("bn-distance", "flip-agreement")
    settings = AuditSettings(attacks=attacks, games=("dataset",), selfcheck="skip", assignment="randomised")
    conduct(brought, settings, home / "run")


def scorer_of(calibration: Calibration) -> Scorer:
    """The first attack of the audit, as if it had shown a leak."""
    fitted = kept_attack_models(calibration.run / "attack_models", sha256_of(calibration.run / CONFIG))[0]
    finding = next(one for one in calibration.evidence.findings if key_of(one) == key_of(fitted))
    game = arena(calibration.people, "dataset", folds=calibration.config["folds"], seed=calibration.config["seed"])
    leak = ShownLeak(finding, fitted, game, scores_of(calibration.run, finding, game))
    yardstick = Yardstick.of(leak, calibration)
    return Scorer(calibration, yardstick, yardstick)


def pack(home: Path, images: int) -> Path:
    """A pack of so many images, ten of each person."""
    known = sorted((home / "faces").glob("p*/*"))
    contents = [path.read_bytes() for path in known if int(path.parent.name[1:]) >= PEOPLE]

    def people() -> Iterator[Iterator[bytes]]:
        for first in range(0, images, 10):
            yield (contents[number % len(contents)] for number in range(first, min(first + 10, images)))

    path = home / f"{images}.rec"
    write_insightface(path, people(), size=(SIDE, SIDE))
    return path


class Watch:
    """Progress that remembers the most memory of this process in kB, less the files that are mapped into it."""

    def __init__(self) -> None:
        self.most = 0

    def __call__(self, stage: str, done: int, total: int) -> None:
        status = Path("/proc/self/status").read_text().splitlines()
        self.most = max(self.most, *(int(line.split()[1]) for line in status if line.startswith("RssAnon")))


def in_a_child(home: Path, path: Path) -> tuple[float, float]:
    """Score one pack; CPU and elapsed seconds."""
    start = time.perf_counter()
    child = os.fork()
    if not child:
        os.execv(
            sys.executable, [sys.executable, "-m", "benchmarks.speed.scoring", "--home", str(home), "--pack", str(path)]
        )
    _, status, used = os.wait4(child, 0)
    if status:
        raise SystemExit(f"scoring ended with {os.waitstatus_to_exitcode(status)}")
    return used.ru_utime + used.ru_stime, time.perf_counter() - start


def main() -> None:
    """Audit, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--pack", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.pack is not None:
        scorer = scorer_of(read_calibration(asked.home / "run", load_target(asked.home / "target")))
        watched = Watch()
        score(scorer, read_people(asked.pack, Role.PUBLIC), asked.home / f"scores-{asked.pack.stem}", watched)
        (asked.home / "memory").write_text(f"{watched.most / 1024:.0f}")
        return
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        make_world(home)
        audit(home)
        for images in asked.images:
            cpu, wall = in_a_child(home, pack(home, images))
            speed = f"{images / cpu:6,.0f} /s of CPU, {images / wall:6,.0f} /s elapsed"
            print(f"{images:>9,} images: {speed}, {(home / 'memory').read_text()} MB of its own", flush=True)


if __name__ == "__main__":
    main()
