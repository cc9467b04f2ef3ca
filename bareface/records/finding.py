"""Records of findings: what one attack found, and what an audit would have said of a leak that is there."""

from typing import Literal

from pydantic import Field

from bareface.records.measurement import Control, Direction, Matched, Measurement
from bareface.records.record import Record
from bareface.vocabulary import GAMES, Access, Game, InvalidCause, Knowledge, Unit, Verdict


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
        told = self.asked if self.matched is None else self.matched
        return None if told is None else told.smallest_effect

    @property
    def reach(self) -> float:
        """The lower end of the AUC's interval, by which the most telling finding is known; 0 where there is none."""
        interval = self.rests_on.auc_interval if self.rests_on else None
        return interval.low if interval else 0.0


def apart_from_head(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings that count: those without the head, which a deployed backbone does not carry.

    The others are the ceiling beside them; they count only where nothing else was asked.
    """
    return tuple(one for one in findings if one.access != "head") or findings


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
