"""Differentially private SGD.

What it tests:
How far its protection holds. Any attack on the trained network is bounded by ε: at a false positive rate f the true
positive rate is at most e^ε f + δ, for one image, or with `unit=person` for all images of one person. It covers
backbone and head.

What the attacker needs:
The released backbone and its head. They know the defence, and train a shadow backbone with it.

How it works:
Clips the gradient of every image (or of every person's images together) to a length, adds Gaussian noise to their sum
before each step, and draws each batch at random (Poisson sampling). Normalises with GroupNorm, since BatchNorm mixes
the images of a batch. May learn from public people first. The spent ε is accounted with Rényi differential privacy.

Known limits:
A network of this size on so few images learns little under a small ε, beyond what it knew from public people. A large ε
proves nothing, though the noise may still help; compare the bound that the audit measures. How many people there are is
taken as public, and with `unit=person` the row of a person in the head is not hidden: the head must not be released.

Reference:
Abadi et al., CCS 2016, arXiv 1607.00133; McMahan et al., ICLR 2018, arXiv 1710.06963, for people as units; De et al.,
arXiv 2204.13650, for pretraining; the accountant is Opacus' (Mironov et al., arXiv 1908.10530).
"""

import warnings
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from bareface.errors import UsageError
from bareface.settings.recipe import Recipe
from bareface.streams import stream
from bareface.training.defence import PARAMETERS, Public, TrainingDefence
from bareface.training.defences.group_norm import with_group_norm
from bareface.training.learner import Learner, Lesson
from bareface.training.pretraining import pretrained
from bareface.training.private import clipped_sum


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class DpSgd(TrainingDefence):
    """Clipped and noisy gradients.

    Attributes:
        noise: standard deviation of the noise on the sum of gradients, in clipping lengths.
        clip: length that gradients are clipped to.
        unit: what is protected: an `image`, or a `person` with all images.
        delta: of (ε, δ).
        batch: units in a batch on average.
        learning_rate: at its highest.
        pretraining: epochs on public people before, as a share of the recipe's; they cost no privacy.
        pretraining_rate: the learning rate of those.
    """

    name: ClassVar[str] = "dp-sgd"
    tried: ClassVar[tuple[str, ...]] = ("noise=0.05", "noise=1.5", "pretraining=1.0,learning_rate=0.005")
    """For recognition, for privacy, and for both with help of the public."""

    noise: Annotated[float, Field(gt=0)] = 1.5
    clip: Annotated[float, Field(gt=0)] = 1.0
    unit: Literal["image", "person"] = "image"
    delta: Annotated[float, Field(gt=0, lt=1)] = 1e-3
    batch: Annotated[int, Field(ge=2)] = 64
    learning_rate: Annotated[float, Field(gt=0)] = 0.5
    pretraining: Annotated[float, Field(ge=0, le=10)] = 0.0
    pretraining_rate: Annotated[float, Field(gt=0)] = 0.02

    def recipe(self, recipe: Recipe) -> Recipe:
        """The settings to train with."""
        return replace(recipe, batch_size=self.batch, learning_rate=self.learning_rate)

    def backbone(self, module: nn.Module, recipe: Recipe, public: Public) -> nn.Module:
        """The backbone with GroupNorm, since one image's gradient must hang on that image alone; perhaps pretrained."""
        own = with_group_norm(module, recipe.architecture)
        if not self.pretraining:
            return own
        return pretrained(own, replace(recipe, learning_rate=self.pretraining_rate), public, self.pretraining)

    def batches(self, labels: NDArray[np.int64], recipe: Recipe, epoch: int) -> list[NDArray[np.intp]]:
        """Row numbers of every step: each unit is in it with the same probability, whatever the others are."""
        unit, rng = self._units(labels), stream(recipe.seed, "poisson", epoch)
        share, steps = self._rate(unit)
        return [np.flatnonzero((rng.random(int(unit.max()) + 1) < share)[unit]) for _ in range(steps)]

    def lesson(self, recipe: Recipe, epoch: int) -> Lesson:
        """Gradients are clipped for each unit, summed, made noisy, and divided by the usual number of units."""

        def learn(learner: Learner, pixels: Tensor, labels: Tensor) -> tuple[float, int]:
            told = clipped_sum(learner, pixels, labels, self.unit, self.clip)
            for name, parameter in learner.parameters().items():
                noise = self.noise * self.clip * torch.randn_like(parameter)
                parameter.grad = (told.gradients[name] + noise) / self.batch
            return told.loss, told.hits

        return learn

    def guarantee(self, labels: NDArray[np.int64], recipe: Recipe) -> dict[str, float]:
        """ε at δ of the whole run.

        Raises:
            UsageError: Opacus is not installed.
        """
        share, steps = self._rate(self._units(labels))
        return {"epsilon": spent(self.noise, share, steps * recipe.epochs, self.delta), "delta": self.delta}

    def _units(self, labels: NDArray[np.int64]) -> NDArray[np.int64]:
        return labels if self.unit == "person" else np.arange(len(labels), dtype=np.int64)

    def _rate(self, unit: NDArray[np.int64]) -> tuple[float, int]:
        """The probability of a unit to be in a batch, and the steps of an epoch."""
        share = min(1.0, self.batch / (int(unit.max()) + 1))
        return share, max(1, round(1 / share))


def spent(noise: float, share: float, steps: int, delta: float) -> float:
    """ε at δ after so many steps of the subsampled Gaussian mechanism.

    Args:
        noise: standard deviation in clipping lengths.
        share: probability of a unit to be in a batch.
        steps: how many.
        delta: δ.

    Raises:
        UsageError: Opacus is not installed.
    """
    try:
        from opacus.accountants import RDPAccountant
    except ImportError as error:
        hint = 'pip install "bareface[dp]"'
        raise UsageError("dp-sgd", got="no Opacus", expected="its accountant", hint=hint) from error
    accountant = RDPAccountant()
    accountant.history = [(noise, share, steps)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a wider range of orders might be tighter
        return float(accountant.get_epsilon(delta=delta))
