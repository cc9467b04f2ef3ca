"""A gate over a finished audit: which findings count, what a policy makes of them, and the record of it."""

from collections.abc import Sequence
from pathlib import Path

from bareface.auditing.settings import make_attack
from bareface.errors import UsageError
from bareface.records.evidence import RESULT_FILE, Evidence, Finding, apart_from_head, read_evidence
from bareface.records.gate import SCHEMA_VERSION, GateLine, GateRecord, Outcome, write_gate
from bareface.settings.policy import Policy
from bareface.stats.gate import judge, outcome_of
from bareface.storage.files import sha256_of
from bareface.vocabulary import Access


def gate(run: Path, policy: Policy) -> GateRecord:
    """Judge a finished audit by a policy; the record is also written to the run folder, as `gate.json`.

    Raises:
        RunError: the folder holds no finished audit, or one that is damaged; or it cannot be written.
    """
    evidence = read_evidence(run)
    record = gate_record(evidence, policy, sha256_of(run / RESULT_FILE))
    write_gate(record, run)
    return record


def gate_record(evidence: Evidence, policy: Policy, digest: str) -> GateRecord:
    """What a policy makes of the evidence whose file has a digest."""
    lines = judge(recorded_as_deciding(evidence.findings), policy)
    outcome = outcome_of(lines, policy)
    return GateRecord(
        schema_version=SCHEMA_VERSION,
        title=evidence.title,
        verdict=evidence.verdict,
        result_sha256=digest,
        outcome=outcome,
        sentence=_sentence(outcome, lines, policy),
        lines=lines,
    )


def with_access(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Findings of a finished audit with what each attack had to reach and how many photos it looks at.

    An older record does not say; and whether an attack reads the head is for the attack to say, not for a record. Of
    one that is not installed here, or has other parameters now, the record is believed.
    """
    return tuple(map(_with_access, findings))


def _with_access(finding: Finding) -> Finding:
    declared = _declared(finding)
    agreed = finding.access is not None and (finding.access == "head") == (declared.get("access") == "head")
    return finding if agreed or not declared else finding.model_copy(update=declared)


def recorded_as_deciding(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings of a finished audit on which its verdict rests."""
    return apart_from_head(with_access(findings))


def _declared(finding: Finding) -> dict[str, Access | int]:
    try:
        attack = make_attack(finding.attack, finding.parameters)
    except UsageError:
        return {}
    return {"access": attack.access(), "photos": attack.photos}


def _sentence(outcome: Outcome, lines: Sequence[GateLine], policy: Policy) -> str:
    if not policy.fail_if:
        return "Inconclusive: nothing was asked. Give a rule, as in fail_if: leak."
    carrying = [line for line in lines if line.outcome == outcome]
    return f"{outcome.capitalize()}: {len(carrying)} of {len(lines)} rules {_SAY[outcome]}."


_SAY: dict[Outcome, str] = {
    "passed": "passed",
    "failed": "failed",
    "inconclusive": "could not be decided",
}
