"""Audits that must not cry leak: python -m benchmarks.validity.controls [forgetful|cross-dataset|casia]

forgetful      rendered faces, many images of each person, few epochs: NOT SHOWN, with the smallest effect
cross-dataset  rendered members against LFW non-members, an untrained net: INVALID, the two sides differ as pictures
casia          a public checkpoint, two halves of LFW people that it never saw: NOT SHOWN, false positives as nominal
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bareface.auditing.audit import AuditInputs, conduct
from bareface.auditing.own_models import train_backbone
from bareface.auditing.settings import AuditSettings
from bareface.cli.manners import Stages
from bareface.records.evidence import Evidence
from bareface.report.html import render_html
from bareface.rosters.roster import Roster, join, read_folder
from bareface.settings.recipe import Recipe
from bareface.settings.spec import ImageSpec
from bareface.storage.files import write_text
from bareface.streams import stream
from bareface.synthetic import write_folder
from bareface.targets.build import build
from bareface.targets.store import load_target
from bareface.targets.target import Target
from bareface.vocabulary import Role
from benchmarks.shared_data import checkpoint, lfw
from benchmarks.tables import table

SEED = 7


def forgetful(run: Path) -> tuple[Target, Roster]:
    """100 people with 30 training images each, 3 epochs."""
    folder = run / "people"
    if not folder.exists():
        write_folder(folder, people=200, images=36, size=48, seed=SEED)
    roster = read_folder(folder, Role.OUTSIDE)
    trained = np.isin(roster.subject, np.unique(roster.subject)[:100])
    number = np.array([int(Path(image).stem) for image in roster.image])
    role = np.where(trained, np.where(number < 30, Role.MEMBER, Role.HELDOUT), Role.OUTSIDE).astype(str)
    keep = trained | (number < 6)
    roster = Roster(roster.root, roster.image, roster.subject, role).take(keep)
    training = Recipe(spec=ImageSpec(height=48, width=48), epochs=3, warmup_epochs=1)
    return train_backbone(roster, training, run / "target"), roster


def cross_dataset(run: Path) -> tuple[Target, Roster]:
    """Rendered faces on one side, photographs on the other, a net that was never trained."""
    folder = run / "people"
    if not folder.exists():
        write_folder(folder, people=60, images=4, size=112, seed=SEED)
    photographs = lfw()
    outside = photographs.take(photographs.rows(Role.OUTSIDE))
    spec = ImageSpec(48, 48, "GRAY")
    net = Target("untrained", "ir-tiny", build("ir-tiny", spec=spec, embedding_size=128), spec)
    return net, join(read_folder(folder, Role.MEMBER), outside)


def casia(run: Path) -> tuple[Target, Roster]:
    """MobileFaceNet trained on CASIA-WebFace; LFW people split at random."""
    everybody = lfw()
    strangers = everybody.take(everybody.rows(Role.OUTSIDE, Role.AUXILIARY))
    people = stream(SEED, "halves").permutation(np.unique(strangers.subject))
    half = np.isin(strangers.subject, people[: len(people) // 2])
    role = np.where(half, Role.MEMBER, Role.OUTSIDE).astype(str)
    roster = Roster(strangers.root, strangers.image, strangers.subject, role)
    return load_target(checkpoint("casia-068.ckpt")), roster


SCENES: dict[str, Callable[[Path], tuple[Target, Roster]]] = {
    "forgetful": forgetful,
    "cross-dataset": cross_dataset,
    "casia": casia,
}


def play(name: str) -> Evidence:
    """Audit one scene."""
    run = Path("runs") / name
    target, roster = SCENES[name](run)
    with Stages() as stages:
        command = f"python -m benchmarks.validity.controls {name}"
        evidence = conduct(
            AuditInputs(target, roster, command=command),
            AuditSettings(seed=SEED, title=name),
            run / "audit",
            progress=stages,
        )
    write_text(run / "report.html", render_html(evidence))
    return evidence


def main() -> None:
    """Play the scenes that are named, or all."""
    for name in sys.argv[1:] or SCENES:
        evidence = play(name)
        print(f"\n## {name}: {evidence.verdict}\n\n{evidence.sentence}\n\n{table(evidence)}")


if __name__ == "__main__":
    main()
