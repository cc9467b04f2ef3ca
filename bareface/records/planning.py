"""The record of a plan: what an audit would take on this machine, and the smallest effect that it could show."""

from bareface.records.record import Record
from bareface.vocabulary import Game


class PlannedStage(Record):
    """One part of the work: how long it would take, and what that is made of."""

    stage: str
    seconds: float
    what: str


class PlannedAttack(Record):
    """What one attack costs in all games and with all prior knowledge; None where it could not be tried."""

    attack: str
    seconds: float | None
    why: str = ""


class Visible(Record):
    """The smallest AUC per person that a game could show; None where it has too few people for any.

    inside, outside: how many people stand on each side.
    """

    game: Game
    inside: int
    outside: int
    smallest_effect: float | None


class PlanRecord(Record):
    """A plan.

    images, people: that would be asked about. memory, disk: in bytes. advice: what to cut, and what that would cost.
    """

    schema_version: str = "1.0"
    title: str
    images: int
    people: int
    stages: tuple[PlannedStage, ...]
    attacks: tuple[PlannedAttack, ...]
    visible: tuple[Visible, ...]
    memory: int
    disk: int
    advice: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Of all stages together."""
        return sum(one.seconds for one in self.stages)
