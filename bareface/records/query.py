"""The record of a query: how one person's photos stand among the photo sets of strangers."""

from typing import Literal

from bareface.records.measurement import Share
from bareface.records.record import Record
from bareface.vocabulary import Game, Knowledge, Verdict

SCHEMA_VERSION = "1.0"


class QueryRecord(Record):
    """One answer, or the reason why there is none.

    Attributes:
        title, verdict: of the audit that was asked.
        status, reason: `no answer` with its reason; nothing is concluded then.
        attack, game, knowledge: the attack that judged, chosen without this person; empty and None without answer.
        photos, repeated, rejected: photos that were brought, copies among them, and those that cannot be used,
            each with its reason.
        used: photos that were judged; every stranger's set has as many.
        strangers: people never trained on whose photo sets were compared.
        at_or_above: of those, how many score as high or higher.
        p_value: (1 + at_or_above) / (strangers + 1).
        fpr: p-values up to this stand out; of people never trained on, at most this share does.
        stands_out: whether it does.
        known: whether the photos stand in the audit; they were then judged by models that were fitted without them.
        detected: of the training people of the audit with as many photos, how many stand out.
    """

    schema_version: str = SCHEMA_VERSION
    title: str
    verdict: Verdict
    status: Literal["answered", "no answer"]
    fpr: float
    photos: int
    repeated: int = 0
    rejected: tuple[str, ...] = ()
    reason: str = ""
    attack: str = ""
    game: Game | None = None
    knowledge: Knowledge | None = None
    used: int = 0
    strangers: int = 0
    at_or_above: int | None = None
    p_value: float | None = None
    stands_out: bool | None = None
    known: bool = False
    detected: Share | None = None
