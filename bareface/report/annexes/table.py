"""Every finding as CSV, a row for each way in which it was counted."""

import csv
import io
from collections.abc import Iterator

from bareface.records.evidence import Evidence, Finding, Measurement, apart_from_head
from bareface.report.clean import cleaned
from bareface.vocabulary import NOMINAL_FPRS

_FINDING = ("game", "knowledge", "attack", "access", "photos", "counts", "status", "verdict", "reason")
_MEASURED = (
    "members", "nonmembers", "member_people", "nonmember_people", "auc", "p_value", "p_value_holm", "smallest_effect",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def findings_csv(evidence: Evidence) -> str:
    """The table; what is not known is an empty cell, and no cell begins like a formula."""
    clean, text = cleaned(evidence), io.StringIO()
    counted = {id(finding) for finding in apart_from_head(clean.findings)}
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_heads())
    for finding in clean.findings:
        about = _about(finding, id(finding) in counted)
        writer.writerows([*about, *map(_cell, measured)] for measured in _measured(finding))
    return text.getvalue()


def _heads() -> list[str]:
    rates = [f"{name}_at_{fpr:g}" for fpr in NOMINAL_FPRS for name in ("tpr", "tpr_low", "tpr_high", "fpr")]
    return [*_FINDING, "unit", *_MEASURED, "auc_low", "auc_high", *rates]


def _about(finding: Finding, counts: bool) -> list[str]:
    values = (
        finding.game, finding.knowledge, finding.label, finding.access, finding.photos,
        "yes" if counts else "ceiling", finding.status, finding.verdict, finding.reason,
    )  # fmt: skip
    return list(map(_cell, values))


def _measured(finding: Finding) -> Iterator[list[object]]:
    """The numbers of each way of counting; empty ones where there is none."""
    ways = [("image", finding.image), ("person", finding.person)]
    if finding.matched:
        ways.append((f"{finding.matched.measurement.unit}, matched", finding.matched.measurement))
    found = [[unit, *_numbers(measured)] for unit, measured in ways if measured is not None]
    yield from found or [[None] * (len(_heads()) - len(_FINDING))]


def _numbers(measured: Measurement) -> Iterator[object]:
    yield from (getattr(measured, name) for name in _MEASURED)
    interval = measured.auc_interval
    yield from (interval.low, interval.high) if interval else (None, None)
    points = {point.nominal_fpr: point for point in measured.operating_points}
    for fpr in NOMINAL_FPRS:
        point = points.get(fpr)
        if point is None or point.true_positive is None or point.false_positive is None:
            yield from (None, None, None, None)
        else:
            found = point.true_positive
            yield from (found.rate, found.interval.low, found.interval.high, point.false_positive.rate)


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = repr(value) if isinstance(value, float) else str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text
