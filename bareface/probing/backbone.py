"""The witness of a torch backbone: both views in one forward pass, its BatchNorm layers tapped on the way."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from bareface.probing.folding import folded
from bareface.probing.taps import Reduction, Taps, tapped
from bareface.probing.witness import VIEWS, Ask, Batch, Offer
from bareface.targets.target import Target
from bareface.trace import BN_CHANNELS, Channel, FloatArray, Layer


@dataclass(frozen=True)
class BackboneWitness:
    """A backbone that is asked about an image and its flip.

    Attributes:
        target: the backbone.
    """

    target: Target

    @property
    def name(self) -> str:
        """What messages call the target."""
        return self.target.name

    @cached_property
    def offer(self) -> Offer:
        """The embedding; distances, where it has BatchNorm layers; the class cosine, where it has its head."""
        layers = visible_layers(self.target)
        shapes: dict[Channel, tuple[int, ...]] = {Channel.EMBEDDING: (len(VIEWS), self.target.embedding_size)}
        if layers:
            shapes |= {channel: (len(VIEWS), len(layers)) for channel in BN_CHANNELS}
        if self.target.centres is not None:
            shapes[Channel.CLASS_COSINE] = (len(VIEWS),)
        return Offer(self.target.sha256, shapes, layers=layers)

    @contextmanager
    def asked(self) -> Iterator[Ask]:
        """Hooks on every BatchNorm layer, of a copy with most of them folded, while the block runs."""
        layers, short = self.offer.layers, replace(self.target, module=folded(self.target.module, _noise(self.target)))
        with torch.inference_mode(), tapped(short.module) as taps:
            reduction = Reduction.of(taps.layers, layers) if layers else None
            yield lambda batch: self._answer(short, batch, taps, reduction)

    def _answer(
        self, short: Target, batch: Batch, taps: Taps, reduction: Reduction | None
    ) -> dict[Channel, FloatArray]:
        """Both views in one forward pass; each answer as (n, views, ...) float32."""
        taps.clear()
        pixels = short.spec.normalise(batch.pixels().to(self.target.device))
        embedding = short.embed_normalised(torch.cat([pixels, pixels.flip(-1)])).float()
        values = {Channel.EMBEDDING: embedding}
        if reduction is not None:
            values |= reduction.channels(taps.seen)
        if self.target.centres is not None:
            values[Channel.CLASS_COSINE] = class_cosine(embedding, self.target.centres)
        return {channel: torch.stack(value.chunk(len(VIEWS)), dim=1).cpu().numpy() for channel, value in values.items()}


def _noise(target: Target) -> Tensor:
    """(2, channels, h, w) as the backbone takes it: bytes drawn at random, always the same."""
    size = (2, 3, target.spec.height, target.spec.width)
    drawn = torch.randint(0, 256, size, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return target.spec.normalise(drawn.to(target.device))


def visible_layers(target: Target) -> tuple[Layer, ...]:
    """The BatchNorm layers that a forward pass goes through, in the order in which they run."""
    grey = torch.full((1, 3, target.spec.height, target.spec.width), 128, dtype=torch.uint8, device=target.device)
    with torch.inference_mode(), tapped(target.module) as taps:
        target.embed(grey)
        names = list(taps.seen)
    modules = dict(target.module.named_modules())
    return tuple(Layer(name, int(modules[name].num_features)) for name in names)


def class_cosine(embedding: Tensor, centres: Tensor) -> Tensor:
    """(n,) largest cosine of each (n, d) embedding to a class centre (identities, d)."""
    directions = torch.nn.functional.normalize(centres.to(embedding), dim=1)
    return (torch.nn.functional.normalize(embedding, dim=1) @ directions.T).max(dim=1).values
