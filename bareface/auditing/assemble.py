"""Putting the evidence together."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bareface.auditing.cards import target_card
from bareface.auditing.findings import FoundLeaks
from bareface.auditing.hygiene import Checked
from bareface.auditing.provenance import provenance
from bareface.auditing.settings import AuditSettings
from bareface.auditing.traces import Traces
from bareface.faces.detection.finder import CENTRAL
from bareface.faces.examine import Examination
from bareface.membership.base import Attack
from bareface.records.evidence import (
    SCHEMA_VERSION,
    Assignment,
    AttackCard,
    Evidence,
    Exposure,
    Finding,
    LayerSeparation,
    PlantedLeak,
    Rejected,
    RoleCount,
    TargetCard,
    apart_from_head,
)
from bareface.records.selfcheck import SelfCheck
from bareface.registry import HEADINGS, prose
from bareface.rosters.names import near_names
from bareface.rosters.roster import Roster
from bareface.rosters.sampling import Drawn
from bareface.stats.overall import by_game, of_game, overall, verdicts_by_game
from bareface.targets.kinds import Auditable, device_under
from bareface.trace import Channel
from bareface.vocabulary import CANDIDATES, Role, Verdict

USES = {
    Role.MEMBER: "trained the target; member side of the record and dataset games",
    Role.HELDOUT: "other photos of training people; non-member side of the record game, member side of the person game",
    Role.OUTSIDE: "people never trained on; non-member side of the person and dataset games",
    Role.AUXILIARY: "the auditor's own people; train the shadows, and are known not to be members",
    Role.PUBLIC: "anybody's faces; re-estimate the running statistics, and are known not to be members",
}
UNSEEN_TRAITS = (
    "Nobody drew lots: a trait that this target sees, and neither the foreign network nor the pictures show, looks "
    "like a leak. Lots that are drawn before training (bareface split) exclude that."
)
LIMITS = (
    "Membership is as the roster states it: an image in the wrong role makes the numbers meaningless.",
    "A verdict holds for these attacks, this prior knowledge and these people; another attack may find more.",
    "Intervals take the people as a sample and the trained target as given: another training run may leak otherwise.",
    "NOT SHOWN is not proof of safety; it comes with the smallest effect that this audit would have shown.",
)


@dataclass(frozen=True)
class EvidenceParts:
    """Everything that an evidence is made of."""

    target: Auditable
    drawn: Drawn
    command: str
    settings: AuditSettings
    configuration: dict[str, Any]
    checked: Checked
    selfcheck: SelfCheck
    foreign_selfcheck: SelfCheck | None
    traces: Traces
    found: FoundLeaks
    planted: tuple[PlantedLeak, ...]
    assignment: Assignment
    layers: tuple[LayerSeparation, ...]
    exposures: tuple[Exposure, ...]
    run: Path
    started: str
    seconds: float

    @property
    def roster(self) -> Roster:
        """The people that were asked about."""
        return self.drawn.roster


def assemble(made: EvidenceParts) -> Evidence:
    """The evidence of a run."""
    card = target_card(made.target)
    deciding = apart_from_head(made.found.findings)
    verdict = overall(verdicts_by_game(deciding))
    return Evidence(
        schema_version=SCHEMA_VERSION,
        status="complete",
        title=made.settings.title,
        verdict=verdict,
        sentence=summary(verdict, deciding),
        assignment=made.assignment,
        balances=made.found.balances,
        planted=made.planted,
        target=card,
        foreign=target_card(made.traces.foreign_model),
        roles=_roles(made.roster, made.checked.examination),
        rejects=_rejects(made.roster, made.checked.examination),
        findings=made.found.findings,
        cards=tuple(attack_card(attack) for attack in _one_of_each(made.settings.attacks)),
        layers=made.layers,
        exposures=made.exposures,
        limits=(
            *_sampled(made.drawn),
            *_limits(made.selfcheck, made.foreign_selfcheck, made.assignment.how == "observational"),
        ),
        notes=_notes(made, card),
        command=made.command,
        selfcheck=made.selfcheck,
        foreign_selfcheck=made.foreign_selfcheck,
        sample=made.drawn.roles,
        hygiene=made.checked.hygiene,
        provenance=provenance(
            examination=made.checked.examination,
            files={name: made.run / name for name in _FILES if (made.run / name).exists()},
            configuration=made.configuration,
            seed=made.settings.seed,
            device=device_under(made.target),
            started=made.started,
            seconds=made.seconds,
            also=("onnx", "onnxruntime") if card.source == "onnx" else (),
        ),
    )


def summary(verdict: Verdict, findings: tuple[Finding, ...]) -> str:
    """The verdict in one or two sentences: what each game says, and the most telling finding that carries it."""
    games = by_game(findings)
    said = {game: of_game(verdicts) for game, verdicts in verdicts_by_game(findings).items()}
    carrying = [f for game, found in games.items() if said[game] is verdict for f in found if f.verdict is verdict]
    if not carrying:
        return "No attack could be run: " + "; ".join(sorted({finding.reason for finding in findings}))
    first = max(carrying, key=lambda finding: finding.reach)
    lead = "The nearest to one" if verdict is Verdict.NOT_SHOWN else "The most telling"
    others = "".join(f" The {game} game: {said[game]}." for game in games if said[game] is not verdict)
    of = sum(len(found) for game, found in games.items() if said[game] is verdict)
    return (
        f"{len(carrying)} of {of} findings{_SAY[verdict]}. {lead}: {first.label} in the {first.game} "
        f"game with {first.knowledge} knowledge. {first.sentence}{others}"
    )


_FILES = ("rejects.parquet", "scores.parquet", "several.csv")
_SAY = {
    Verdict.LEAK_SHOWN: " show a leak",
    Verdict.NOT_SHOWN: " show no leak",
    Verdict.INVALID: " are confounded",
    Verdict.NOT_ESTIMABLE: " have too little to go by",
}


def attack_card(attack: Attack) -> AttackCard:
    """What an attack says of itself."""
    page = prose(type(attack))
    tests, needs, how, limits, reference = (page.sections[heading] for heading in HEADINGS)
    return AttackCard(attack=attack.name, tests=tests, needs=needs, how=how, limits=limits, reference=reference)


def _one_of_each(attacks: tuple[Attack, ...]) -> list[Attack]:
    return list({attack.name: attack for attack in attacks}.values())


def _roles(roster: Roster, examination: Examination) -> tuple[RoleCount, ...]:
    rejected = Counter(reject.role for reject in examination.rejects)
    return tuple(
        RoleCount(
            role=role,
            people=people,
            images=images,
            rejected=rejected[role],
            use=USES.get(Role(role), "") if role in set(Role) else "kept and counted, used by nothing",
        )
        for role, (people, images) in roster.head_count().items()
    )


def _rejects(roster: Roster, examination: Examination) -> tuple[Rejected, ...]:
    number = {image: row for row, image in enumerate(roster.image)}
    return tuple(
        Rejected(number=number[reject.image], role=reject.role, reason=reject.reason) for reject in examination.rejects
    )


def _limits(selfcheck: SelfCheck, foreign: SelfCheck | None, observational: bool) -> Iterator[str]:
    """Above all others: target or control may have been asked in a way that they do not understand."""
    wrong = "does not seem to be fed as in training"
    if selfcheck.overridden:
        yield f"The target {wrong}, and the audit went on all the same. {selfcheck.sentence}"
    if foreign is not None and foreign.overridden:
        yield f"The foreign model {wrong}, so that its control may be easier to beat than it should. {foreign.sentence}"
    if observational:
        yield UNSEEN_TRAITS
    yield from LIMITS


def _notes(made: EvidenceParts, card: TargetCard) -> tuple[str, ...]:
    counts = {
        role: images / people for role, (people, images) in made.roster.head_count().items() if role in CANDIDATES
    }
    notes = [
        f"Images per person: {', '.join(f'{role} {mean:.1f}' for role, mean in counts.items())}. Person scores are "
        "means over images, and photo sets have the same size on both sides, so that the count itself tells nothing."
    ]
    if made.settings.detect:
        notes.append(_cut_out(made))
    if made.settings.shadow is None:
        notes.append("Shadow knowledge was not asked for: no auxiliary people, or no shadow settings.")
    if made.settings.trained_references is not None:
        notes.append(
            f"{made.settings.trained_references.count} reference models were trained on half of the people in question "
            "each, with half of each one's images; attacks that read references know which."
        )
    if alike := near_names(made.roster.subject):
        notes.append(
            f"{alike:,} people have a name that differs from another's in case, spaces or punctuation alone; they "
            "count as different people, in folds, games and roles."
        )
    if made.roster.ignored:
        kinds = ", ".join(f"{one.count:,} {one.kind} ({one.role})" for one in made.roster.ignored)
        notes.append(f"Left aside in the folders that were brought: {kinds}.")
    return (*notes, *_inside(card, made.traces))


def _sampled(drawn: Drawn) -> Iterator[str]:
    """How many people of each role were drawn, of how many; nothing where everybody was taken."""
    if not drawn.roles:
        return
    roles = [
        f"{one.role} {one.people:,} of {one.of_people:,} people ({one.images:,} of {one.of_images:,} images)"
        for one in drawn.roles
    ]
    yield (
        f"This audit asked about people drawn at random: {'; '.join(roles)}. Lots depend on seed and names alone. "
        "Pictures on two sides were looked for among those that were drawn."
    )


def _cut_out(made: EvidenceParts) -> str:
    """How faces came out of raw photos, and on how many of each role there were several."""
    role = dict(zip(made.roster.image, made.roster.role.tolist(), strict=True))
    several = Counter(role[image] for image in made.checked.examination.several)
    counts = [f"{role} {several[role]:,} of {images:,}" for role, (_, images) in made.roster.head_count().items()]
    return (
        "Raw photos: each face was found by MTCNN and laid onto ArcFace's template by five landmarks; where a photo "
        f"shows several, the {made.settings.face or CENTRAL} one was taken ({', '.join(counts)}). Photos without a "
        "face that can be used are among the rejects."
    )


def _inside(card: TargetCard, traces: Traces) -> Iterator[str]:
    """What could be seen of the target's inside, and what stood in for what could not."""
    visible, expected = card.batchnorm_layers, card.batchnorm_expected
    if visible is None:
        yield "The target is a black box: attacks that look inside abstained."
    elif not visible:
        yield "The target has no BatchNorm layer with running statistics; attacks that read them abstained."
    elif expected is None or visible < expected:
        of = f" of {expected}" if expected is not None else ""
        if card.source == "onnx":
            yield f"{visible}{of} BatchNorm layers survived export; the others were folded away with their statistics."
    if traces.target.measured:
        yield (
            f"Estimated distances compare what leaves {len(traces.target.measured)} convolutions and linear maps with "
            f"statistics estimated on {traces.compared_with}; no running statistics, which training makes."
        )
    if Channel.MARGIN_GRADIENT in traces.target.channels:
        yield f"The margin loss whose gradients were read kept every image away from {traces.compared_with}."
