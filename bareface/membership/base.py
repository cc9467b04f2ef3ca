"""What an attack is: parameters, what it needs, and one method from a trace to scores."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as checked_dataclass

from bareface.errors import Abstained
from bareface.membership.engine.attack_model import AttackModel, Shape, TrainingSet, fit
from bareface.registry import Plugin
from bareface.scores import Scores
from bareface.trace import HEAD_CHANNELS, Channel, Trace, access_to
from bareface.vocabulary import KNOWLEDGE, Access, Knowledge

Beside = Literal["references", "gallery", "trained"]
Features = NDArray[np.float64]

PARAMETERS = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True)
class Labelled:
    """Images whose membership the attacker knows, and what a model answered about them.

    Attributes:
        trace: n answers of the target itself (partial and nonmembers knowledge) or of a shadow (shadow knowledge).
        member: (n,) whether that model was trained on the image; with nonmembers knowledge, whether the image is one
            of those in question: its membership is not known, while the others are known not to be members.
        person: (n,) numbers of people; None where everybody has one photo set.
    """

    trace: Trace
    member: NDArray[np.bool_]
    person: NDArray[np.int64] | None = None

    @property
    def people(self) -> NDArray[np.int64]:
        """(n,) numbers of people."""
        return self.trace.photo_set if self.person is None else self.person


@dataclass(frozen=True)
class AttackerKnowledge:
    """All that the attacker knows.

    Attributes:
        knowledge: `partial`: some true members of the target, other people than those to be judged;
            `shadow`: no member of the target, but models of the same kind that the attacker trained;
            `nonmembers`: no member and no such model, but people who are known not to be in the target's training.
            What tells the images in question from theirs tells members from non-members (Elkan and Noto,
            KDD 2008, with the sides exchanged): the more of those in question are members, the better.
        labelled: one entry for the target itself, or one for each shadow.
    """

    knowledge: Knowledge
    labelled: tuple[Labelled, ...]


class Attack(Plugin, ABC):
    """An abstract attack. A final one is a frozen dataclass with a name, its needs, and one method."""

    needs: ClassVar[frozenset[Channel]]
    uses: ClassVar[frozenset[Channel]] = frozenset()
    """What it reads besides, where the target gives it."""
    beside: ClassVar[frozenset[Beside]] = frozenset()
    """What it looks at beside the model's own answers, where the trace has it."""
    learns: ClassVar[bool] = True
    """Whether it is fitted on what is known; otherwise it says the same with every prior knowledge."""
    useless: ClassVar[frozenset[Knowledge]] = frozenset()
    """Prior knowledge from which it learns nothing, as its page explains; it abstains."""

    @abstractmethod
    def score(self, trace: Trace, known: AttackerKnowledge, rng: np.random.Generator) -> Scores:
        """Scores of the images of a trace; higher = more likely a member, NaN = no answer.

        Raises:
            Abstained: the trace lacks a channel that the attack needs.
        """

    def reads(self) -> frozenset[Channel]:
        """The channels that it reads with these parameters, where the target gives them."""
        return self.needs | self.uses

    @final
    def access(self, given: Collection[Channel] | None = None) -> Access:
        """What the attacker must reach of a target that gives these channels; None = of one that gives all."""
        read = self.reads()
        return access_to(read if given is None else read & (self.needs | set(given)))

    @property
    def photos(self) -> int:
        """How many photos of one person a score is made of: its parameter `k`, where it has one."""
        return int(self.parameters().get("k", 1))

    def in_scope(self, trace: Trace) -> NDArray[np.bool_]:
        """(n,) which images the attack is about; the others are counted, not judged. All of them, unless overridden."""
        return np.ones(len(trace), dtype=bool)

    def unfitted(self, trace: Trace) -> NDArray[np.float64] | None:
        """(n,) the signal before anything is fitted, larger where memory would make it larger; None: no such sign.

        A fit on labelled people turns a signal whichever way the labels want it, so exchanged sides look like a leak;
        this says which way it pointed.
        """
        return None


@checked_dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class FeatureAttack(Attack):
    """An abstract attack that turns each image into a few numbers and fits an attack model on what is known.

    Attributes:
        model: `logistic` is one fully connected layer and a sigmoid (the paper's); `mlp` has one hidden layer.
        penalty: strength of the L2 penalty on the attack model's weights.
    """

    by_itself: ClassVar[bool] = True
    """Whether the features of an image depend on nothing but the answers about it; False where photos are compared."""
    memory: ClassVar[Literal[-1, 0, 1]] = 0
    """What memory does to the features: makes them all larger (1) or smaller (-1); 0: that depends."""

    model: Shape = "logistic"
    penalty: Annotated[float, Field(gt=0)] = 1.0

    @abstractmethod
    def features(self, trace: Trace) -> Features:
        """(n, f) numbers of each image; NaN where there are none.

        Where all of it is written over `bareface.membership.engine.arrays`, stage 2 can move an image along them:
        then the channels are tensors (n, ...) with gradients.
        """

    @final
    def fit(self, known: AttackerKnowledge, rng: np.random.Generator) -> AttackModel:
        """The attack model fitted on what is known, as data.

        Raises:
            Abstained: one side only is known, or what is known is of no use to this attack.
        """
        if known.knowledge in self.useless:
            others = sorted(set(KNOWLEDGE) - self.useless)
            raise Abstained(self.name, got=f"{known.knowledge} knowledge", expected=f"{' or '.join(others)} knowledge")
        lessons = [TrainingSet(self._features(one.trace), one.member) for one in known.labelled]
        return self.learn(lessons, [one.people for one in known.labelled], rng)

    def learn(
        self, lessons: Sequence[TrainingSet], people: Sequence[NDArray[np.int64]], rng: np.random.Generator
    ) -> AttackModel:
        """The attack model for lessons and the people on their images; as the parameters say, unless overridden."""
        return fit(lessons, shape=self.model, penalty=self.penalty, rng=rng)

    @final
    def score(self, trace: Trace, known: AttackerKnowledge, rng: np.random.Generator) -> Scores:
        """The attack model's logit for each image."""
        return self.judge(self.fit(known, rng), trace, known.knowledge)

    @final
    def judge(self, model: AttackModel, trace: Trace, knowledge: Knowledge) -> Scores:
        """The logit of a model that was fitted before."""
        features = self._features(trace)
        return Scores(self._settled(model, features, knowledge).logit(features))

    @final
    def settled(self, model: AttackModel, pool: Trace, knowledge: Knowledge) -> AttackModel:
        """The model as it judges the images of a pool; it then judges any others against that pool (`logits`)."""
        return self._settled(model, self._features(pool), knowledge)

    @final
    def logits(self, model: AttackModel, trace: Trace) -> Scores:
        """The logit of a model that was settled before."""
        return Scores(model.logit(self._features(trace)))

    def _settled(self, model: AttackModel, features: Features, knowledge: Knowledge) -> AttackModel:
        if features.shape[1] != len(model.used):
            raise Abstained(
                self.name,
                got=f"{features.shape[1]} numbers an image from the target and {len(model.used)} from the shadows",
                expected="as many: shadows of the target's architecture",
            )
        if knowledge == "shadow":
            # Distances of two networks differ in scale; each pool is measured against itself.
            return model.standardised_by(features)
        return model

    @final
    def unfitted(self, trace: Trace) -> NDArray[np.float64] | None:
        """(n,) the mean of the standardised features with the sign of `memory`; NaN where a feature is unknown."""
        if not self.memory:
            return None
        features = self._features(trace)
        known = features[~np.isnan(features).any(1)]
        if not len(known):
            return None
        scale = known.std(0)
        mean: NDArray[np.float64] = ((features - known.mean(0)) / np.where(scale > 0, scale, 1.0)).mean(1)
        return self.memory * mean

    @final
    def _features(self, trace: Trace) -> Features:
        require(self, trace)
        return self.features(trace)


def require(attack: Attack, trace: Trace) -> None:
    """Check that a trace has the channels that an attack needs.

    Raises:
        Abstained: one is missing.
    """
    check_channels(attack.name, attack.needs, trace)


def check_channels(name: str, needs: frozenset[Channel], trace: Trace, whose: str = "target") -> None:
    """Check that the trace of `whose` answers has the channels that something called `name` needs.

    Raises:
        Abstained: one is missing.
    """
    missing = sorted(needs - set(trace.channels))
    if missing:
        raise Abstained(
            name,
            got=f"a {whose} that gives no {missing[0].replace('_', ' ')}",
            expected=_WHERE_FROM.get(missing[0], "that channel"),
        )


UNITS_PER_NUMBER = 10


def refuse_few_units(name: str, numbers: int, units: int, what: str) -> None:
    """Check that there are ten units for each number that is fitted without a penalty; fewer fit noise.

    Args:
        name: of the attack.
        numbers: how many are fitted.
        units: how many independent images, sets or people they are fitted to.
        what: those units in words.

    Raises:
        Abstained: with the number that is needed.
    """
    needed = UNITS_PER_NUMBER * numbers
    if units < needed:
        raise Abstained(
            name,
            got=f"{units} {what} to fit {numbers} numbers on",
            expected=f"{needed} at least, ten for each number",
        )


_WHERE_FROM = {
    Channel.BN_DISTANCE: "BatchNorm layers with running statistics",
    Channel.BN_DISTANCE_VARIANCE: "BatchNorm layers with running statistics",
    Channel.BN_LOGVAR: "BatchNorm layers with running statistics",
    Channel.BN_LOGVAR_SQUARED: "BatchNorm layers with running statistics",
    Channel.BN_VARIANCE: "BatchNorm layers with running statistics",
    Channel.POOLED: "BatchNorm layers with running statistics",
    Channel.LAYER_AGREEMENT: "BatchNorm layers with running statistics",
    **dict.fromkeys((Channel.VIEW_COSINES, Channel.VIEW_NORM), "a target that can be asked about altered pictures"),
    **dict.fromkeys(
        (Channel.GRADIENT_NORM, Channel.MARGIN_GRADIENT), "a backbone in torch, with weights to differentiate by"
    ),
    Channel.ESTIMATED_DISTANCE: "convolutions and linear maps to look into, and estimated statistics of them",
    **dict.fromkeys(HEAD_CHANNELS, "the classification head beside the backbone"),
}
