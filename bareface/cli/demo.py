"""`bareface demo`: faces of people who do not exist, a target that was trained on some of them, an audit.

It goes the way that a user goes: a folder of images, a manifest, a trained backbone, a configuration, an audit. All
of it stays in the run folder to be looked at and changed.
"""

import shutil
from dataclasses import replace
from pathlib import Path

import yaml

from bareface.auditing.config_file import read_config
from bareface.auditing.own_models import progress_of, train_backbone
from bareface.auditing.plugins import OF_AUDITS
from bareface.cli.auditing import audit_configured, people, text_of
from bareface.cli.demo_inversion import invert_demo
from bareface.cli.demo_people import DemoPeople, demo_people
from bareface.cli.listing import say_unavailable
from bareface.cli.manners import Stages, out
from bareface.settings.recipe import Recipe, ShadowSettings
from bareface.settings.spec import ImageSpec
from bareface.storage.files import write_text
from bareface.vocabulary import Role

SIZE = 48
# Few images of each person, seen often: a target that remembers. It has learned them by half of the epochs.
TRAINING = Recipe(spec=ImageSpec(height=SIZE, width=SIZE), epochs=100, batch_size=32, learning_rate=0.05)

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
        roster = demo_people(run / "people", GROUPS, stages, size=SIZE, seed=seed)
        recipe = replace(TRAINING, seed=seed)
        train_backbone(roster, recipe, run / "target", progress_of(stages, "training the target"))
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
        out(invert_demo(run, seed, fresh=fresh))


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
