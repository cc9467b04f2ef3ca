"""The two networks that play against each other, and one move of each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bareface.inversion.gan.augment import augment, next_p
from bareface.inversion.gan.lesson import apart, pass_through, shown
from bareface.inversion.gan.recipe import GanRecipe
from bareface.inversion.stylegan2.discriminator import Discriminator
from bareface.inversion.stylegan2.layers import NoiseMode
from bareface.inversion.stylegan2.network import StyleGAN2, initialise
from bareface.streams import seed_for

RAMP = 0.05  # the half-life of the moving average is at most this share of all images so far


@dataclass(frozen=True)
class Losses:
    """What one move of each player saw.

    Attributes:
        generator, discriminator: mean losses; a discriminator that does not play has 0.
        r1: mean squared gradient at real images; NaN at steps that skip it.
        real_sign: mean sign of the discriminator at real images, -1..1; near 1 it knows them by heart.
        lesson: mean distance from the renderer's photos; NaN without lessons.
    """

    generator: float
    discriminator: float
    r1: float
    real_sign: float
    lesson: float = float("nan")


class Players:
    """Generator, its moving average, discriminator, and the optimisers of both.

    Args:
        recipe: how they play.
        device: where; everything is drawn on the CPU, so that it is the same everywhere.
    """

    def __init__(self, recipe: GanRecipe, device: torch.device) -> None:
        self.recipe, self.device = recipe, device
        self.generator = initialise(StyleGAN2(recipe.config), seed_for(recipe.seed, "generator")).to(device)
        if recipe.taught:
            pass_through(self.generator)
        self.average = StyleGAN2(recipe.config).to(device).requires_grad_(False).eval()
        self.average.load_state_dict(self.generator.state_dict())
        self.discriminator = initialise(Discriminator(recipe.config), seed_for(recipe.seed, "discriminator")).to(device)
        self.augment_p, self.seen = 0.0, 0
        # Lazy regularisation takes one extra step in r1_every; the published correction keeps the effective rate.
        lazy = recipe.r1_every / (recipe.r1_every + 1)
        self.optimisers = {
            "generator": self._adam(self.generator, 1.0, recipe.momentum),
            "discriminator": self._adam(self.discriminator, lazy),
        }

    def step(self, real: Tensor | None, number: int) -> Losses:
        """One move of each; `number` counts from 0 and seeds every draw.

        Args:
            real: (n, c, r, r) images in [-1, 1]; None where the renderer teaches, whose photos they then are.
        """
        recipe, stream = self.recipe, torch.Generator().manual_seed(seed_for(self.recipe.seed, "step", number))
        z = torch.randn(recipe.batch_size if real is None else len(real), recipe.config.z_dim, generator=stream)
        photos = shown(z, recipe.config.resolution).to(self.device) if recipe.taught else None
        fake = self._fake(z, stream)
        discriminator, r1, sign = 0.0, float("nan"), 0.0
        if recipe.adversarial:
            against = augment(_either(photos, real), self.augment_p, stream)
            discriminator, sign = self._move_discriminator(against, augment(fake.detach(), self.augment_p, stream))
            r1 = self._regularise(against) if number % recipe.r1_every == 0 else float("nan")
            self._update("discriminator")
        # The same images once more, with their gradient: the generator has not changed since they were drawn.
        generator, lesson = self._move_generator(fake, photos, stream)
        self._follow(len(z))
        if recipe.adversarial and recipe.augment_target:
            self.augment_p = next_p(self.augment_p, sign, recipe.augment_target, len(z), recipe.augment_images)
        return Losses(generator, discriminator, r1, sign, lesson)

    def tensors(self) -> dict[str, Tensor]:
        """Everything that the next step depends on, by name."""
        networks = {"generator": self.generator, "average": self.average, "discriminator": self.discriminator}
        weights = {f"{player}.{k}": v for player, net in networks.items() for k, v in net.state_dict().items()}
        counters = {"augment_p": torch.tensor(self.augment_p, dtype=torch.float64), "seen": torch.tensor(self.seen)}
        return weights | dict(self._moments()) | counters

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Put back what `tensors` gave."""
        for player in ("generator", "average", "discriminator"):
            network: nn.Module = getattr(self, player)
            network.load_state_dict(
                {k.removeprefix(f"{player}."): v for k, v in tensors.items() if k.startswith(f"{player}.")}
            )
        for player, optimiser in self.optimisers.items():
            for name, parameter in self._network(player).named_parameters():
                prefix = f"adam.{player}.{name}:"
                state = {
                    k.removeprefix(prefix): v.to(self.device, copy=True)
                    for k, v in tensors.items()
                    if k.startswith(prefix)
                }
                if state:
                    optimiser.state[parameter] = state
        self.augment_p, self.seen = tensors["augment_p"].item(), int(tensors["seen"])

    def _fake(self, z: Tensor, stream: torch.Generator) -> Tensor:
        ws = self.generator.mapping.broadcast(self.generator.mapping(z.to(self.device)))
        noise: NoiseMode = "random" if self.recipe.noise else "none"
        images: Tensor = self.generator.synthesis(ws, noise=noise, generator=stream, dtype=self.recipe.dtype)
        return images

    def _move_discriminator(self, real: Tensor, fake: Tensor) -> tuple[float, float]:
        self.discriminator.requires_grad_(True)
        on_real, on_fake = (self.discriminator(images, self.recipe.dtype) for images in (real, fake))
        loss = F.softplus(-on_real).mean() + F.softplus(on_fake).mean()
        torch.autograd.backward(loss)
        return loss.item(), on_real.sign().mean().item()

    def _regularise(self, real: Tensor) -> float:
        """Lazy R1 (Mescheder et al., ICML 2018, equation 9)."""
        real = real.detach().requires_grad_(True)
        logits = self.discriminator(real, self.recipe.dtype)
        (slope,) = torch.autograd.grad(logits.sum(), real, create_graph=True)
        penalty = slope.square().sum((1, 2, 3)).mean()
        torch.autograd.backward(penalty * (self.recipe.r1 / 2 * self.recipe.r1_every))
        return penalty.item()

    def _move_generator(self, fake: Tensor, photos: Tensor | None, stream: torch.Generator) -> tuple[float, float]:
        self.discriminator.requires_grad_(False)
        loss, lesson = fake.new_zeros(()), fake.new_full((), float("nan"))
        if self.recipe.adversarial:
            seen = augment(fake, self.augment_p, stream)
            loss = F.softplus(-self.discriminator(seen, self.recipe.dtype)).mean() * self.recipe.adversarial
        if photos is not None:
            lesson = apart(fake, photos)
            loss = loss + lesson * self.recipe.taught
        torch.autograd.backward(loss)
        self._update("generator")
        return loss.item(), lesson.item()

    def _update(self, player: str) -> None:
        self.optimisers[player].step()
        self.optimisers[player].zero_grad()

    @torch.no_grad()
    def _follow(self, n: int) -> None:
        """Move the average towards the generator."""
        self.seen += n
        half_life = min(self.recipe.average_images, self.seen * RAMP)
        torch._foreach_lerp_(
            list(self.average.parameters()), list(self.generator.parameters()), 1 - 0.5 ** (n / half_life)
        )

    def _adam(self, network: nn.Module, lazy: float, momentum: float = 0.0) -> torch.optim.Adam:
        rate, betas = self.recipe.learning_rate * lazy, (momentum, 0.99**lazy)
        return torch.optim.Adam(network.parameters(), lr=rate, betas=betas, eps=1e-8, fused=True)

    def _network(self, player: str) -> nn.Module:
        return self.generator if player == "generator" else self.discriminator

    def _moments(self) -> Iterator[tuple[str, Tensor]]:
        for player, optimiser in self.optimisers.items():
            for name, parameter in self._network(player).named_parameters():
                for kind, value in optimiser.state.get(parameter, {}).items():
                    yield f"adam.{player}.{name}:{kind}", value


def _either(photos: Tensor | None, real: Tensor | None) -> Tensor:
    found = real if photos is None else photos
    if found is None:
        raise AssertionError("without lessons the train loop brings real images")
    return found
