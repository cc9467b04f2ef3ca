"""What a defence is: a change of training, of the backbone before release, or of what is answered."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, final

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict
from torch import nn

from bareface.faces.source import Images
from bareface.registry import Plugin
from bareface.settings.recipe import Recipe
from bareface.targets.target import Target
from bareface.training.batches import epoch_batches
from bareface.training.learner import Lesson, cross_entropy

Sort = Literal["training", "release", "answer"]
Reach = Literal["head", "statistics", "weights", "answers"]

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


class Trainer(Protocol):
    """Trains the backbones of a trial, and keeps them."""

    @property
    def public(self) -> Public:
        """Faces of people whom nobody asks for."""

    def undefended(self, name: str) -> Target:
        """The target, or the shadow, as training without a defence leaves it."""

    def defended(self, name: str, defence: "TrainingDefence") -> Target:
        """The same people and recipe, trained with a defence."""


class Defence(Plugin, ABC):
    """An abstract defence. A final one is a frozen dataclass with a name and what it changes.

    Attributes:
        sort: what is changed: `training`, the backbone before `release`, or what is answered.
        reach: what the defence is defined on: the `head` (its loss, its answers, its release), the running
            `statistics`, the `weights`, or the `answers` of a service that keeps the weights. A loss on the head is
            felt in the backbone, too; how far is for the bench to say.
        releases_head: whether the head comes along (for the attacks with a head, the ceiling).
    """

    sort: ClassVar[Sort]
    reach: ClassVar[Reach]
    releases_head: ClassVar[bool]
    tried: ClassVar[tuple[str, ...]] = ("",)
    """The parameters under which the bench tries it, each as in `noise=4.0,unit=person`."""

    @abstractmethod
    def met(self, trainer: "Trainer", name: str, seed: int) -> Target:
        """The target, or the shadow, as its users meet it under this defence.

        Args:
            trainer: trains and keeps backbones.
            name: `target` or `shadow`.
            seed: of what the defence draws.
        """

    def asked(self, target: Target) -> Target:
        """That target as somebody asks it who knows the defence; as it is, unless overridden."""
        return target

    def recipe(self, recipe: Recipe) -> Recipe:
        """The settings to train with; as they are, unless overridden."""
        return recipe

    def guarantee(self, labels: NDArray[np.int64], recipe: Recipe) -> dict[str, float]:
        """What is proven about a training run on these labels, in numbers; nothing for most."""
        return {}


class TrainingDefence(Defence):
    """An abstract change of training; what a final one does not override stays as usual."""

    sort: ClassVar[Sort] = "training"
    reach: ClassVar[Reach] = "weights"
    releases_head: ClassVar[bool] = True

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

    @final
    def met(self, trainer: Trainer, name: str, seed: int) -> Target:
        """The backbone that was trained so."""
        return trainer.defended(name, self)


class ReleaseDefence(Defence):
    """An abstract change of the trained backbone before it is released, without its head."""

    sort: ClassVar[Sort] = "release"
    releases_head: ClassVar[bool] = False

    @abstractmethod
    def released(self, target: Target, public: Public, seed: int) -> Target:
        """The target that is released; the one that was trained is left untouched."""

    @final
    def met(self, trainer: Trainer, name: str, seed: int) -> Target:
        """What is released."""
        return self.released(trainer.undefended(name), trainer.public, seed)


class AnswerDefence(Defence):
    """An abstract change of what a service answers; the weights never leave it."""

    sort: ClassVar[Sort] = "answer"
    reach: ClassVar[Reach] = "answers"

    @abstractmethod
    def answering(self, target: Target, seed: int) -> Target:
        """The target as its users meet it."""

    @final
    def met(self, trainer: Trainer, name: str, seed: int) -> Target:
        """What answers."""
        return self.answering(trainer.undefended(name), seed)
