"""Stage 1 on real faces: python -m benchmarks.attacks.lfw [--run runs/lfw] [--seed 7] [--splits 3]

A small IR net is trained on the `member` images of LFW (48 x 48, grey, ArcFace) and audited in all three games, with
two settings of prior knowledge, by every attack. Split 0 is the fixed split of docs/results.md; in the others the same
people with many photos are dealt anew into training, strangers and auxiliary people. Every split is audited twice: as
a user who says that lots were drawn, and as one who says nothing, where people are matched and the first shadow is the
foreign network that can see them. Prints a table for each split, and one over all of them.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from bareface.auditing.audit import AuditInputs, conduct
from bareface.auditing.own_models import progress_of, train_backbone
from bareface.auditing.settings import AuditSettings, attacks_named
from bareface.cli.manners import Stages
from bareface.records.evidence import Evidence
from bareface.report.html import render_html
from bareface.rosters.roster import Roster
from bareface.settings.recipe import Recipe, ShadowSettings
from bareface.settings.spec import ImageSpec
from bareface.storage.files import write_text
from bareface.streams import stream
from bareface.vocabulary import AssignmentWay, Role
from benchmarks.shared_data import lfw
from benchmarks.tables import spread, table

TRAINING = Recipe(spec=ImageSpec(height=48, width=48, order="GRAY"), epochs=60)
ATTACKS = (
    "bn-distance",
    "bn-distance:convention=variance",
    "bn-distance:convention=none",
    "bn-distance:model=mlp",
    "bn-distance-variance",
    "embedding-norm",
    "flip-agreement",
    "subject-compactness:k=2",
    "subject-compactness:k=3",
    "subject-compactness:k=5",
    "class-centre",
)


HOW: tuple[AssignmentWay, ...] = ("randomised", "observational")


def dealt(roster: Roster, split: int) -> Roster:
    """People with many photos dealt anew, as many to each role as in the fixed split; split 0 is that one.

    Every second photo of a training person is held out.
    """
    if not split:
        return roster
    role, many = roster.role.copy(), (Role.MEMBER, Role.HELDOUT, Role.OUTSIDE, Role.AUXILIARY)
    people = {one: np.unique(roster.subject[roster.rows(one)]) for one in many if one != Role.HELDOUT}
    order = stream(split, "lfw split").permutation(np.concatenate([*people.values()]))
    for new, count in ((one, len(names)) for one, names in people.items()):
        for person in order[:count]:
            rows = np.flatnonzero(roster.subject == person)
            role[rows] = str(new)
            if new == Role.MEMBER:
                role[rows[1::2]] = str(Role.HELDOUT)
        order = order[count:]
    return Roster(roster.root, roster.image, roster.subject, role)


def audited(split: int, seed: int, home: Path, stages: Stages) -> dict[AssignmentWay, Evidence]:
    """Train on a split and audit it, told and not told that lots were drawn."""
    roster, training = dealt(lfw(), split), replace(TRAINING, seed=seed)
    report = progress_of(stages, f"split {split}: training the target")
    target = train_backbone(roster, training, home / "target", report)
    found: dict[AssignmentWay, Evidence] = {}
    for how in HOW:
        attacks = attacks_named(*ATTACKS)
        shadow = ShadowSettings(count=2, train=training)
        settings = AuditSettings(attacks=attacks, shadow=shadow, seed=seed, title="LFW", assignment=how)
        command = f"python -m benchmarks.attacks.lfw --seed {seed}"
        brought = AuditInputs(target, roster, command=command)
        found[how] = conduct(brought, settings, home / how, progress=stages, shared=home / "shared")
        write_text(home / f"{how}.html", render_html(found[how]))
    return found


def main() -> None:
    """Train, audit, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("runs/lfw"))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--splits", type=int, default=3)
    asked = parser.parse_args()
    everything = []
    for split in range(asked.splits):
        started = time.monotonic()
        with Stages() as stages:
            everything.append(audited(split, asked.seed, asked.run / f"split-{split}", stages))
        for how, evidence in everything[-1].items():
            print(f"\nsplit {split}, {how}: {evidence.verdict}\n\n{table(evidence)}", flush=True)
        print(f"\n{(time.monotonic() - started) / 60:.1f} minutes, seed {asked.seed}", flush=True)
    for how in HOW:
        print(f"\nall splits, {how}\n\n{spread([found[how] for found in everything])}", flush=True)


if __name__ == "__main__":
    main()
