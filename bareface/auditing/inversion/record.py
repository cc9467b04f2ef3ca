"""Putting the record of an inversion together."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bareface.auditing.cards import target_card
from bareface.auditing.inversion.arms import ORDER, ArmResult
from bareface.auditing.inversion.audited import GAME, Audited
from bareface.auditing.inversion.judging import Ruling
from bareface.auditing.inversion.photos import Galleries
from bareface.auditing.inversion.scores import Scored
from bareface.auditing.inversion.settings import InversionSettings
from bareface.auditing.provenance import provenance
from bareface.inversion.generator import Generator
from bareface.records.evidence import Control
from bareface.records.inversion import (
    SCHEMA_VERSION,
    Arm,
    ArmName,
    Consensus,
    GalleryCard,
    GeneratorCard,
    InversionRecord,
    JudgeCard,
)
from bareface.stats.inversion.hits import off_nominal
from bareface.stats.inversion.verdict import decide, with_holm

LIMITS = (
    "Membership is as the roster states it: a person on the wrong side makes the numbers meaningless.",
    "A verdict holds for this generator, objective and budget; another attack may reconstruct more.",
    "Judges compare faces as networks do. Whether a person would recognise anybody is not measured.",
    "Intervals take the target, the generator and the judges as given: another training run may leak otherwise.",
)


@dataclass(frozen=True, eq=False)
class InversionParts:
    """Everything that a record is made of."""

    audited: Audited
    generator: Generator
    generator_source: str
    command: str
    terms: InversionSettings
    settings: dict[str, Any]
    galleries: Galleries
    arms: Mapping[ArmName, ArmResult]
    scores: Mapping[ArmName, Scored]
    rulings: tuple[Ruling, ...]
    consensus: tuple[Consensus, ...]
    home: Path
    started: str
    seconds: float


def assemble(made: InversionParts) -> InversionRecord:
    """The record of an inversion, verdict included."""
    arms = tuple(_arm(made, name) if name in made.arms else _skipped(name) for name in ORDER)
    galleries = _gallery_card(made)
    decision = decide(arms, galleries)
    examination = made.audited.examination
    return InversionRecord(
        schema_version=SCHEMA_VERSION,
        status="complete",
        title=made.terms.title,
        verdict=decision.verdict,
        reading=decision.reading,
        sentence=decision.sentence,
        target=target_card(made.audited.target),
        generator=_generator_card(made),
        judges=tuple(_judge_card(ruling) for ruling in made.rulings),
        galleries=galleries,
        arms=arms,
        consensus=made.consensus,
        limits=LIMITS,
        notes=_notes(made, arms),
        command=made.command,
        provenance=provenance(
            examination=examination,
            files={},
            configuration=made.settings,
            seed=made.terms.seed,
            device=made.audited.target.device,
            started=made.started,
            seconds=made.seconds,
        ),
    )


def _arm(made: InversionParts, name: ArmName) -> Arm:
    arm, score = made.arms[name], made.scores[name]
    return Arm(
        arm=name,
        status="done",
        reason="",
        objective=arm.objective,
        images=len(arm.latents),
        faceless=0,
        passes=arm.passes,
        score=score.score,
        transfer=None if name == "base" else score.transfer,
        trajectory=arm.trajectory,
        judgements=with_holm([ruling.judgements[name] for ruling in made.rulings]),
    )


def _skipped(name: ArmName) -> Arm:
    return Arm(
        arm=name,
        status="skipped",
        reason="nobody asked for it",
        objective="",
        images=0,
        faceless=0,
        passes=0,
        score=None,
        transfer=None,
        trajectory=None,
        judgements=(),
    )


def _gallery_card(made: InversionParts) -> GalleryCard:
    blind = _blind(made.audited)
    return GalleryCard(
        people=made.galleries.people,
        images_per_person=int(np.shape(made.galleries.rows.training)[1]),
        split=made.terms.split,
        blind=blind.auc if blind else None,
        blind_interval=blind.auc_interval if blind else None,
    )


def _blind(audited: Audited) -> Control | None:
    """What the audit found of pictures alone, single images of members against strangers."""
    of_game = (f for f in audited.evidence.findings if f.game == GAME and "k" not in f.parameters)
    controls = (c for finding in of_game for c in finding.controls)
    return next((c for c in controls if c.kind == "blind" and c.status == "done"), None)


def _generator_card(made: InversionParts) -> GeneratorCard:
    generator = made.generator
    return GeneratorCard(
        name=generator.name,
        fingerprint=generator.fingerprint,
        size=generator.size,
        space=next(iter(made.arms.values())).latents.space,
        licence=generator.licence,
        source=made.generator_source,
    )


def _judge_card(ruling: Ruling) -> JudgeCard:
    judge = ruling.judge
    return JudgeCard(
        name=judge.name,
        architecture=judge.target.architecture,
        sha256=judge.sha256,
        input=str(judge.target.spec),
        trained_on=judge.trained_on,
        thresholds=ruling.thresholds,
    )


def _notes(made: InversionParts, arms: tuple[Arm, ...]) -> tuple[str, ...]:
    notes = [f"No thresholds: {made.galleries.reason}."] if made.galleries.reason else []
    base = next(arm for arm in arms if arm.arm == "base")
    for judgement in base.judgements:
        said = (off_nominal(hits) for hits in judgement.hits if hits.rule == "plain")
        notes += [f"{judgement.judge}: {note}" for note in said if note]
    return tuple(notes)
