"""The figures of an audit under flat names, as trackers of experiments and dashboards take them."""

import re
from collections.abc import Iterator

from bareface.records.evidence import Evidence
from bareface.records.finding import Finding, apart_from_head
from bareface.vocabulary import Verdict

CEILING = "ceiling"
"""What stands before figures of attacks that read the head, which count nowhere."""


def figures_of(evidence: Evidence) -> dict[str, float]:
    """Flat name -> number; what is not known has no name.

    `verdict/...`, one for each verdict: 1 for that of the audit, else 0. `findings/...`: how many findings say so.
    `GAME/KNOWLEDGE/ATTACK/...`: `auc`, `auc_low`, `auc_high` of what the verdict rests on, `p_holm`, `visible_auc` (the
    smallest AUC that would have been shown), `leak` (1 or 0), `tpr_at_fpr_0.01` and its like.
    """
    counts = apart_from_head(evidence.findings)
    said = [finding.verdict for finding in counts]
    found = {f"verdict/{_slug(one.lower())}": float(evidence.verdict is one) for one in Verdict}
    found |= {f"findings/{_slug(one.lower())}": float(said.count(one)) for one in Verdict}
    found["findings/without_verdict"] = float(said.count(None))
    for finding in evidence.findings:
        above = "" if any(finding is one for one in counts) else f"{CEILING}/"
        name = f"{above}{finding.game}/{finding.knowledge}/{_slug(finding.label)}"
        found |= {f"{name}/{what}": value for what, value in _of(finding)}
    return found


def words_of(evidence: Evidence) -> dict[str, str]:
    """Flat name -> text: what was found, of what, and how to know it again."""
    how = evidence.assignment.how if evidence.assignment else "unknown"
    return {
        "verdict": evidence.verdict.value,
        "sentence": evidence.sentence,
        "target": evidence.target.name,
        "target_sha256": evidence.target.sha256,
        "assignment": how,
        "seed": str(evidence.provenance.seed),
        "version": evidence.provenance.bareface,
    }


def _of(finding: Finding) -> Iterator[tuple[str, float]]:
    if finding.verdict is not None:
        yield "leak", float(finding.verdict is Verdict.LEAK_SHOWN)
    if finding.visible is not None:
        yield "visible_auc", finding.visible
    if (measured := finding.rests_on) is not None:
        ends = measured.auc_interval
        values = {
            "auc": measured.auc,
            "auc_low": ends.low if ends else None,
            "auc_high": ends.high if ends else None,
            "p_holm": measured.p_value_holm,
        }
        yield from ((name, value) for name, value in values.items() if value is not None)
    for point in finding.asked.operating_points if finding.asked else ():
        if point.true_positive is not None:
            yield f"tpr_at_fpr_{point.nominal_fpr:g}", point.true_positive.rate


def _slug(text: str) -> str:
    """Letters, digits and `_ . -`, which all trackers take: `subject-compactness (k=2)` is subject-compactness-k-2."""
    return re.sub(r"[^\w.-]", "-", text.replace(" (", "-"), flags=re.ASCII).strip("-")
