"""The prober of an ONNX graph: both views in one run, reduced inside the graph."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import torch
from torch import Tensor

from bareface.errors import TargetError
from bareface.probing.agreement import ViewAnswer, bank_answers, with_bank
from bareface.probing.entering import Remembered
from bareface.probing.estimated import Estimate, Observe, Seen
from bareface.probing.graph_taps import Tap, linear_taps, norm_taps, tapped
from bareface.probing.pooled import WIDTH, Projection
from bareface.probing.prober import VIEWS, Ask, Batch, ProbeSpec, by_image
from bareface.probing.taps import Moments, Reduction
from bareface.targets.onnx.session import Session
from bareface.targets.onnx.target import OnnxTarget
from bareface.trace import BN_CHANNELS, Channel, FloatArray, Layer

# Above the epsilon of any BatchNorm layer.
_FRESH = 0.01
Look = Callable[[Tensor], tuple[Tensor, dict[str, Moments], dict[str, Moments]]]
"""(n, 3, h, w) uint8 RGB to (n, d) embeddings, what enters the BatchNorm layers, what leaves the linear maps."""


@dataclass(frozen=True)
class GraphProber:
    """An ONNX graph that is asked about an image and its flip.

    Attributes:
        target: the graph.
        estimate: what its features are compared with besides running statistics; None = nothing.
        channels: what will be read; some answers are given only if they are among these.
    """

    target: OnnxTarget
    estimate: Estimate | None = None
    channels: frozenset[Channel] = frozenset()

    @property
    def name(self) -> str:
        """What messages call the target."""
        return self.target.name

    @cached_property
    def offer(self) -> ProbeSpec:
        """The embedding, and distances at the BatchNorm layers that survived export."""
        layers = tuple(Layer(norm.name, len(norm.mean)) for norm in self.target.graph.norms)
        shapes: dict[Channel, tuple[int, ...]] = {Channel.EMBEDDING: (len(VIEWS), self.target.embedding_size)}
        if layers:
            shapes |= {channel: (len(VIEWS), len(layers)) for channel in BN_CHANNELS}
        if layers and Channel.POOLED in self.channels:
            shapes[Channel.POOLED] = (len(VIEWS), len(layers), WIDTH)
        offer = with_bank(ProbeSpec(self.target.sha256, shapes, layers=layers), self.channels)
        return offer if self.estimate is None else self.estimate.added_to(offer)

    @contextmanager
    def asked(self) -> Iterator[Ask]:
        """A session with the taps that are needed while the block runs."""
        norms = self.target.graph.norms
        means, variances = ([torch.from_numpy(getattr(n, name)) for n in norms] for name in ("mean", "variance"))
        reduction = Reduction.against(self.offer.layers, means, variances) if norms else None
        look = _look(self.target, norm_taps(self.target.graph), self._measured())
        yield lambda batch: self._answer(batch, look, reduction)

    @contextmanager
    def watched(self) -> Iterator[Observe]:
        """A session with taps behind every convolution and linear map while the block runs."""
        look = _look(self.target, (), linear_taps(self.target.graph))

        def observe(images: Tensor) -> Seen:
            return look(_both(images))[2]

        yield observe

    def _measured(self) -> tuple[Tap, ...]:
        return linear_taps(self.target.graph) if self.estimate is not None else ()

    def _answer(self, batch: Batch, look: Look, reduction: Reduction | None) -> dict[Channel, FloatArray]:
        images = batch.pixels()
        embedding, entering, left = look(_both(images))
        values = {Channel.EMBEDDING: embedding}
        if reduction is not None:
            values |= reduction.channels(entering)
        if reduction is not None and Channel.POOLED in self.channels:
            values[Channel.POOLED] = Projection.of(self.offer.layers).pooled(reduction.standardised(entering))
        if self.estimate is not None:
            values[Channel.ESTIMATED_DISTANCE] = self.estimate.distance(left)
        return by_image(values) | bank_answers(partial(_glance, look, reduction), images, batch.image, self.channels)


def _both(images: Tensor) -> Tensor:
    """The images, then their flips."""
    return torch.cat([images, images.flip(-1)])


def _glance(look: Look, reduction: Reduction | None, images: Tensor) -> ViewAnswer:
    embedding, entering, _ = look(images)
    if reduction is None:
        return ViewAnswer(embedding)
    return ViewAnswer(embedding, reduction.by_layer(entering))


@dataclass(frozen=True)
class GraphEntrance:
    """An ONNX graph, into which one can look while it is fed in any way."""

    target: OnnxTarget

    @property
    def layers(self) -> tuple[Remembered, ...]:
        """The BatchNorm layers that survived export."""
        found = []
        for norm in self.target.graph.norms:
            mean, variance = norm.mean.astype(np.float64), norm.variance.astype(np.float64)
            # The epsilon is in the variance here; what never saw anything has to be told all the same.
            is_new = not mean.any() and bool(np.ptp(variance) == 0) and abs(variance[0] - 1) < _FRESH
            found.append(Remembered(norm.name, mean, np.ones_like(variance) if is_new else variance))
        return tuple(found)

    @contextmanager
    def looking(self) -> Iterator[Callable[[Tensor], dict[str, Moments]]]:
        """With taps in front of these layers."""
        look = _look_at(self.target, norm_taps(self.target.graph), ())
        yield lambda pixels: look(pixels)[1]


def _look(target: OnnxTarget, entering: tuple[Tap, ...], leaving: tuple[Tap, ...]) -> Look:
    look = _look_at(target, entering, leaving)
    return lambda images: look(target.spec.normalise(images))


def _look_at(target: OnnxTarget, entering: tuple[Tap, ...], leaving: tuple[Tap, ...]) -> Look:
    """The same for (n, channels, h, w) float32 as the graph takes it."""
    graph, taps = target.graph, entering + leaving
    made = tapped(graph, taps)
    session = Session(target.name, made.model, graph.input, (graph.embedding, *made.moments), made.shapes, graph.batch)

    def look(pixels: Tensor) -> tuple[Tensor, dict[str, Moments], dict[str, Moments]]:
        rows, shapes = session.run(pixels.numpy())
        embedding, *told = map(torch.from_numpy, rows)
        positions = [int(shape[tap.axis]) for tap, shape in zip(taps, shapes, strict=True)]
        kept = [Moments(*one) for one in zip(told[::2], told[1::2], positions, strict=True)]
        for tap, one in zip(entering, kept, strict=False):
            if len(one.mean) != len(embedding):
                got = f"{len(one.mean)} rows that enter {tap.name} for {len(embedding)} images"
                raise TargetError(target.name, got=got, expected="one for each image", hint="another exporter")
        seen = list(zip((tap.name for tap in taps), kept, strict=True))
        return embedding.flatten(1), dict(seen[: len(entering)]), dict(seen[len(entering) :])

    return look
