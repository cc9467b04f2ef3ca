"""A small audited world: rendered people at 16 pixels, smooth backbones of three layers, a finished audit."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from inverted import small_target

from bareface.auditing.audit import AuditInputs, conduct
from bareface.auditing.inversion.conduct import Inverted
from bareface.auditing.inversion.judges import Judge
from bareface.auditing.inversion.settings import InversionSettings
from bareface.auditing.settings import AuditSettings, attacks_named
from bareface.inversion.rendered import RenderedFaces
from bareface.rosters.roster import Roster, read_folder
from bareface.synthetic import write_folder
from bareface.targets.target import Target
from bareface.vocabulary import Role

SIDE = 16
TERMS = InversionSettings(
    restarts=20, steps=12, candidates=40, pairs=1, views=4, photos=2, split="random", draws=60, seed=3
)


@dataclass(frozen=True)
class SmallAudit:
    """A finished audit and what it was made of."""

    run: Path
    target: Target
    roster: Roster

    def brought(self, **changed: object) -> Inverted:
        """The audit with a generator and two judges, some of it changed."""
        judges = (Judge(network(1), "nobody"), Judge(network(2), "nobody"))
        said = {"target": self.target, "roster": self.roster, "generator": RenderedFaces(SIDE), "judges": judges}
        return Inverted(**{**said, **changed})  # type: ignore[arg-type]


def network(seed: int) -> Target:
    """A backbone with drawn weights."""
    return small_target(seed, torch.float32, side=SIDE)


def small_audit(home: Path) -> SmallAudit:
    """12 members, 12 strangers and 16 auxiliary people, 4 photos each."""
    write_folder(home / "faces", people=40, images=4, size=SIDE, seed=5)
    listed = read_folder(home / "faces", Role.OUTSIDE)
    person = np.array([int(subject[1:]) for subject in listed.subject])
    role = np.select([person < 12, person >= 24], [str(Role.MEMBER), str(Role.AUXILIARY)], str(Role.OUTSIDE))
    people, target = Roster(listed.root, listed.image, listed.subject, role), network(0)
    attacks = attacks_named("bn-distance", "bn-distance-variance")
    conduct(
        AuditInputs(target, people),
        AuditSettings(attacks=attacks, games=("dataset",), selfcheck="report"),
        home / "run",
    )
    return SmallAudit(home / "run", target, people)
