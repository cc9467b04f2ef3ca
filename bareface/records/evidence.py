"""The record of a run: integers and intervals, from which every report is derived.

`result.json` in the run folder is one `Evidence`. Additions are allowed within a major schema version; nothing is
renamed or removed. A value that could not be had is `None` beside its reason, never zero.
"""

from html import escape
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from bareface.records.finding import Finding as Finding
from bareface.records.finding import PlantedLeak as PlantedLeak
from bareface.records.finding import apart_from_head as apart_from_head
from bareface.records.measurement import (
    Assignment as Assignment,
)
from bareface.records.measurement import (
    Balance as Balance,
)
from bareface.records.measurement import (
    Control as Control,
)
from bareface.records.measurement import (
    Direction as Direction,
)
from bareface.records.measurement import (
    Interval as Interval,
)
from bareface.records.measurement import (
    Matched as Matched,
)
from bareface.records.measurement import (
    Measurement as Measurement,
)
from bareface.records.measurement import (
    OperatingPoint as OperatingPoint,
)
from bareface.records.measurement import (
    Share as Share,
)
from bareface.records.overlap import Hygiene as Hygiene
from bareface.records.record import Record as Record  # whoever writes records looks for it here
from bareface.records.record import read_record, write_record
from bareface.records.selfcheck import SelfCheck as SelfCheck
from bareface.vocabulary import Game
from bareface.vocabulary import Verdict as Verdict

SCHEMA_VERSION = "1.0"
RESULT_FILE, REPORT_FILE = "result.json", "report.html"


class AttackCard(Record):
    """What an attack needs and how it works: its own docstring, so that an old run still explains itself."""

    attack: str
    tests: str
    needs: str
    how: str
    limits: str
    reference: str


class LayerSeparation(Record):
    """How far one layer's distances of members and non-members lie apart.

    statistics: `running`: a BatchNorm layer's own; `estimated`: what leaves a convolution or linear map against
        statistics estimated on public faces, where there is no BatchNorm layer.
    deciles: the 0, 10, ..., 100 % points of the distance (b_i = channels, or the estimated distance) on each side.
    auc: P(a member's distance is smaller than a non-member's), ties one half.
    """

    game: Game
    layer: str
    channels: int
    view: str
    auc: float
    member_deciles: tuple[float, ...]
    nonmember_deciles: tuple[float, ...]
    statistics: Literal["running", "estimated"] = "running"


class Exposure(Record):
    """How exposed one person is, under a pseudonym: mean score of their images as a rank among non-members.

    rank: share of non-member people with a lower mean score (1.0 = above all of them).
    """

    game: Game
    attack: str
    person: str
    images: int
    rank: float


class Rejected(Record):
    """One image that could not be used, by number (its path stands in rejects.parquet)."""

    number: int
    role: str
    reason: str


class DrawnRole(Record):
    """How many people and images of a role were drawn by lot, of how many."""

    role: str
    people: int
    of_people: int
    images: int
    of_images: int


class RoleCount(Record):
    """How many people and images of a role were brought, and how many images were rejected."""

    role: str
    people: int
    images: int
    rejected: int
    use: str


class TargetCard(Record):
    """The audited backbone.

    parameters, batchnorm_layers: None where a black box hides them.
    batchnorm_expected: how many BatchNorm layers its architecture has, where fewer may be left (ONNX); None otherwise.
    sha256: of weights, head and input together: what the answers depend on. file_sha256: of the bytes of its file, as
    `sha256sum` prints it; weights_sha256: of its weights alone, as `inspect` prints it, the same in every file.
    input_assumed: why this input is assumed. None and empty where there is no such thing, or older runs left it out.
    """

    name: str
    source: str
    sha256: str
    architecture: str
    parameters: int | None
    embedding_size: int
    input: str
    batchnorm_layers: int | None
    degenerate_layers: tuple[str, ...]
    head_identities: int | None
    batchnorm_expected: int | None = None
    file_sha256: str | None = None
    weights_sha256: str | None = None
    input_assumed: str = ""


class Provenance(Record):
    """What the run was made of and on."""

    bareface: str
    python: str
    packages: dict[str, str]
    platform: str
    device: str
    threads: int
    seed: int
    started: str
    seconds: float
    roster_sha256: str
    config_sha256: str
    files: dict[str, str]


class Evidence(Record):
    """The record of one audit.

    selfcheck: whether the target was fed as in training; hygiene: what stood on two sides and was left out. Both are
    None in runs from before there were such checks. foreign_selfcheck: the same of a foreign model that was brought.
    sample: how many people and images of each role were drawn by lot, where not everybody was asked about; all else
    is of those who were.
    assignment: how membership came about; None in runs from before that was asked. balances: one for each game.
    planted: positive controls of the audit itself, one for each game; empty in runs from before there were any.
    """

    schema_version: str
    status: Literal["complete"]
    title: str
    verdict: Verdict
    sentence: str
    target: TargetCard
    foreign: TargetCard | None
    roles: tuple[RoleCount, ...]
    rejects: tuple[Rejected, ...]
    findings: tuple[Finding, ...]
    cards: tuple[AttackCard, ...]
    layers: tuple[LayerSeparation, ...]
    exposures: tuple[Exposure, ...]
    limits: tuple[str, ...]
    notes: tuple[str, ...]
    command: str
    provenance: Provenance
    selfcheck: SelfCheck | None = None
    foreign_selfcheck: SelfCheck | None = None
    hygiene: Hygiene | None = None
    assignment: Assignment | None = None
    balances: tuple[Balance, ...] = ()
    planted: tuple[PlantedLeak, ...] = ()
    sample: tuple[DrawnRole, ...] = ()

    def __repr__(self) -> str:
        """The verdict and its sentence."""
        return f"{self.verdict} ({self.title}, {len(self.findings)} findings)\n{self.sentence}"

    def __str__(self) -> str:
        """As `repr`: the whole record is `model_dump_json()`."""
        return repr(self)

    def _repr_html_(self) -> str:
        """What a notebook shows: the verdict, its sentence, a line for each finding."""
        rows = self.rows()
        lines = ["".join(f"<td>{escape(_cell(value))}</td>" for value in row.values()) for row in rows]
        names = "".join(f"<th>{escape(name)}</th>" for name in (rows[0] if rows else ()))
        table = f"<table><tr>{names}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>" if rows else ""
        return f"<p><b>{escape(self.verdict)}</b></p><p>{escape(self.sentence)}</p>{table}"

    def rows(self) -> list[dict[str, str | float | None]]:
        """One row for each finding: what was asked with which knowledge, the AUC that decides and the verdict.

        `matched_auc` is of people who are weighted until both sides are alike; None where nobody was.
        """
        return [_row(finding) for finding in self.findings]

    def to_dataframe(self) -> Any:
        """The rows as a pandas data frame.

        Raises:
            ImportError: pandas is not installed; `rows()` needs nothing.
        """
        return import_module("pandas").DataFrame(self.rows())


def _row(finding: Finding) -> dict[str, str | float | None]:
    measured = finding.asked
    interval = measured.auc_interval if measured else None
    matched = finding.matched.measurement if finding.matched else None
    return {
        "game": finding.game,
        "knowledge": finding.knowledge,
        "attack": finding.label,
        "auc": measured.auc if measured else None,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "p_value_holm": measured.p_value_holm if measured else None,
        "smallest_effect": measured.smallest_effect if measured else None,
        "matched_auc": matched.auc if matched else None,
        "verdict": str(finding.verdict) if finding.verdict else finding.status,
        "sentence": finding.sentence or finding.reason,
    }


def _cell(value: str | float | None) -> str:
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else value


def write_evidence(evidence: Evidence, run: Path) -> None:
    """Write `result.json` into a run folder, whole or not at all."""
    write_record(evidence, run / RESULT_FILE)


def read_evidence(run: Path | str, *, unsealed: bool = False) -> Evidence:
    """Read the record of a finished run; one without its digest only if `unsealed`.

    Raises:
        RunError: the folder holds no finished run, or one that is damaged, of another schema, or without its digest.
    """
    path, schema = Path(run) / RESULT_FILE, f"evidence of schema {SCHEMA_VERSION}"
    return read_record(path, Evidence, "audit", schema, unsealed=unsealed)
