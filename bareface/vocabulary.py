"""The words of an audit, each declared once: roles, games, prior knowledge, units, controls, verdicts.

Everything that is true of a game whatever the run stands in its entry of `GAMES`: who is compared with whom, what
decides, what it asks. A further game is one more name in `Game`, its entry, and its test; `auditing.games` sets it up.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal

Game = Literal["record", "person", "dataset"]
Knowledge = Literal["partial", "shadow", "nonmembers"]
Unit = Literal["image", "person"]
InvalidCause = Literal["reversed", "lots", "people", "control", "unseen"]
"""Why a comparison says nothing: signals point the other way; the lots do not hold; people cannot be matched; a control
tells as much; nothing that was run could have seen that people differ."""
ControlKind = Literal["blind", "who", "foreign", "bn-swap"]
AssignmentWay = Literal["randomised", "observational"]
FaceChoice = Literal["central", "largest"]
ExecutorKind = Literal["inline", "processes", "ray"]
"""Who does the work: this process, processes of this machine, those of a Ray cluster."""
Access = Literal["answers", "weights", "head"]


class Role(StrEnum):
    """Where an image stands in an audit."""

    MEMBER = "member"
    HELDOUT = "heldout"
    OUTSIDE = "outside"
    AUXILIARY = "auxiliary"
    PUBLIC = "public"


class Verdict(StrEnum):
    """What an audit may say. Never 'safe'."""

    LEAK_SHOWN = "LEAK SHOWN"
    NOT_SHOWN = "NOT SHOWN"
    INVALID = "INVALID"
    NOT_ESTIMABLE = "NOT ESTIMABLE"


def of_game(verdicts: Iterable[Verdict]) -> Verdict:
    """One verdict for the findings of a game: the first of invalid, leak shown, not shown; else not estimable."""
    seen = set(verdicts)
    order = (Verdict.INVALID, Verdict.LEAK_SHOWN, Verdict.NOT_SHOWN)
    return next((verdict for verdict in order if verdict in seen), Verdict.NOT_ESTIMABLE)


NOMINAL_FPRS = (0.1, 0.01, 0.001)
"""The false positive rates at which true positive rates are counted."""

CANDIDATES = (Role.MEMBER, Role.HELDOUT, Role.OUTSIDE)
"""The roles whose membership is in question, in one game or another."""


@dataclass(frozen=True)
class GameFacts:
    """What a game is, whatever the run.

    Attributes:
        inside, outside: the roles of its members and of its non-members.
        decides: the unit of its question; the measurement per that unit gives the verdict.
        question: what it asks, and what it compares, for a plain reader.
        found, accused: what an attacker finds, and whom one wrongly accuses, in a few plain words.
        same_people: both sides are photos of the same people, so that no difference between people can count, and
            nobody can be judged as a person.
    """

    inside: Role
    outside: Role
    decides: Unit
    question: str
    found: str
    accused: str
    same_people: bool = False

    @property
    def sides(self) -> tuple[Role, Role]:
        """The roles of members and of non-members."""
        return self.inside, self.outside


GAMES: Final[Mapping[Game, GameFacts]] = MappingProxyType({
    "record": GameFacts(
        Role.MEMBER, Role.HELDOUT, "image",
        "Was this very photo used? Training images against other, held-out images of the same people.",
        "training photos", "other photos of the same people",
        same_people=True,
    ),
    "person": GameFacts(
        Role.HELDOUT, Role.OUTSIDE, "person",
        "Was this person used? Unseen photos of training people against photos of people never trained on.",
        "training people (by unseen photos)", "people never trained on",
    ),
    "dataset": GameFacts(
        Role.MEMBER, Role.OUTSIDE, "image",
        "Do training images stand out at all? Training images against images of people never trained on, "
        "so that the photo and the person count together.",
        "training photos", "photos of people never trained on",
    ),
})  # fmt: skip
"""The games, in the order in which they are told."""

KNOWLEDGE: Final[Mapping[Knowledge, str]] = MappingProxyType({
    "partial": "The attacker holds part of the real training set; the attack is fitted on the target itself "
    "and judged on other people.",
    "shadow": "The attacker knows no real member; the attack is fitted on a shadow backbone trained on other images, "
    "then applied to the target.",
    "nonmembers": "The attacker knows no member and trains no model: the attack is fitted on what tells the images in "
    "question from those of people who are known not to be in training. This is what an outsider has.",
})  # fmt: skip
"""What the attacker knows before the attack, in the order in which it is told."""

ACCESS: Final[Mapping[Access, str]] = MappingProxyType({
    "answers": "the answers alone: embeddings of pictures that the attacker chooses, as a service gives them",
    "weights": "the weights: the file of the backbone, with its running statistics, what passes its layers, gradients",
    "head": "the classification layer of training, which a deployed backbone does not carry: the ceiling",
})  # fmt: skip
"""What an attacker must reach of the target, the least first."""

CONTROLS: Final[Mapping[ControlKind, str]] = MappingProxyType({
    "blind": "never touches the model; what it finds lies in the photos: size, sharpness, compression",
    "who": "pictures and a trained foreign network together: the most that anybody can tell without the target",
    "foreign": "the same attack on a backbone that never saw these members; it should stand at chance",
    "bn-swap": "the target with running statistics re-estimated on public faces: do the buffers leak?",
})  # fmt: skip
"""What stands beside every attack, in the order in which it is told."""
