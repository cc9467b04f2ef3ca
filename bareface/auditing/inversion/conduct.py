"""One inversion, from a finished audit to a verdict."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bareface.auditing.inversion.arms import ORDER, ArmResult, ArmRunner
from bareface.auditing.inversion.attacker import Attacker, attacker_of, placebo_of
from bareface.auditing.inversion.audited import Audited, read_audit
from bareface.auditing.inversion.judges import Judge, JudgeBench
from bareface.auditing.inversion.judging import ArmImages, Ruling, agreed, rule
from bareface.auditing.inversion.photos import Galleries, draw_galleries, member_templates
from bareface.auditing.inversion.record import InversionParts, assemble
from bareface.auditing.inversion.scores import Scored, scored
from bareface.auditing.inversion.settings import InversionSettings
from bareface.auditing.inversion.stage import check_generator, faces_of, scene_for, space_of
from bareface.auditing.progress import Progress, silent
from bareface.auditing.run_folder import run_folder
from bareface.errors import UsageError
from bareface.inversion.generator import Generator
from bareface.inversion.select import candidates
from bareface.records.inversion import ArmName, InversionRecord
from bareface.records.inversion_file import write_inversion
from bareface.rosters.roster import Roster
from bareface.targets.answering import as_torch
from bareface.targets.kinds import Auditable
from bareface.targets.target import Target

FOLDER = "inversion"


@dataclass(frozen=True, eq=False)
class Inverted:
    """What the user brought.

    Attributes:
        target: the audited backbone.
        roster: the people of the audit.
        generator: proposes faces.
        judges: independent face models; the first is the primary one.
        generator_source: where the generator came from, in words.
        command: how to ask again.
    """

    target: Auditable
    roster: Roster
    generator: Generator
    judges: tuple[Judge, ...]
    generator_source: str = ""
    command: str = ""


@dataclass(frozen=True, eq=False)
class Inversion:
    """A finished inversion.

    Attributes:
        record: what is written.
        arms: the latents of each arm.
        faces: its images.
        galleries: whom they were compared with.
        rulings: what each judge said.
        audited: the audit that it continues.
    """

    record: InversionRecord
    arms: Mapping[ArmName, ArmResult]
    faces: Mapping[ArmName, ArmImages]
    galleries: Galleries
    rulings: tuple[Ruling, ...]
    audited: Audited


def conduct_inversion(
    brought: Inverted,
    terms: InversionSettings,
    run: Path,
    *,
    home: Path | None = None,
    fresh: bool = False,
    progress: Progress = silent,
) -> Inversion:
    """Invert an audited target and write its record; an inversion that was cut short is resumed.

    Args:
        brought: target, people, generator, judges.
        terms: what is asked.
        run: folder of the finished audit.
        home: folder of the inversion; `inversion/` in the audit's by default.
        fresh: start over in a used folder.
        progress: called with (stage, done, total).

    Raises:
        UsageError: a judge is the target, another judge or part of the attack; the audit was of another target; or
            gradients are wanted of a target that only answers.
        RosterError: other people than in the audit, or no decoys.
        TargetError: the generator does not return what it declares.
        RunError: there is no finished audit, or the folder is in use or belongs to another inversion.
    """
    bench = JudgeBench(brought.judges, _searchable(brought.target, terms))
    scene = scene_for(brought.generator, terms)
    check_generator(scene)
    started, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()
    audited = read_audit(run, brought.target, brought.roster, progress)
    settings = settings_of(brought, audited, terms)
    with run_folder(home or run / FOLDER, settings, fresh=fresh) as home:
        home.chmod(0o700)  # what lies in it renders faces
        galleries = draw_galleries(audited.examination.accepted, terms.photos, terms.seed)
        pool = candidates(scene, terms.candidates, terms.seed, space_of(brought.generator, terms))
        shop = ArmRunner(scene, pool, terms, bench, home, progress)
        arms, score = _make(shop, audited, galleries, terms)
        faces = {name: faces_of(scene, made) for name, made in arms.items()}
        rulings = []
        for number, judge in enumerate(bench):
            progress("judging", number, len(bench))
            rulings.append(rule(judge, faces, galleries, terms, len(bench)))
        progress("judging", len(bench), len(bench))
        record = assemble(
            InversionParts(
                audited, brought.generator, brought.generator_source, brought.command, terms, settings, galleries,
                arms, score, tuple(rulings), agreed(tuple(rulings)), home, started, time.monotonic() - clock,
            )
        )  # fmt: skip
        write_inversion(record, home)
    return Inversion(record, arms, faces, galleries, tuple(rulings), audited)


def _searchable(target: Auditable, terms: InversionSettings) -> Target:
    if terms.search == "gradient" and not isinstance(target, Target):
        got, expected = f"{target.architecture}, which only answers", "a torch checkpoint: a gradient is asked for"
        raise UsageError(target.name, got=got, expected=expected, hint="--search evolution, or --target")
    return as_torch(target)


def settings_of(brought: Inverted, audited: Audited, terms: InversionSettings) -> dict[str, object]:
    """What makes two inversions the same inversion."""
    return terms.settings() | {
        "audit": audited.evidence.provenance.config_sha256,
        "target": brought.target.sha256,
        "generator": brought.generator.fingerprint,
        "judges": [[judge.name, judge.sha256] for judge in brought.judges],
    }


def _make(
    shop: ArmRunner, audited: Audited, galleries: Galleries, terms: InversionSettings
) -> tuple[dict[ArmName, ArmResult], dict[ArmName, Scored]]:
    attacker = attacker_of(audited, shop.scene, shop.pool, terms)
    objective = attacker.objective(terms.weighted)
    picked = shop.selected(attacker, objective, "select")
    made: dict[ArmName, ArmResult] = {"base": shop.untouched(), "select": picked}
    start = picked if terms.starts == "selected" else made["base"]
    made["optimised"] = shop.optimised(attacker, objective, start, "optimised")
    if "placebo" not in terms.skip:
        made["placebo"] = _placebo(shop, attacker, audited, terms)
    if "oracle" not in terms.skip:
        made["oracle"] = shop.oracle(attacker, member_templates(audited.target, galleries))
    arms = {name: made[name] for name in ORDER if name in made and name not in terms.skip}
    return arms, scored(shop.scene, arms, attacker, objective, audited, terms)


def _placebo(shop: ArmRunner, real: Attacker, audited: Audited, terms: InversionSettings) -> ArmResult:
    nobody = placebo_of(real, audited, shop.scene, shop.pool, terms)
    objective = nobody.objective(terms.weighted)
    start = shop.selected(nobody, objective, "placebo") if terms.starts == "selected" else shop.untouched()
    return shop.optimised(nobody, objective, start, "placebo")
