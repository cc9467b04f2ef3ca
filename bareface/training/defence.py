"""What a defence is: a change of training, of the backbone before release, or of what is answered."""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict
from torch import nn

from bareface.faces.source import Images
from bareface.settings.recipe import Recipe
from bareface.targets.target import Target
from bareface.training.batches import epoch_batches
from bareface.training.learner import Lesson, cross_entropy

Sort = Literal["training", "release", "answer"]
Reach = Literal["head", "statistics", "weights", "answers"]
Fact = str | int | float | bool

PARAMETERS = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True)
class Public:
    """Faces of people whose membership nobody asks for.

    Attributes:
        images: n images of the size that the backbone takes.
        labels: (n,) person of each image, 0..people-1, each used.
    """

    images: Images
    labels: NDArray[np.int64]


class Defence(ABC):
    """An abstract defence. A final one is a frozen dataclass with a name and what it changes.

    Attributes:
        sort: what is changed: `training`, the backbone before `release`, or what is answered.
        reach: what the defence is defined on: the `head` (its loss, its answers, its release), the running
            `statistics`, the `weights`, or the `answers` of a service that keeps the weights. A loss on the head is
            felt in the backbone, too; how far is for the bench to say.
        releases_head: whether the head comes along (for the attacks with a head, the ceiling).
    """

    name: ClassVar[str]
    sort: ClassVar[Sort]
    reach: ClassVar[Reach]
    releases_head: ClassVar[bool]

    def parameters(self) -> dict[str, Fact]:
        """The parameters by name."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]

    def title(self) -> str:
        """The name with the parameters that were changed, as in `dp-sgd (noise=4.0)`."""
        usual = type(self)().parameters()
        changed = [f"{key}={value}" for key, value in self.parameters().items() if usual[key] != value]
        return f"{self.name} ({', '.join(changed)})" if changed else self.name


class TrainingDefence(Defence):
    """An abstract change of training; what a final one does not override stays as usual."""

    sort: ClassVar[Sort] = "training"
    reach: ClassVar[Reach] = "weights"
    releases_head: ClassVar[bool] = True

    def recipe(self, recipe: Recipe) -> Recipe:
        """The settings to train with."""
        return recipe

    def backbone(self, module: nn.Module, recipe: Recipe, public: Public) -> nn.Module:
        """The backbone to start from, made of a freshly drawn one."""
        return module

    def batches(self, labels: NDArray[np.int64], recipe: Recipe, epoch: int) -> list[NDArray[np.intp]]:
        """Row numbers of every step of an epoch, from 1."""
        return epoch_batches(len(labels), recipe, epoch)

    def lesson(self, recipe: Recipe, epoch: int) -> Lesson:
        """Where the gradients of an epoch come from."""
        return cross_entropy

    def last_epoch(self, recipe: Recipe) -> int:
        """After which epoch training ends."""
        return recipe.epochs

    def guarantee(self, labels: NDArray[np.int64], recipe: Recipe) -> dict[str, float]:
        """What is proven about a run on these labels, in numbers; nothing for most."""
        return {}


class ReleaseDefence(Defence):
    """An abstract change of the trained backbone before it is released, without its head."""

    sort: ClassVar[Sort] = "release"
    releases_head: ClassVar[bool] = False

    @abstractmethod
    def released(self, target: Target, public: Public, seed: int) -> Target:
        """The target that is released; the one that was trained is left untouched."""


class AnswerDefence(Defence):
    """An abstract change of what a service answers; the weights never leave it."""

    sort: ClassVar[Sort] = "answer"
    reach: ClassVar[Reach] = "answers"

    @abstractmethod
    def answering(self, target: Target, seed: int) -> Target:
        """The target as its users meet it."""

    def asked(self, target: Target) -> Target:
        """An answering target as somebody asks it who knows the defence."""
        return target
