"""`bareface demo`: faces of people who do not exist, a target that was trained on some of them, an audit.

It goes the way that a user goes: a folder of images, a manifest, a trained backbone, a configuration, an audit. All
of it stays in the run folder to be looked at and changed.
"""

import shutil
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import yaml

from bareface.auditing.config_file import read_config
from bareface.auditing.own_models import progress_of, train_backbone
from bareface.auditing.plugins import OF_AUDITS
from bareface.cli.auditing import audit_configured, people, text_of
from bareface.cli.demo_inversion import invert_demo
from bareface.cli.listing import say_unavailable
from bareface.cli.manners import Stages, out
from bareface.rosters.roster import Roster, read_folder, read_manifest, write_manifest
from bareface.settings.recipe import Recipe, ShadowSettings
from bareface.settings.spec import ImageSpec
from bareface.storage.files import write_text
from bareface.synthetic import write_folder
from bareface.vocabulary import Role

SIZE = 48
# Few images of each person, seen often: a target that remembers. It has learned them by half of the epochs.
TRAINING = Recipe(spec=ImageSpec(height=SIZE, width=SIZE), epochs=100, batch_size=32, learning_rate=0.05)


@dataclass(frozen=True)
class DemoPeople:
    """Some people of the demo: how many, with how many images, in which roles in turn."""

    people: int
    images: int
    roles: tuple[Role, ...]


GROUPS = (
    DemoPeople(100, 8, (Role.MEMBER, Role.HELDOUT)),
    DemoPeople(100, 4, (Role.OUTSIDE,)),
    DemoPeople(80, 8, (Role.AUXILIARY,)),
    DemoPeople(300, 1, (Role.PUBLIC,)),
)


def run_demo(run: Path, *, seed: int, fresh: bool, inversion: bool = True) -> None:
    """Render, train, audit, invert; print the verdict and where the report is."""
    if fresh and (run / "people").is_dir():
        shutil.rmtree(run)
    with Stages() as stages:
        roster = _people(run / "people", seed, stages)
        recipe = replace(TRAINING, seed=seed)
        target = train_backbone(roster, recipe, run / "target", progress_of(stages, "training the target"))
    config = run / "audit.yaml"
    write_text(config, _configuration(seed))
    say_unavailable(*OF_AUDITS)
    asked = read_config(config)
    evidence = audit_configured(asked, people(asked), run / "audit", fresh=fresh, command="bareface demo")
    page = run / "report.html"
    write_text(page, (run / "audit" / "report.html").read_text(encoding="utf-8"))
    out(text_of(evidence))
    out(f"\nreport: {page}\nask again, otherwise: bareface audit {config} -o runs/mine")
    if inversion:
        out("")
        out(invert_demo(run, roster, target, seed, fresh=fresh))


def _people(folder: Path, seed: int, stages: Stages) -> Roster:
    manifest = folder / "roster.csv"
    if manifest.exists():
        return read_manifest(manifest)
    if folder.exists():  # a rendering that was cut short; the manifest is written last
        shutil.rmtree(folder)
    first, parts = 0, []
    for group in GROUPS:
        name = "-".join(group.roles)
        report = partial(stages, f"rendering {name}")
        write_folder(
            folder / name, people=group.people, images=group.images, size=SIZE, seed=seed, first_identity=first,
            report=report,
        )  # fmt: skip
        parts.append(_with_roles(read_folder(folder / name, Role.PUBLIC), group.roles, name))
        first += group.people
    roster = Roster(
        folder,
        tuple(image for part in parts for image in part.image),
        np.concatenate([part.subject for part in parts]),
        np.concatenate([part.role for part in parts]),
    )
    write_manifest(roster, manifest)
    return roster


def _with_roles(part: Roster, roles: tuple[Role, ...], name: str) -> Roster:
    """Each person's images take the roles in turn."""
    number = np.array([int(Path(image).stem) for image in part.image])
    role = np.array([str(role) for role in roles])[number % len(roles)]
    return Roster(part.root.parent, tuple(f"{name}/{image}" for image in part.image), part.subject, role)


def _configuration(seed: int) -> str:
    shadow = ShadowSettings(count=1, train=TRAINING)
    settings = {
        "title": "demo",
        "model": "target",
        "roster": "people/roster.csv",
        "shadow": shadow.model_dump(mode="json"),
        "assignment": "randomised",  # people and photos are numbered draws; which of them train depends on the number
        "seed": seed,
    }
    return yaml.safe_dump(settings, sort_keys=False)
