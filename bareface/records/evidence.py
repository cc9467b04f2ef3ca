"""The record of a run: integers and intervals, from which every report is derived.

`result.json` in the run folder is one `Evidence`. Additions are allowed within a major schema version; nothing is
renamed or removed. A value that could not be had is `None` beside its reason, never zero.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field

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
from bareface.vocabulary import GAMES, Access, Game, InvalidCause, Knowledge, Unit
from bareface.vocabulary import Verdict as Verdict

SCHEMA_VERSION = "1.0"
RESULT_FILE = "result.json"


class Finding(Record):
    """One attack in one game with one prior knowledge: what it found, beside its controls.

    title: name and the parameters that were changed or always matter, as in `subject-compactness (k=2)`.
    status: `done`, `abstained` (it cannot be run on this target) or `failed`; `reason` says why it is not done.
    matched: where nobody drew lots and the sides are different people, the measurement on which the verdict rests.
    direction: of attacks that know which way memory would move their signal.
    cause: why the verdict is INVALID.
    access: what the attacker must reach of this target; photos: how many of one person a score is made of. Both are
        None in runs from before they were kept.
    """

    attack: str
    title: str = ""
    parameters: dict[str, str | int | float | bool]
    game: Game
    knowledge: Knowledge
    status: Literal["done", "abstained", "failed"]
    reason: str
    image: Measurement | None
    person: Measurement | None
    controls: tuple[Control, ...]
    verdict: Verdict | None
    sentence: str
    matched: Matched | None = None
    direction: Direction | None = None
    cause: InvalidCause | None = None
    access: Access | None = None
    photos: int | None = None

    @property
    def label(self) -> str:
        """What tables and figures call it."""
        return self.title or self.attack

    @property
    def asked(self) -> Measurement | None:
        """The measurement that counts the unit of the game's question, on the sides as they stand."""
        return self.image if GAMES[self.game].decides == "image" else self.person

    @property
    def rests_on(self) -> Measurement | None:
        """The measurement on which the verdict rests: of matched people, where they were matched."""
        return self.asked if self.matched is None else self.matched.measurement

    @property
    def visible(self) -> float | None:
        """The smallest AUC that would have been called a leak with 80 % power."""
        if self.matched is not None and self.matched.smallest_effect is not None:
            return self.matched.smallest_effect
        return None if self.rests_on is None else self.rests_on.smallest_effect

    @property
    def reach(self) -> float:
        """The lower end of the AUC's interval, by which the most telling finding is known; 0 where there is none."""
        interval = self.rests_on.auc_interval if self.rests_on else None
        return interval.low if interval else 0.0


class AttackCard(Record):
    """What an attack needs and how it works: its own docstring, so that an old run still explains itself."""

    attack: str
    tests: str
    needs: str
    how: str
    limits: str
    reference: str


def apart_from_head(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings that count: those without the head, which a deployed backbone does not carry.

    The others are the ceiling beside them; they count only where nothing else was asked.
    """
    return tuple(one for one in findings if one.access != "head") or findings


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


class PlantedLeak(Record):
    """What an audit of the same people would have said of a leak that is known to be there, and of none.

    Scores were drawn for the same images, with as much in common between photos of one person as those of `attack`
    have, and went through the same folds, attack model, controls, intervals, permutations and rules.

    game, knowledge, attack: the finding that would have shown the largest effects only, whose controls stood beside.
    effect: the AUC that was planted, the smallest that this finding would have shown with 80 % power; None with the
        reason.
    audits: how many were drawn with the leak, and as many without.
    said, said_of_none: how many of them got each verdict.
    """

    game: Game
    knowledge: Knowledge
    attack: str
    unit: Unit
    effect: float | None
    audits: int
    said: dict[str, int] = Field(default_factory=dict)
    said_of_none: dict[str, int] = Field(default_factory=dict)
    reason: str = ""


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


def write_evidence(evidence: Evidence, run: Path) -> None:
    """Write `result.json` into a run folder, whole or not at all."""
    write_record(evidence, run / RESULT_FILE)


def read_evidence(run: Path, *, unsealed: bool = False) -> Evidence:
    """Read the record of a finished run; one without its digest only if `unsealed`.

    Raises:
        RunError: the folder holds no finished run, or one that is damaged, of another schema, or without its digest.
    """
    return read_record(run / RESULT_FILE, Evidence, "audit", f"evidence of schema {SCHEMA_VERSION}", unsealed=unsealed)
