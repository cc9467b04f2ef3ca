"""The record of a gate: what was asked of a finished audit, rule by rule, and what came of it.

`gate.json` in the run folder is one `GateRecord`, that of the gate that was asked last.
"""

from pathlib import Path
from typing import Literal

from bareface.records.record import Record, read_record, write_record
from bareface.vocabulary import Verdict

SCHEMA_VERSION = "1.0"
GATE_FILE = "gate.json"

Outcome = Literal["passed", "failed", "inconclusive"]


class GateLine(Record):
    """One rule and what came of it.

    Attributes:
        rule: as it was asked.
        outcome, why: what came of it, and the reason in a sentence.
        finding: the attack, game and knowledge that decided; empty where none did.
        value: the rate or AUC of that finding, with the ends of its 95 % interval.
        bound: the end of the interval at which it was judged: the lower one to fail, the upper one to pass.
        judged: how many findings the rule was applied to.
        set_aside: findings that gave no number, each with its reason.
    """

    rule: str
    outcome: Outcome
    why: str
    finding: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    bound: float | None = None
    judged: int = 0
    set_aside: tuple[str, ...] = ()


class GateRecord(Record):
    """The record of one gate.

    Attributes:
        title, verdict: of the audit.
        result_sha256: of the file of its record, as `sha256sum` prints it.
        outcome: failed where a rule failed; passed where every rule passed and there is one that can fail.
        sentence: the outcome in words.
        lines: one for each rule, and one for the power that is required.
    """

    schema_version: str
    title: str
    verdict: Verdict
    result_sha256: str
    outcome: Outcome
    sentence: str
    lines: tuple[GateLine, ...]


def write_gate(gate: GateRecord, run: Path) -> None:
    """Write `gate.json` into a run folder, whole or not at all."""
    write_record(gate, run / GATE_FILE)


def read_gate(run: Path) -> GateRecord:
    """Read the record of the gate that was asked last of a run.

    Raises:
        RunError: there is none, or it is damaged or of another schema.
    """
    return read_record(run / GATE_FILE, GateRecord, "gate", f"a gate of schema {SCHEMA_VERSION}")
