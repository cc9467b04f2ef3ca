"""`bareface train`: a backbone on a roster."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bareface.auditing.images import images_for
from bareface.auditing.own_models import progress_of, train_backbone
from bareface.cli.manners import Stages, out
from bareface.cli.people import say_ignored
from bareface.errors import RosterError
from bareface.faces.packs.pack import is_pack
from bareface.faces.people import read_people
from bareface.rosters.roster import Roster, read_manifest
from bareface.settings.closed import checked
from bareface.settings.recipe import Recipe
from bareface.settings.yaml_file import read_mapping
from bareface.streams import stream
from bareface.targets.device import device_of
from bareface.targets.target import Target
from bareface.training.verification import FEWEST_PAIRS, verification_auc
from bareface.untrusted.regular import is_folder
from bareface.vocabulary import Role


def run_training(
    roster: Path,
    role: str,
    folder: Path,
    recipe: Recipe,
    *,
    device: str,
    links: bool = False,
) -> None:
    """Train or resume, and say what came out."""
    config, where = recipe, device_of(device)
    people, strangers = _people(roster, role, links)
    say_ignored(people)
    with Stages() as stages:
        target = train_backbone(people, config, folder, progress_of(stages, "training"), where)
    count = len(set(people.subject.tolist()))
    out(f"{target.architecture} trained on {len(people)} images of {count} people: {folder}")
    out(_verification(target, strangers, config.seed))


def _verification(target: Target, strangers: Roster | None, seed: int) -> str:
    """How well it recognises people whom it never saw, in one line."""
    if strangers is None or not len(strangers):
        return "verification on unseen people: unknown, the roster has no other people"
    images = images_for(target, strangers)
    found = verification_auc(target, images, strangers.subject, stream(seed, "verification"))
    if found is None:
        return f"verification on unseen people: unknown, fewer than {FEWEST_PAIRS} pairs of photos of one person"
    return f"verification on unseen people: AUC {found.auc:.3f} over {found.same} + {found.different} pairs"


def _people(path: Path, role: str, links: bool) -> tuple[Roster, Roster | None]:
    """Who is trained on, and the people in the manifest who are not."""
    if is_folder(path) or is_pack(path):
        return read_people(path, Role.MEMBER, links=links), None
    roster = read_manifest(path, links=links)
    chosen = roster.take(roster.rows(role))
    if len(set(chosen.subject.tolist())) < 2:
        raise RosterError(
            str(path),
            got=f"{len(set(chosen.subject.tolist()))} people in the role {role}",
            expected="at least two people to tell apart",
            hint=f"--role with one of {', '.join(roster.head_count())}",
        )
    return chosen.with_role(Role.MEMBER), roster.take(~np.isin(roster.subject, np.unique(chosen.subject)))


def read_recipe(path: Path | None, options: dict[str, Any] | None = None) -> Recipe:
    """The training settings in a YAML file, or the usual ones, some of them overridden.

    Raises:
        UsageError: a setting is unknown or of the wrong kind.
    """
    values = (read_mapping(path) if path else {}) | (options or {})
    epochs = values.get("epochs")
    if "warmup_epochs" not in values and isinstance(epochs, int) and epochs < Recipe.warmup_epochs:
        values["warmup_epochs"] = epochs  # a short run warms up as long as it lasts
    return checked(Recipe, values, str(path or "bareface train"))


def recipe_of(path: Path | None, options: dict[str, Any], size: int | None, grey: bool | None) -> Recipe:
    """The recipe of a file (or the usual one) with what options change."""
    recipe = read_recipe(path, options)
    changed: dict[str, Any] = {} if size is None else {"height": size, "width": size}
    if grey is not None:
        changed["order"] = "GRAY" if grey else "RGB"
    return replace(recipe, spec=replace(recipe.spec, **changed))
