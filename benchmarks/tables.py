"""Findings as rows of a Markdown table."""

from collections import Counter
from collections.abc import Iterable, Sequence

from bareface.records.evidence import Control, Evidence, Finding, Measurement
from bareface.stats.intervals import clopper_pearson
from bareface.vocabulary import CONTROLS

ORDER = ("dataset", "record", "person")
"""The games as tables tell them, the most telling first."""
HEAD = (
    "| game | knowledge | attack | AUC image | AUC person | TPR at 10 % FPR | TPR at 1 % FPR | blind | foreign "
    "| BN-swap | matched | verdict |\n|---|---|---|---|---|---|---|---|---|---|---|---|"
)


def table(evidence: Evidence) -> str:
    """One row for each finding, the most telling first within each game and knowledge."""
    rows = sorted(evidence.findings, key=lambda f: (ORDER.index(f.game), f.knowledge, -_auc_or_zero(f)))
    return "\n".join([HEAD, *map(_row, rows)])


def rate(events: int, trials: int) -> str:
    """A share with its Clopper-Pearson interval, in per cent."""
    interval = clopper_pearson(events, trials)
    return f"{events / trials:.1%} [{interval.low:.1%}, {interval.high:.1%}]"


def spread(runs: Sequence[Evidence]) -> str:
    """The same findings of several audits side by side: AUCs, those on matched people, controls, verdicts."""
    rows = [_order(evidence) for evidence in runs]
    head = (
        "| game | knowledge | attack | AUC image | AUC person | matched | blind | who | foreign | BN-swap | verdicts |"
    )
    return "\n".join([head, "|---" * 11 + "|", *(_spread(same) for same in zip(*rows, strict=True))])


def _order(evidence: Evidence) -> list[Finding]:
    names = list(dict.fromkeys(finding.label for finding in evidence.findings))
    return sorted(evidence.findings, key=lambda f: (ORDER.index(f.game), f.knowledge, names.index(f.label)))


def _spread(same: Sequence[Finding]) -> str:
    first = same[0]
    assert len({(f.game, f.knowledge, f.label) for f in same}) == 1
    matched = [f.matched.measurement if f.matched else None for f in same]
    verdicts = Counter(str(f.verdict or f.status) for f in same)
    cells = [
        first.game, first.knowledge, first.label, _several([f.image for f in same]), _several([f.person for f in same]),
        _several(matched), *(_several([_control(f, kind) for f in same]) for kind in CONTROLS),
        ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items()),
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def _control(finding: Finding, kind: str) -> Control | None:
    return next((control for control in finding.controls if control.kind == kind), None)


def _several(measured: Sequence[Measurement | Control | None]) -> str:
    """AUCs of the splits; `-` where there is none."""
    aucs = ["-" if one is None or one.auc is None else f"{one.auc:.3f}" for one in measured]
    return " ".join(aucs) if set(aucs) != {"-"} else "-"


def _row(finding: Finding) -> str:
    matched = _auc(finding.matched.measurement) if finding.matched else "-"
    cells = [finding.game, finding.knowledge, finding.label, *_measured(finding), *_controls(finding.controls), matched]
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
