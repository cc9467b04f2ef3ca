"""An inversion as rows: every cell a number with its interval, or the reason why there is none; never blank."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from bareface.records import numbers
from bareface.records.evidence import Interval, Share
from bareface.records.inversion import (
    Arm,
    Distribution,
    Excess,
    Hits,
    InversionRecord,
    Judgement,
    Lift,
    NamedPeople,
    Rise,
    Threshold,
    Transfer,
    WinRate,
)
from bareface.report.cells import Cell
from bareface.report.inversion_prose import ARM, ARM_ORDER

UNKNOWN = Cell("not estimable", (), "unknown")
NOT_ASKED = Cell("not asked", (), "unknown")


@dataclass(frozen=True)
class ArmRow:
    """One arm: what it is, how many images, what they cost; `absence` says why it was not run."""

    arm: str
    meaning: str
    objective: str
    images: str
    passes: str
    absence: str


@dataclass(frozen=True)
class WinRow:
    """One arm before one judge."""

    arm: str
    judge: str
    rate: Cell
    counts: str
    over_base: Cell
    p: Cell
    smallest: Cell
    people: str


@dataclass(frozen=True)
class HitRow:
    """Hits of one arm at one threshold in both galleries."""

    arm: str
    judge: str
    fpir: str
    rule: str
    training: Cell
    decoy: Cell
    lift: Cell
    training_people: str
    decoy_people: str


@dataclass(frozen=True)
class TransferRow:
    """How far the scores of one arm rise, on the search's own attack models and on another."""

    arm: str
    score: str
    own: Cell
    held_out: Cell
    ratio: str
    position: str


@dataclass(frozen=True)
class DistributionRow:
    """Images of one arm against one gallery before one judge; `missing` says why there are no numbers."""

    arm: str
    judge: str
    gallery: str
    images: str
    values: tuple[str, ...]
    missing: str


@dataclass(frozen=True)
class ThresholdRow:
    """Where one judge's threshold lies."""

    judge: str
    fpir: str
    value: Cell
    fmr: str
    probes: str


def ordered(record: InversionRecord) -> tuple[Arm, ...]:
    """The arms in the report's order."""
    return tuple(sorted(record.arms, key=lambda arm: ARM_ORDER.index(arm.arm)))


def arm_rows(record: InversionRecord) -> tuple[ArmRow, ...]:
    """All arms, those that were not run too."""
    return tuple(_arm(arm) for arm in ordered(record))


def win_rows(record: InversionRecord) -> tuple[WinRow, ...]:
    """Win rates of all arms before all judges."""
    return tuple(_win(arm, judgement) for arm, judgement in _judged(record))


def hit_rows(record: InversionRecord) -> tuple[HitRow, ...]:
    """Hits of all arms before all judges, then those on which judges agree."""
    alone = [
        _hit(arm.arm, judgement.judge, hits, _lift_at(judgement, hits))
        for arm, judgement in _judged(record)
        for hits in judgement.hits
    ]
    agreed = [_hit(c.arm, ", ".join(c.judges), c.hits, None) for c in record.consensus]
    return (*alone, *agreed)


def transfer_rows(record: InversionRecord) -> tuple[TransferRow, ...]:
    """Score rises of all arms that have scores."""
    return tuple(_transfer(arm, arm.transfer) for arm in ordered(record) if arm.status == "done" and arm.transfer)


def distribution_rows(record: InversionRecord) -> tuple[DistributionRow, ...]:
    """Distances of all arms to both galleries."""
    rows = ((arm, judgement, d) for arm, judgement in _judged(record) for d in judgement.distributions)
    return tuple(_distribution(arm, judgement, d) for arm, judgement, d in rows)


def threshold_rows(record: InversionRecord) -> tuple[ThresholdRow, ...]:
    """All thresholds of all judges."""
    return tuple(_threshold(judge.name, t) for judge in record.judges for t in judge.thresholds)


def win_cell(rate: WinRate) -> Cell:
    """The win rate with its interval, or why there is none."""
    if rate.interval is None:
        return Cell("not estimable", (rate.reason or "no reason given",), "unknown")
    return Cell(numbers.auc(rate.rate), (numbers.interval(rate.interval),))


def signed(value: float, rounding: str = ROUND_HALF_EVEN) -> str:
    """A signed number that is no share, with two decimals: `+1.25`."""
    shown = Decimal(repr(float(value))).quantize(Decimal("0.01"), rounding)
    return f"{shown:+f}".replace("-", "−") if shown else "0.00"


def _judged(record: InversionRecord) -> Iterable[tuple[Arm, Judgement]]:
    return ((arm, judgement) for arm in ordered(record) if arm.status == "done" for judgement in arm.judgements)


def _arm(arm: Arm) -> ArmRow:
    absence = "" if arm.status == "done" else f"{arm.status}: {arm.reason or 'no reason given'}"
    without = f", {arm.faceless:,} without a face" if arm.faceless else ""
    images = f"{arm.images:,}{without}"
    return ArmRow(arm.arm, ARM[arm.arm], arm.objective or "none", images, f"{arm.passes:,}", absence)


def _win(arm: Arm, judgement: Judgement) -> WinRow:
    rate = judgement.win_rate
    over = next((excess for excess in judgement.excesses if excess.over == "base"), None)
    return WinRow(
        arm=arm.arm,
        judge=judgement.judge,
        rate=win_cell(rate),
        counts=f"{rate.wins:,} won, {rate.ties:,} tied, {rate.losses:,} lost",
        over_base=_excess(over) if over else Cell("is the base" if arm.arm == "base" else "no base arm", (), "skipped"),
        p=_p(rate),
        smallest=UNKNOWN if rate.smallest_effect is None else Cell(numbers.auc(rate.smallest_effect, "ROUND_CEILING")),
        people="not estimable" if rate.effective_identities is None else f"{rate.effective_identities:.1f}",
    )


def _p(rate: WinRate) -> Cell:
    if rate.p_value_holm is not None:
        return Cell(numbers.p_value(rate.p_value_holm))
    return UNKNOWN if rate.p_value is None else Cell(numbers.p_value(rate.p_value), ("not adjusted",))


def _excess(excess: Excess) -> Cell:
    return _between(excess.difference, excess.interval)


def _between(value: float, interval: Interval | None) -> Cell:
    lines = (numbers.interval(interval, numbers.difference),) if interval else ("no interval",)
    return Cell(numbers.difference(value), lines)


def _lift_at(judgement: Judgement, hits: Hits) -> Lift | None:
    found = (lift for lift in judgement.lifts if lift.fpir == hits.fpir)
    return next(found, None) if hits.rule == "plain" else None


def _hit(arm: str, judge: str, hits: Hits, lift: Lift | None) -> HitRow:
    return HitRow(
        arm=arm,
        judge=judge,
        fpir=numbers.nominal(hits.fpir),
        rule=hits.rule,
        training=_share(hits.training, hits.reason),
        decoy=_share(hits.decoy, hits.reason),
        lift=_lift(lift),
        training_people=_people(hits.training_named),
        decoy_people=_people(hits.decoy_named),
    )


def _share(share: Share | None, reason: str) -> Cell:
    if share is None:
        return Cell("not estimable", (reason or "no reason given",), "unknown")
    counted = f"{share.events:,}/{share.trials:,}"
    return Cell(f"{numbers.percent(share.rate)} %", (counted, numbers.interval(share.interval, numbers.percent)))


def _lift(lift: Lift | None) -> Cell:
    if lift is None:
        return NOT_ASKED
    if lift.difference is None:
        return Cell("not estimable", (lift.reason or "no reason given",), "unknown")
    p = f"p = {numbers.p_value(lift.p_value)}".replace("= <", "<") if lift.p_value is not None else "no p"
    cell = _between(lift.difference, lift.interval)
    return Cell(cell.value, (*cell.lines, p))


def _people(named: NamedPeople | None) -> str:
    if named is None:
        return "not estimable"
    if named.effective is None or named.largest_share is None:
        return "nobody"
    alike = f"{named.rarefied:.1f} at equal hits, " if named.rarefied is not None else ""
    largest = f"largest share {numbers.percent(named.largest_share)} %"
    return f"{named.identities:,} ({alike}effective {named.effective:.1f}, {largest})"


def _transfer(arm: Arm, transfer: Transfer) -> TransferRow:
    return TransferRow(
        arm=arm.arm,
        score="not measured" if arm.score is None else signed(arm.score),
        own=_rise(transfer.own, transfer.reason),
        held_out=_rise(transfer.held_out, transfer.reason),
        ratio="not estimable" if transfer.ratio is None else signed(transfer.ratio),
        position="not estimable" if transfer.position is None else signed(transfer.position),
    )


def _rise(rise: Rise | None, reason: str) -> Cell:
    if rise is None:
        return Cell("not estimable", (reason or "no reason given",), "unknown")
    return Cell(signed(rise.value), (numbers.interval(rise.interval, signed),))


def _distribution(arm: Arm, judgement: Judgement, d: Distribution) -> DistributionRow:
    shown = (d.precision, d.recall, d.density, d.coverage, d.knn, d.kid, d.kid_spread, d.frechet, d.frechet_floor)
    values = tuple("not measured" if v is None else numbers.distance(v) for v in shown)
    return DistributionRow(arm.arm, judgement.judge, d.gallery, f"{d.generated:,}", values, d.reason)


def _threshold(judge: str, t: Threshold) -> ThresholdRow:
    lines = (numbers.interval(t.interval),) if t.interval else ("no interval",)
    needed = Cell("not estimable", (t.reason or f"needs {t.probes_needed:,} photos",), "unknown")
    return ThresholdRow(
        judge=judge,
        fpir=numbers.nominal(t.fpir),
        value=needed if t.value is None else Cell(numbers.difference(t.value), lines),
        fmr="not estimable" if t.fmr is None else f"{t.fmr:.2g}",
        probes=f"{t.probes:,} photos of {t.probe_people:,} people against {t.gallery:,}",
    )
