"""Findings as rows: every cell a number with its interval, or the reason why there is none; never blank."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from bareface.records import numbers
from bareface.records.evidence import Finding, Matched, Measurement, OperatingPoint, Share
from bareface.records.numbers import nominal
from bareface.report.cells import Cell, beside_foreign, control_cells, interval_lines
from bareface.report.prose import NO_PERSON_IN_RECORD, VERDICT_BADGE, Badge
from bareface.vocabulary import GAMES, Verdict

NOT_RECORDED = "not recorded"
_SPOKEN = 0.01
MOST_CURVES = 8
"""Attacks in one picture of ROC curves: as many as there are colours, and as can be told apart."""


@dataclass(frozen=True)
class UnitRow:
    """A finding per image, per person or on matched people; `missing` says why it was not measured so.

    `points` (TPR) and `accused` (FPR counted at the same thresholds) follow the table's `nominal_fprs`; `beside` is how
    far the foreign network's control lies below.
    """

    unit: str
    missing: str
    counts: tuple[str, ...]
    auc: Cell
    points: tuple[Cell, ...]
    accused: tuple[Cell, ...]
    p: Cell
    smallest: Cell
    beside: str = ""


@dataclass(frozen=True)
class RateRow:
    """Both error rates at one threshold that was chosen on other people."""

    attack: str
    knowledge: str
    unit: str
    nominal: str
    true_positive: Cell
    false_positive: Cell

    @property
    def estimable(self) -> bool:
        """Whether there were enough non-members to count."""
        return self.true_positive.kind == "number"


@dataclass(frozen=True)
class Line:
    """A finding in one line: the numbers on which its verdict rests, and the rate at one nominal FPR."""

    auc: Cell
    rate: Cell
    p: Cell
    smallest: Cell


@dataclass(frozen=True)
class FindingRow:
    """One attack with one prior knowledge in one game; `absence` says why there is nothing to show.

    access: what the attacker must reach; line: the finding at a glance; units, rates, controls: its details.
    """

    attack: str
    parameters: str
    knowledge: str
    access: str
    badge: Badge
    sentence: str
    absence: Cell | None
    line: Line
    units: tuple[UnitRow, ...]
    rates: tuple[RateRow, ...]
    controls: tuple[Cell, ...]


def nominal_fprs(findings: Iterable[Finding]) -> tuple[float, ...]:
    """The false-positive rates that any finding was asked for, largest first."""
    asked = {p.nominal_fpr for f in findings for m in _measured(f) for p in m.operating_points}
    return tuple(sorted(asked, reverse=True))


def finding_row(finding: Finding, fprs: tuple[float, ...]) -> FindingRow:
    """One finding as a row below the columns `fprs`."""
    return FindingRow(
        attack=finding.label,
        parameters=", ".join(f"{name} = {value}" for name, value in finding.parameters.items()),
        knowledge=finding.knowledge,
        access=finding.access or NOT_RECORDED,
        badge=finding_badge(finding),
        sentence="" if finding.status != "done" and finding.sentence == finding.reason else finding.sentence,
        absence=_absence(finding),
        line=_line(finding, spoken_fpr(fprs)),
        rates=rate_rows(finding) if finding.status == "done" else (),
        units=_units(finding, fprs) if finding.status == "done" else (),
        controls=control_cells(finding),
    )


def spoken_fpr(fprs: tuple[float, ...]) -> float | None:
    """The rate that stands in the line: 1 %, or the largest that was asked for."""
    return _SPOKEN if _SPOKEN in fprs else max(fprs, default=None)


def _line(finding: Finding, fpr: float | None) -> Line:
    measured, none = finding.rests_on, Cell("not estimable", (), "unknown")
    if finding.status != "done" or measured is None:
        none = Cell("-", (), "unknown")
        return Line(none, none, none, none)
    counted = finding.asked or measured
    point = next((one for one in counted.operating_points if one.nominal_fpr == fpr), None)
    rate = Cell("not counted", ("weighted",), "unknown") if finding.matched else _point_cell(point)
    auc = Cell("not estimable", (), "unknown") if measured.auc is None else auc_cell(measured)
    return Line(auc, rate, _p_cell(measured), _smallest(finding.visible))


def finding_badge(finding: Finding) -> Badge:
    """The verdict on one finding, or why it has none."""
    if finding.status == "failed":
        return Badge("failed", "failed")
    if finding.status == "abstained":
        return Badge("abstained", "abstained")
    return VERDICT_BADGE[finding.verdict or Verdict.NOT_ESTIMABLE]


def auc_cell(measurement: Measurement) -> Cell:
    """The AUC with its interval, or what it would have needed."""
    if measurement.auc is None:
        return Cell("not estimable", (measurement.reason or "no reason given",), "unknown")
    return Cell(numbers.auc(measurement.auc), interval_lines(measurement))


def rate_rows(finding: Finding) -> tuple[RateRow, ...]:
    """Both error rates of a finding at every threshold, per image and per person."""
    return tuple(
        RateRow(
            finding.label,
            finding.knowledge,
            f"per {m.unit}",
            nominal(point.nominal_fpr),
            _rate_cell(point.true_positive, point),
            _rate_cell(point.false_positive, point),
        )
        for m in _measured(finding)
        for point in m.operating_points
    )


def _measured(finding: Finding) -> list[Measurement]:
    return [m for m in (finding.image, finding.person) if m is not None]


def _absence(finding: Finding) -> Cell | None:
    if finding.status == "done":
        return None
    return Cell(f"{finding.status}: {finding.reason or 'no reason given'}", (), finding.status)


def _units(finding: Finding, fprs: tuple[float, ...]) -> tuple[UnitRow, ...]:
    no_person = NO_PERSON_IN_RECORD if GAMES[finding.game].same_people else "the record holds nothing"
    measured = (
        _unit(finding.image, fprs) if finding.image else _missing("image", "the record holds nothing", fprs),
        _unit(finding.person, fprs) if finding.person else _missing("person", no_person, fprs),
    )
    if finding.matched is None:
        return measured
    return (*(_not_deciding(row) for row in measured), _matched(finding.matched, fprs))


def _not_deciding(row: UnitRow) -> UnitRow:
    """A measurement beside matched people, on whom the verdict rests: what it would have shown is no matter."""
    return row if row.missing else replace(row, smallest=Cell("see matched", (), "unknown"))


def _matched(matched: Matched, fprs: tuple[float, ...]) -> UnitRow:
    """The measurement that the verdict rests on where people were matched: weights give no rates."""
    row = _unit(matched.measurement, fprs)
    return replace(
        row,
        unit=f"{row.unit}, matched",
        points=(Cell("not counted", ("weighted",), "unknown"),) * len(fprs),
        accused=(Cell("not counted", (), "unknown"),) * len(fprs),
        smallest=_smallest(matched.smallest_effect),
        beside=beside_foreign(matched.foreign),
    )


def _smallest(effect: float | None) -> Cell:
    return _number_or_unknown(effect, lambda value: numbers.auc(value, "ROUND_CEILING"))


def _missing(unit: str, reason: str, fprs: tuple[float, ...]) -> UnitRow:
    none = Cell("not measured", (), "unknown")
    return UnitRow(
        f"per {unit}", f"not measured, {reason}", (), none, (none,) * len(fprs), (none,) * len(fprs), none, none
    )


def _unit(m: Measurement, fprs: tuple[float, ...]) -> UnitRow:
    points = {point.nominal_fpr: point for point in m.operating_points}
    return UnitRow(
        unit=f"per {m.unit}",
        missing="",
        counts=_counts(m),
        auc=auc_cell(m),
        points=tuple(_point_cell(points.get(fpr)) for fpr in fprs),
        accused=tuple(_accused(points.get(fpr)) for fpr in fprs),
        p=_p_cell(m),
        smallest=_smallest(m.smallest_effect),
    )


def _counts(m: Measurement) -> tuple[str, ...]:
    people = f"{m.member_people:,} vs {m.nonmember_people:,} people"
    images = f"{m.members:,} vs {m.nonmembers:,} images"
    silent = m.abstained_members + m.abstained_nonmembers
    abstained = f"no score for {m.abstained_members:,} + {m.abstained_nonmembers:,}"
    unasked = m.out_of_scope_members + m.out_of_scope_nonmembers
    outside = f"{m.out_of_scope_members:,} + {m.out_of_scope_nonmembers:,} out of scope"
    worth = f"worth {m.effective_members or 0:,.0f} vs {m.effective_nonmembers or 0:,.0f}"
    weighted = m.effective_members is not None
    lines = [(m.unit == "image", images), (True, people), (weighted, worth), (silent, abstained), (unasked, outside)]
    return tuple(line for shown, line in lines if shown)


def _point_cell(point: OperatingPoint | None) -> Cell:
    return _rate_cell(point.true_positive, point) if point else Cell("not asked", (), "unknown")


def _accused(point: OperatingPoint | None) -> Cell:
    if point is None or point.false_positive is None:
        return Cell("not estimable" if point else "not asked", (), "unknown")
    return _rate_cell(point.false_positive, point)


def _rate_cell(share: Share | None, point: OperatingPoint) -> Cell:
    if share is None or share.trials == 0:
        needed = (f"needs n ≥ {point.negatives_needed:,}", "non-members")
        return Cell("not estimable", needed, "unknown")
    counted = f"{share.events:,}/{share.trials:,}"
    return Cell(f"{numbers.percent(share.rate)} %", (counted, numbers.interval(share.interval, numbers.percent)))


def _p_cell(m: Measurement) -> Cell:
    if m.p_value_holm is not None:
        return Cell(numbers.p_value(m.p_value_holm, bound=m.at_resolution))
    if m.p_value is not None:
        return Cell(numbers.p_value(m.p_value, bound=m.at_resolution), ("not adjusted",))
    return Cell("not estimable", (), "unknown")


def _number_or_unknown(value: float | None, written: Callable[[float], str]) -> Cell:
    return Cell("not estimable", (), "unknown") if value is None else Cell(written(value))
