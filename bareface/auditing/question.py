"""What an audit is asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from bareface.config import (
    DEFAULT_ATTACKS,
    MAX_SHARED_RATE,
    AttackConfig,
    AuditConfig,
    Gate,
    ReferenceConfig,
    ShadowConfig,
)
from bareface.errors import UsageError
from bareface.membership import attack_class
from bareface.membership.base import Attack
from bareface.untrusted.shown import gist
from bareface.vocabulary import AssignmentWay, Game, Knowledge

Progress = Callable[[str, int, int], None]


def silent(stage: str, done: int, total: int) -> None:
    """A progress report that nobody reads."""


@dataclass(frozen=True)
class Question:
    """Everything that is asked of an audit, apart from the target and the people.

    Attributes:
        attacks: with their parameters.
        games: None = all that the roster allows.
        shadow: how shadows are trained; None = no shadow knowledge.
        foreign: reference to a backbone that never saw the members; None = the first shadow, or an untrained copy.
        knowledge: settings of prior knowledge; None = partial, and shadow where shadows are trained.
        seed: root of every random stream.
        folds: for partial knowledge.
        batch_size: images in one forward pass, each with its mirror image; None = as many as suit their size.
        max_reject_rate: more unusable images than this share are refused.
        max_shared_rate: more images than this share in two roles are refused; fewer are left out.
        trained_references: how references are trained that saw a part of the images in question; None = there are none.
        assignment: how membership came about: `randomised` where lots were drawn before training, else `observational`;
            None = randomised where there is a seal.
        selfcheck: what follows if the target is not fed as in training; it changes no number, so a run folder may be
            gone on with under another one.
    """

    attacks: tuple[Attack, ...] = field(default_factory=lambda: make_attacks(DEFAULT_ATTACKS))
    games: tuple[Game, ...] | None = None
    shadow: ShadowConfig | None = None
    foreign: str | None = None
    knowledge: tuple[Knowledge, ...] | None = None
    seed: int = 7
    folds: int = 5
    batch_size: int | None = None
    max_reject_rate: float = 0.01
    title: str = "audit"
    selfcheck: Gate = "refuse"
    max_shared_rate: float = MAX_SHARED_RATE
    trained_references: ReferenceConfig | None = None
    assignment: AssignmentWay | None = None

    def __post_init__(self) -> None:
        if self.shadow is None and "shadow" in (self.knowledge or ()):
            raise UsageError(
                "knowledge", got="shadow, but no shadow settings", expected="how to train shadows", hint="shadow: {}"
            )

    @property
    def knowledges(self) -> tuple[Knowledge, ...]:
        """The settings of prior knowledge that are played."""
        if self.knowledge is not None:
            return tuple(dict.fromkeys(self.knowledge))
        return ("partial", "shadow") if self.shadow is not None else ("partial",)

    def settings(self) -> dict[str, Any]:
        """All of it as plain values, for the run folder."""
        plain = {name: getattr(self, name) for name in ("foreign", "seed", "folds", "batch_size", "title")}
        attacks = [{"name": attack.name, **attack.parameters()} for attack in self.attacks]
        shadow = None if self.shadow is None else self.shadow.model_dump(mode="json")
        games = None if self.games is None else list(self.games)
        if self.knowledge is not None:
            plain["knowledge"] = list(self.knowledge)
        if self.max_shared_rate != MAX_SHARED_RATE:
            plain["max_shared_rate"] = self.max_shared_rate
        if self.assignment is not None:
            plain["assignment"] = self.assignment
        if self.trained_references is not None:
            plain["trained_references"] = self.trained_references.model_dump(mode="json")
        return plain | {
            "attacks": attacks,
            "games": games,
            "shadow": shadow,
            "max_reject_rate": self.max_reject_rate,
        }


def question_of(config: AuditConfig) -> Question:
    """The question that a configuration states."""
    return Question(
        make_attacks(config.attacks),
        config.games,
        config.shadow,
        config.foreign,
        config.knowledge,
        config.seed,
        config.folds,
        config.batch_size,
        config.max_reject_rate,
        config.title,
        config.selfcheck,
        config.max_shared_rate,
        config.trained_references,
        config.assignment,
    )


def make_attacks(configs: Sequence[AttackConfig]) -> tuple[Attack, ...]:
    """The attacks that a configuration lists.

    Raises:
        UsageError: an attack is unknown, or a parameter is unknown or out of range.
    """
    return tuple(_make(config) for config in configs)


def _make(config: AttackConfig) -> Attack:
    attack = attack_class(config.name)
    try:
        return attack(**config.parameters)
    except ValidationError as error:
        first = error.errors()[0]
        parameter = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"attack {config.name}, parameter {parameter}",
            got=gist(first["input"]),
            expected=first["msg"][:1].lower() + first["msg"][1:],
            hint=f"bareface attacks {config.name}",
        ) from error
