"""The prober of a torch backbone: both views in one forward pass, its BatchNorm layers tapped on the way."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from math import log2

import torch
from torch import Tensor

from bareface.probing.agreement import ViewAnswer, bank_answers, with_bank
from bareface.probing.estimated import Estimate, Observe, Seen, leaving
from bareface.probing.faster import faster
from bareface.probing.gradients import AGREEMENT, GradientLoss, gradient_answers, with_gradients
from bareface.probing.head import head_answers, head_shapes
from bareface.probing.negative_classes import PublicDirections
from bareface.probing.pooled import WIDTH, Projection
from bareface.probing.prober import VIEWS, Ask, Batch, ProbeSpec, by_image
from bareface.probing.taps import Moments, Reduction, Taps, tapped
from bareface.settings.spec import ImageSpec
from bareface.targets.device import CPU
from bareface.targets.target import Target
from bareface.trace import BN_CHANNELS, Channel, FloatArray, Layer

PIXELS_AT_ONCE = 16 * 112 * 112


@dataclass(frozen=True)
class BackboneProber:
    """A backbone that is asked about an image and its flip.

    Attributes:
        target: the backbone.
        estimate: what its features are compared with besides running statistics; None = nothing.
        channels: what will be read; some answers are given only if they are among these.
        strangers: the other classes of a margin loss; None = there is no such loss.
    """

    target: Target
    estimate: Estimate | None = None
    channels: frozenset[Channel] = frozenset()
    strangers: PublicDirections | None = None

    @property
    def name(self) -> str:
        """What messages call the target."""
        return self.target.name

    @cached_property
    def offer(self) -> ProbeSpec:
        """The embedding; distances, where it has BatchNorm layers; the class cosine, where it has its head."""
        layers = visible_layers(self.target)
        shapes: dict[Channel, tuple[int, ...]] = {Channel.EMBEDDING: (len(VIEWS), self.target.embedding_size)}
        if layers:
            shapes |= {channel: (len(VIEWS), len(layers)) for channel in BN_CHANNELS}
        if layers and Channel.POOLED in self.channels:
            shapes[Channel.POOLED] = (len(VIEWS), len(layers), WIDTH)
        if self.target.centres is not None:
            shapes |= head_shapes(len(self.target.centres))
        offer = ProbeSpec(
            self.target.sha256, shapes, layers=layers, batch_size=batch_size(self.target.spec, self.target.device)
        )
        offer = with_bank(offer, self.channels)
        offer = with_gradients(offer, self.target, self._pulls, _noise(self.target)[:1])
        if self.strangers is not None:
            offer = offer.beside(self.strangers.sha256)
        return offer if self.estimate is None else self.estimate.added_to(offer)

    @contextmanager
    def asked(self) -> Iterator[Ask]:
        """Hooks on every BatchNorm layer, of a copy with most of them folded, while the block runs."""
        layers = self.offer.layers  # found out by a pass of its own, before there are hooks
        # Folding scales what leaves a convolution, and the estimate is of the backbone as it is.
        module = self.target.module if self.estimate else faster(self.target.module, _noise(self.target))
        if self.offer.weighted and module is self.target.module:
            module = deepcopy(module)  # gradients ask the backbone itself, which must not be watched then
        outputs: AbstractContextManager[dict[str, Moments]] = leaving(module) if self.estimate else nullcontext({})
        with torch.inference_mode(), tapped(module) as taps, outputs as left:
            reduction = Reduction.of(taps.layers, layers) if layers else None
            hooked = _Hooked(replace(self.target, module=module), taps, reduction, left)
            yield lambda batch: self._answer(batch, hooked)

    @property
    def _pulls(self) -> tuple[GradientLoss, ...]:
        """The losses whose gradients will be read."""
        margin = self.strangers and GradientLoss(Channel.MARGIN_GRADIENT, ("flip",), self.strangers.margin_loss)
        return tuple(pull for pull in (AGREEMENT, margin) if pull and pull.channel in self.channels)

    @cached_property
    def _projection(self) -> Projection:
        return Projection.of(self.offer.layers)

    @contextmanager
    def watched(self) -> Iterator[Observe]:
        """Hooks on every convolution and linear map while the block runs."""
        with torch.inference_mode(), leaving(self.target.module) as left:

            def observe(images: Tensor) -> Seen:
                left.clear()
                both_views(self.target, images)
                return dict(left)

            yield observe

    def _answer(self, batch: Batch, hooked: "_Hooked") -> dict[Channel, FloatArray]:
        """Both views in one forward pass, as (n, views, ...) float32 each; then what else was asked for."""
        hooked.clear()
        images = batch.pixels().to(self.target.device)  # its altered views, too, are made there
        embedding = both_views(hooked.target, images)
        values = {Channel.EMBEDDING: embedding}
        if hooked.reduction is not None:
            values |= hooked.reduction.channels(hooked.taps.seen)
        if hooked.reduction is not None and Channel.POOLED in self.channels:
            values[Channel.POOLED] = self._projection.pooled(hooked.reduction.standardised(hooked.taps.seen))
        if self.estimate is not None:
            values[Channel.ESTIMATED_DISTANCE] = self.estimate.distance(hooked.left)
        if self.target.centres is not None:
            values |= head_answers(embedding, self.target.centres, self.target.posterior)
        more = bank_answers(hooked.look, images, batch.image, self.channels)
        if self.offer.weighted:
            hooked.clear()
            more |= gradient_answers(self.target, self._pulls, self.offer.weighted, images, batch.image)
        return by_image(values) | more


@dataclass(frozen=True)
class _Hooked:
    """A backbone that is watched.

    Attributes:
        target: the backbone, perhaps folded.
        taps, reduction: what enters its BatchNorm layers, and what is made of it; None where it has none.
        left: what left its convolutions and linear maps; empty where nobody asked.
    """

    target: Target
    taps: Taps
    reduction: Reduction | None
    left: dict[str, Moments]

    def clear(self) -> None:
        """Forget the last pass."""
        self.taps.clear()
        self.left.clear()

    def look(self, images: Tensor) -> ViewAnswer:
        """What the backbone says of one view of (n, 3, h, w) uint8 RGB images."""
        self.clear()
        embedding = self.target.embed(images.to(self.target.device)).float()
        if self.reduction is None:
            return ViewAnswer(embedding)
        return ViewAnswer(embedding, self.reduction.by_layer(self.taps.seen))


def both_views(target: Target, images: Tensor) -> Tensor:
    """(n, 3, h, w) uint8 RGB to (2n, d) float32 embeddings: the images, then their flips; one forward pass."""
    pixels = target.spec.normalise(images.to(target.device))
    return target.embed_normalised(torch.cat([pixels, pixels.flip(-1)])).float()


def _noise(target: Target) -> Tensor:
    """(2, channels, h, w) as the backbone takes it: bytes drawn at random, always the same."""
    size = (2, 3, target.spec.height, target.spec.width)
    drawn = torch.randint(0, 256, size, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return target.spec.normalise(drawn.to(target.device))


def batch_size(spec: ImageSpec, device: torch.device = CPU) -> int:
    """Images in one forward pass: 16 of 112 pixels, more of smaller ones up to 128, about as many pixels in all.

    Fewer would spend their time between the layers; the activations of more would leave the caches. An accelerator
    takes sixteen times as many, since few leave it idle.
    """
    fit = 1 << int(log2(min(max(PIXELS_AT_ONCE / (spec.height * spec.width), 8), 128)))
    return fit if device == CPU else 16 * fit


def visible_layers(target: Target) -> tuple[Layer, ...]:
    """The BatchNorm layers that a forward pass goes through, in the order in which they run."""
    grey = torch.full((1, 3, target.spec.height, target.spec.width), 128, dtype=torch.uint8, device=target.device)
    with torch.inference_mode(), tapped(target.module) as taps:
        target.embed(grey)
        names = list(taps.seen)
    modules = dict(target.module.named_modules())
    return tuple(Layer(name, int(modules[name].num_features)) for name in names)
