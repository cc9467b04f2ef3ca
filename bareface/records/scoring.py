"""The record of a scoring: which attacks of a finished audit were applied to how many images, and what stood out.

`scoring.json` in the folder of the scores is one `ScoringRecord`; the scores lie beside it.
"""

from pathlib import Path

from bareface.records.record import Record, write_record
from bareface.vocabulary import Game, Knowledge, Verdict

SCORING_FILE = "scoring.json"


class AtRate(Record):
    """How many of those scored stand out at a false positive rate; about rate times all of them would by chance.

    reachable: whether there are strangers enough that anybody could.
    """

    fpr: float
    count: int
    reachable: bool


class AppliedAttack(Record):
    """An attack that showed a leak, applied to images or to people.

    scored: how many got a score; unscored: how many did not, since they had too few photos, or the attack said nothing.
    strangers: how many images, or people, of the audit that were never trained on the rates come from.
    in_audit: how many of those scored were in the audit, and were judged by models that were fitted without them.
    """

    attack: str
    game: Game
    knowledge: Knowledge
    auc: float
    scored: int
    unscored: int
    in_audit: int
    strangers: int
    standing_out: tuple[AtRate, ...]


class ScoringRecord(Record):
    """What was scored with what.

    title, verdict: of the audit. images, people, rejected: how many were brought, and how many images cannot be used.
    by_image, by_person: the attacks; None where no attack that can be asked so showed a leak.
    parts: how many part files of each kind there are.
    """

    schema_version: str = "1.0"
    title: str
    verdict: Verdict
    images: int
    people: int
    rejected: int
    by_image: AppliedAttack | None
    by_person: AppliedAttack | None
    parts: int


def write_scoring(record: ScoringRecord, folder: Path) -> None:
    """Write `scoring.json`, whole or not at all."""
    write_record(record, folder / SCORING_FILE)
