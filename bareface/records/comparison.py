"""The record of a comparison: several audits of the same people, leak beside recognition, differences in pairs."""

from bareface.records.measurement import Interval
from bareface.records.record import Record
from bareface.vocabulary import Game, Knowledge, Unit, Verdict

SCHEMA_VERSION = "1.0"


class ComparedRun(Record):
    """One audit.

    Attributes:
        number, title, target: by which tables name it; titles may be alike.
        verdict: of the audit.
        verification, interval: AUC of same-person against different-people pairs of strangers; None with the reason.
    """

    number: int
    title: str
    target: str
    verdict: Verdict
    verification: float | None
    interval: Interval | None
    reason: str = ""


class Difference(Record):
    """A quantity of one run less that of the first, on the same people.

    Attributes:
        run: the number of that run.
        what: `verification`, or the attack.
        game, knowledge, unit, verdicts: of an attack; the verdicts of the first run and of that one.
        first, other: the two AUCs.
        difference, interval: other less first, people drawn together.
        reason: why there is none.
    """

    run: int
    what: str
    game: Game | None = None
    knowledge: Knowledge | None = None
    unit: Unit | None = None
    verdicts: tuple[Verdict, Verdict] | None = None
    first: float | None = None
    other: float | None = None
    difference: float | None = None
    interval: Interval | None = None
    reason: str = ""


class Comparison(Record):
    """Several audits of the same images, people, roles, folds and seed."""

    schema_version: str = SCHEMA_VERSION
    roster_sha256: str
    runs: tuple[ComparedRun, ...]
    differences: tuple[Difference, ...]
