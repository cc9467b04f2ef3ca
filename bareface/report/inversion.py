"""The report on an inversion: one section, and one self-contained page around it."""

from collections.abc import Mapping
from dataclasses import dataclass

from bareface.records import numbers
from bareface.records.inversion import Arm, GalleryCard, InversionRecord, JudgeCard
from bareface.report import inversion_prose
from bareface.report.clean import harmless, without_any_folders
from bareface.report.facts import Fact, digests, short_digest
from bareface.report.html import Figure, picture, template
from bareface.report.inversion_rows import (
    ArmRow,
    DistributionRow,
    HitRow,
    ThresholdRow,
    TransferRow,
    WinRow,
    arm_rows,
    distribution_rows,
    hit_rows,
    ordered,
    threshold_rows,
    transfer_rows,
    win_rows,
)
from bareface.report.prose import VERDICT_BADGE, Badge, Plain


@dataclass(frozen=True)
class Section:
    """What the report says about one inversion."""

    badge: Badge
    reading: str
    sentence: str
    plain: Plain
    arms: tuple[ArmRow, ...]
    wins: tuple[WinRow, ...]
    hits: tuple[HitRow, ...]
    transfers: tuple[TransferRow, ...]
    distributions: tuple[DistributionRow, ...]
    thresholds: tuple[ThresholdRow, ...]
    galleries: tuple[Fact, ...]
    generator: tuple[Fact, ...]
    judges: tuple[tuple[Fact, ...], ...]
    pictures: Mapping[str, Figure]


@dataclass(frozen=True)
class InversionPage:
    """The page around the section."""

    title: str
    subtitle: tuple[str, ...]
    section: Section
    target: tuple[Fact, ...]
    limits: tuple[str, ...]
    notes: tuple[str, ...]
    command: str
    run: tuple[Fact, ...]


def render_inversion_html(record: InversionRecord) -> str:
    """The whole report on an inversion as one self-contained HTML page without images of faces.

    Equal records give equal bytes. Control characters are spelled out and folders are cut from every path.
    """
    return template("inversion.html.j2").render(page=inversion_page(cleaned(record)), prose=inversion_prose)


def render_inversion_section(record: InversionRecord) -> str:
    """The same as one `<section>`, for a page that has the style sheet already."""
    return template("inversion_section.html.j2").render(inversion=section(cleaned(record)), prose=inversion_prose)


def cleaned(record: InversionRecord) -> InversionRecord:
    """The same record with every text in it visible and without folders, whichever field holds it."""
    changed = harmless(record.model_dump())
    changed["command"] = without_any_folders(changed["command"])
    for card in (changed["target"], changed["generator"]):
        card["source"] = without_any_folders(card["source"])
    return InversionRecord.model_validate(changed)


def inversion_page(record: InversionRecord) -> InversionPage:
    """Everything the page says about a (cleaned) record."""
    target, p = record.target, record.provenance
    return InversionPage(
        title=record.title,
        subtitle=(
            target.name,
            target.architecture,
            short_digest(target),
            record.generator.name,
            numbers.moment(p.started),
        ),
        section=section(record),
        target=(
            Fact("Name", target.name),
            Fact("Source", target.source),
            *digests(target),
            Fact("Architecture", target.architecture),
            Fact("Input", target.input),
        ),
        limits=record.limits,
        notes=record.notes,
        command=record.command,
        run=(
            Fact("Seed", str(p.seed), code=True),
            Fact("bareface", p.bareface),
            Fact("Device", p.device),
            Fact("Started", numbers.moment(p.started)),
            Fact("Took", numbers.duration(p.seconds)),
            Fact("Configuration SHA-256", p.config_sha256, code=True),
            Fact("Schema", record.schema_version),
        ),
    )


def section(record: InversionRecord) -> Section:
    """Everything the section says about a (cleaned) record."""
    wins = win_rows(record)
    return Section(
        badge=VERDICT_BADGE[record.verdict],
        reading=record.reading,
        sentence=record.sentence,
        plain=inversion_prose.PLAIN[record.reading],
        arms=arm_rows(record),
        wins=wins,
        hits=hit_rows(record),
        transfers=transfer_rows(record),
        distributions=distribution_rows(record),
        thresholds=threshold_rows(record),
        galleries=_galleries(record.galleries),
        generator=_generator(record),
        judges=tuple(_judge(judge) for judge in record.judges),
        pictures=_pictures(ordered(record), wins),
    )


def _galleries(card: GalleryCard) -> tuple[Fact, ...]:
    blind = "not measured" if card.blind is None else numbers.auc(card.blind)
    interval = f" {numbers.interval(card.blind_interval)}" if card.blind_interval else ""
    return (
        Fact("People in each gallery", f"{card.people:,}"),
        Fact("Photos per person", f"{card.images_per_person:,}"),
        Fact("Who was trained on", {"random": "drawn by lot"}.get(card.split, card.split)),
        Fact("Told apart without the model", f"AUC {blind}{interval}" if card.blind is not None else blind),
    )


def _generator(record: InversionRecord) -> tuple[Fact, ...]:
    card = record.generator
    return (
        Fact("Name", card.name),
        Fact("Source", card.source),
        Fact("Fingerprint", card.fingerprint, code=True),
        Fact("Image", f"{card.size} x {card.size}"),
        Fact("Latent space", card.space),
        Fact("Licence", card.licence),
    )


def _judge(card: JudgeCard) -> tuple[Fact, ...]:
    return (
        Fact("Name", card.name),
        Fact("Architecture", card.architecture),
        Fact("SHA-256", card.sha256, code=True),
        Fact("Input", card.input),
        Fact("Trained on", card.trained_on),
    )


def _pictures(arms: tuple[Arm, ...], wins: tuple[WinRow, ...]) -> dict[str, Figure]:
    # Matplotlib takes a second to import, and only this function needs it.
    from bareface.report.plots import inversion as plots

    told = "; ".join(f"{w.arm} before {w.judge} {w.rate}" for w in wins)
    drawn = {}
    if any(arm.judgements for arm in arms):
        drawn["wins"] = picture(plots.win_rates(arms, "inversion wins"), f"Win rates, 0.5 is no leak: {told}.")
    if any(judgement.cosines for arm in arms for judgement in arm.judgements):
        best = picture(plots.cosine_spreads(arms, "inversion cosines"), _cosine_text(arms))
        drawn["cosines"] = best
    if any(arm.trajectory for arm in arms):
        drawn["scores"] = picture(plots.trajectories(arms, "inversion scores"), _trajectory_text(arms))
    return drawn


def _cosine_text(arms: tuple[Arm, ...]) -> str:
    told = (
        f"{arm.arm} before {judgement.judge}, {spread.gallery} {numbers.difference(spread.quantiles[10])}"
        for arm in arms
        for judgement in arm.judgements
        for spread in judgement.cosines
    )
    return f"Median best cosine: {'; '.join(told)}."


def _trajectory_text(arms: tuple[Arm, ...]) -> str:
    told = (f"{a.arm} from {a.trajectory.median[0]:.2f} to {a.trajectory.median[-1]:.2f}" for a in arms if a.trajectory)
    return f"Median membership score from the first to the last step: {'; '.join(told)}."
