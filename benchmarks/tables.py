"""Findings as rows of a Markdown table."""

from collections.abc import Iterable

from bareface.evidence import Control, Evidence, Finding, Measurement

HEAD = (
    "| game | knowledge | attack | AUC image | AUC person | TPR at 10 % FPR | TPR at 1 % FPR | blind | foreign "
    "| BN-swap | verdict |\n|---|---|---|---|---|---|---|---|---|---|---|"
)


def table(evidence: Evidence) -> str:
    """One row for each finding, the most telling first within each game and knowledge."""
    order = {game: number for number, game in enumerate(("dataset", "record", "person"))}
    rows = sorted(evidence.findings, key=lambda f: (order[f.game], f.knowledge, -_auc_or_zero(f)))
    return "\n".join([HEAD, *map(_row, rows)])


def _row(finding: Finding) -> str:
    cells = [finding.game, finding.knowledge, finding.label, *_measured(finding), *_controls(finding.controls)]
    return "| " + " | ".join([*cells, finding.verdict.value if finding.verdict else finding.reason]) + " |"


def _measured(finding: Finding) -> list[str]:
    return [_auc(finding.image), _auc(finding.person), _tpr(finding.image, 0.1), _tpr(finding.image, 0.01)]


def _auc(measured: Measurement | None) -> str:
    if measured is None or measured.auc is None or measured.auc_interval is None:
        return "-"
    return f"{measured.auc:.3f} [{measured.auc_interval.low:.3f}, {measured.auc_interval.high:.3f}]"


def _tpr(measured: Measurement | None, fpr: float) -> str:
    if measured is None:
        return "-"
    point = next((p for p in measured.operating_points if p.nominal_fpr == fpr), None)
    if point is None or point.true_positive is None or point.false_positive is None:
        return f"needs n >= {point.negatives_needed}" if point else "-"
    return f"{point.true_positive.rate:.3f} (FPR {point.false_positive.rate:.3f})"


def _controls(controls: Iterable[Control]) -> list[str]:
    said = {control.kind: control for control in controls}
    return [
        f"{said[k].auc:.3f}" if k in said and said[k].auc is not None else "-" for k in ("blind", "foreign", "bn-swap")
    ]


def _auc_or_zero(finding: Finding) -> float:
    return finding.image.auc or 0.0 if finding.image else 0.0
