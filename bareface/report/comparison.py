"""A comparison of audits as one page of Markdown: leak beside recognition, then every difference."""

from collections.abc import Iterable

from bareface.records import numbers
from bareface.records.comparison import ComparedRun, Comparison, Difference
from bareface.records.measurement import Interval
from bareface.report.gate import escaped, row

_RUNS = ("run", "title", "target", "verdict", "verification of strangers, AUC")
_DIFFERENCES = ("run", "game", "knowledge", "what", "run 1", "this run", "difference", "verdicts")


def comparison_markdown(comparison: Comparison) -> str:
    """The page."""
    lines = ["# Audits of the same people", "", *_table(_RUNS, map(_run, comparison.runs)), ""]
    lines += [
        "Differences from run 1, AUC, on the same people, with 95 % intervals that draw people once for both.",
        "",
    ]
    lines += _table(_DIFFERENCES, map(_difference, comparison.differences))
    reasons = [f"- {escaped(_named(one))}: {escaped(one.reason)}" for one in comparison.differences if one.reason]
    return "\n".join([*lines, *(["", "Not compared:", "", *reasons] if reasons else [])]) + "\n"


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    return [row(*heads), row(*["---"] * len(heads)), *(row(*map(escaped, cells)) for cells in rows)]


def _run(run: ComparedRun) -> tuple[str, ...]:
    return str(run.number), run.title, run.target, run.verdict.value, _with(run.verification, run.interval)


def _difference(one: Difference) -> tuple[str, ...]:
    verdicts = " → ".join(verdict.value for verdict in one.verdicts) if one.verdicts else ""
    interval = "" if one.interval is None else f" {numbers.interval(one.interval, numbers.difference)}"
    change = "-" if one.difference is None else numbers.difference(one.difference) + interval
    first, other = (_with(value, None) for value in (one.first, one.other))
    return str(one.run), one.game or "", one.knowledge or "", one.what, first, other, change, verdicts


def _named(one: Difference) -> str:
    return " ".join(filter(None, (f"run {one.run}", one.game, one.knowledge, one.what)))


def _with(value: float | None, interval: Interval | None) -> str:
    if value is None:
        return "-"
    return numbers.auc(value) + (f" {numbers.interval(interval)}" if interval else "")
