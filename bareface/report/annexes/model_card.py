"""A block for a model card: `model-index` metadata in YAML, and a section in Markdown."""

from collections.abc import Sequence
from typing import Any

import yaml

from bareface.records import numbers
from bareface.records.evidence import Evidence, Finding, apart_from_head
from bareface.report.clean import cleaned
from bareface.report.facts import digests
from bareface.report.gate import escaped, row
from bareface.report.missing import not_assessed
from bareface.report.planted import planted_sentences
from bareface.report.short import in_short, worth_telling
from bareface.vocabulary import GAMES, Game, of_game

_FPR = 0.01
_HEADS = ("game", "verdict", "attack", "access", "AUC", "TPR at 1 % FPR", "smallest visible AUC")


def model_card_markdown(evidence: Evidence) -> str:
    """The metadata between `---` lines, as model cards begin, then the section on privacy."""
    clean = cleaned(evidence)
    return f"---\n{yaml.safe_dump(_index(clean), sort_keys=False, allow_unicode=True)}---\n\n{_section(clean)}"


def _index(evidence: Evidence) -> dict[str, Any]:
    results = [_metadata(finding, evidence) for finding in _telling(evidence)]
    return {"model-index": [{"name": evidence.target.name, "results": results}]}


def _telling(evidence: Evidence) -> list[Finding]:
    """The finding of each game that stands for its verdict."""
    counted = apart_from_head(evidence.findings)
    return [found for game in GAMES if (found := _first(game, counted))]


def _first(game: Game, findings: Sequence[Finding]) -> Finding | None:
    done = [finding for finding in findings if finding.game == game and finding.verdict]
    verdict = of_game([finding.verdict for finding in done if finding.verdict])
    return max((one for one in done if one.verdict is verdict), key=worth_telling, default=None)


def _metadata(finding: Finding, evidence: Evidence) -> dict[str, Any]:
    measured = finding.rests_on
    about = f"{finding.label}, {finding.access or 'access not recorded'}, {finding.knowledge} knowledge"
    metrics: list[dict[str, Any]] = []
    if measured and measured.auc is not None:
        metrics.append({"type": "roc_auc", "value": _rounded(measured.auc), "name": f"AUC of {about}"})
    if rate := _rate(finding):
        metrics.append({"type": "tpr_at_fpr_0.01", "value": _rounded(rate), "name": f"TPR at 1 % FPR of {about}"})
    metrics.append({"type": "verdict", "value": str(finding.verdict), "name": "Verdict of bareface"})
    return {
        "task": {"type": "membership-inference", "name": f"Membership inference, {finding.game} game"},
        "dataset": {
            "type": "private",
            "name": "people of the audit",
            "args": {"roster_sha256": evidence.provenance.roster_sha256},
        },
        "metrics": metrics,
    }


def _rounded(share: float) -> float:
    """Three decimals, never rounded into a certainty that was not measured."""
    return share if share in (0.0, 1.0) else min(0.999, max(0.001, round(share, 3)))


def _rate(finding: Finding) -> float | None:
    measured = None if finding.matched else finding.asked
    points = measured.operating_points if measured else ()
    counted = [point.true_positive for point in points if point.nominal_fpr == _FPR and point.true_positive]
    return counted[0].rate if counted else None


def _section(evidence: Evidence) -> str:
    rows = [row(*_HEADS), row(*["---"] * len(_HEADS)), *(row(*map(escaped, _cells(one))) for one in _telling(evidence))]
    lines = [
        "## Privacy: does it remember the people it was trained on?",
        "",
        f"Membership audit by bareface {escaped(evidence.provenance.bareface)}, "
        f"{escaped(numbers.moment(evidence.provenance.started))}: **{evidence.verdict.value}**.",
        "",
        *(f"- {escaped(sentence)}" for sentence in in_short(evidence)),
        "",
        *rows,
        "",
        "Not assessed:",
        "",
        *(f"- {escaped(one.what)}: {escaped(one.why)}" for one in not_assessed(evidence)),
        "",
        *(f"- {escaped(sentence)}" for sentence in planted_sentences(evidence.planted)),
        *(f"- {escaped(fact.name)}: {escaped(fact.value)}" for fact in digests(evidence.target)),
    ]
    return "\n".join(lines) + "\n"


def _cells(finding: Finding) -> tuple[str, ...]:
    measured, rate = finding.rests_on, _rate(finding)
    auc = "-" if measured is None or measured.auc is None else numbers.auc(measured.auc)
    interval = f" {numbers.interval(measured.auc_interval)}" if measured and measured.auc_interval else ""
    shown = "not counted" if rate is None else f"{numbers.percent(rate)} %"
    visible = "-" if finding.visible is None else numbers.auc(finding.visible, "ROUND_CEILING")
    return (
        finding.game, str(finding.verdict), f"{finding.label}, {finding.knowledge} knowledge",
        finding.access or "not recorded", auc + interval, shown, visible,
    )  # fmt: skip
