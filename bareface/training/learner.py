"""A backbone, its head and their optimiser: everything that training changes."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bareface.settings.recipe import Recipe
from bareface.streams import seed_for
from bareface.targets.build import build
from bareface.training.heads import ArcFace, CosFace, MarginHead

Lesson = Callable[["Learner", Tensor, Tensor], tuple[float, int]]
"""What a learner makes of normalised pixels and labels: gradients in place, and the mean loss and the hits of them."""

HEADS: dict[str, type[ArcFace] | type[CosFace]] = {"arcface": ArcFace, "cosface": CosFace}


@dataclass(frozen=True)
class Learner:
    """The state of a training run; `step` changes it in place.

    Attributes:
        backbone: in training mode.
        head: the classification layer.
        optimiser: SGD over both.
    """

    backbone: nn.Module
    head: MarginHead
    optimiser: torch.optim.SGD

    def step(
        self, pixels: Tensor, labels: Tensor, learning_rate: float, seed: int, lesson: "Lesson | None" = None
    ) -> tuple[float, int]:
        """One step of SGD on (n, channels, h, w) normalised pixels and (n,) int64 labels; dropout draws from `seed`.

        Args:
            lesson: where the gradients come from; None = cross entropy of the head's logits.

        Returns:
            The mean loss, and for how many images the nearest centre was their own, both before the step.
        """
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate
        pixels, labels = pixels.to(self.device, memory_format=torch.channels_last), labels.to(self.device)
        self.optimiser.zero_grad()
        with _seeded(seed, self.device):
            told = (lesson or cross_entropy)(self, pixels, labels)
        self.optimiser.step()
        return told

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.head.weight.device

    def tensors(self) -> dict[str, Tensor]:
        """Weights, buffers and momenta by name; the tensors themselves, not copies."""
        momenta = {
            f"momentum.{name}": self.optimiser.state[parameter]["momentum_buffer"]
            for name, parameter in self.parameters().items()
            if "momentum_buffer" in self.optimiser.state[parameter]
        }
        return self._weights() | momenta

    @torch.no_grad()
    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take over what `tensors` returned in another process.

        Raises:
            KeyError: a weight is missing.
        """
        for name, value in self._weights().items():
            value.copy_(tensors[name])
        for name, parameter in self.parameters().items():
            if f"momentum.{name}" in tensors:
                buffer = torch.empty_like(parameter).copy_(tensors[f"momentum.{name}"])
                self.optimiser.state[parameter]["momentum_buffer"] = buffer

    def _weights(self) -> dict[str, Tensor]:
        parts = {"backbone": self.backbone, "head": self.head}
        return {f"{p}.{name}": value for p, part in parts.items() for name, value in part.state_dict().items()}

    def parameters(self) -> dict[str, nn.Parameter]:
        """What is learnt, by name, `backbone.` or `head.` before it."""
        parts = {"backbone": self.backbone, "head": self.head}
        return {f"{p}.{name}": value for p, part in parts.items() for name, value in part.named_parameters()}


def cross_entropy(learner: Learner, pixels: Tensor, labels: Tensor) -> tuple[float, int]:
    """The usual lesson: gradients of the mean cross entropy of the head's logits."""
    cosines = learner.head.cosines(learner.backbone(pixels))
    return learn_from(F.cross_entropy(learner.head.logits(cosines, labels), labels), cosines, labels)


def learn_from(loss: Tensor, cosines: Tensor, labels: Tensor) -> tuple[float, int]:
    """Send a loss back; returns it, and for how many images the nearest centre was their own."""
    loss.backward()  # type: ignore[no-untyped-call]
    return loss.item(), int((cosines.argmax(1) == labels).sum())


def fresh_learner(recipe: Recipe, identities: int, device: torch.device) -> Learner:
    """A learner whose random weights hang on the seed alone."""
    with _seeded(seed_for(recipe.seed, "weights"), torch.device("cpu")):
        backbone = build(recipe.architecture, spec=recipe.spec, embedding_size=recipe.embedding_size)
        head = _head(recipe, identities)
    return _assembled(backbone, head, recipe, device)


def learner_of(backbone: nn.Module, recipe: Recipe, identities: int, device: torch.device) -> Learner:
    """A learner that goes on from the weights of a backbone, with a fresh head."""
    with _seeded(seed_for(recipe.seed, "head"), torch.device("cpu")):
        head = _head(recipe, identities)
    return _assembled(backbone, head, recipe, device)


def fresh_backbone(recipe: Recipe) -> nn.Module:
    """The backbone that `fresh_learner` starts from."""
    with _seeded(seed_for(recipe.seed, "weights"), torch.device("cpu")):
        return build(recipe.architecture, spec=recipe.spec, embedding_size=recipe.embedding_size)


def learning_rate(recipe: Recipe, step: int, steps_per_epoch: int) -> float:
    """The rate of a step, counted from 0 over all epochs: a linear rise, then half a cosine down to zero."""
    rise, total = recipe.warmup_epochs * steps_per_epoch, recipe.epochs * steps_per_epoch
    if step < rise:
        return recipe.learning_rate * (step + 1) / rise
    return recipe.learning_rate * (1 + math.cos(math.pi * (step - rise) / (total - rise))) / 2


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Torch's global generators start at `seed` inside, and are what they were afterwards."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def _head(recipe: Recipe, identities: int) -> MarginHead:
    return HEADS[recipe.head](identities, recipe.embedding_size, scale=recipe.scale, margin=recipe.margin)


def _assembled(backbone: nn.Module, head: MarginHead, recipe: Recipe, device: torch.device) -> Learner:
    # A quarter faster on a CPU than the default layout.
    backbone = backbone.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    return Learner(backbone, head.to(device), _sgd(backbone, head, recipe))


def _sgd(backbone: nn.Module, head: nn.Module, recipe: Recipe) -> torch.optim.SGD:
    parameters = [*backbone.parameters(), *head.parameters()]
    # Normalisation, PReLU and bias weights are vectors. Sparing them is customary; arcface_torch decays them too.
    matrices = [p for p in parameters if p.ndim > 1]
    vectors = [p for p in parameters if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": recipe.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=recipe.momentum)
