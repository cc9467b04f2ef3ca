"""The prober of what only answers, an endpoint or dlib's network: both views are sent, embeddings come back."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from bareface.probing.agreement import ViewAnswer, bank_answers, with_bank
from bareface.probing.prober import VIEWS, Ask, Batch, ProbeSpec, by_image
from bareface.targets.dlib_network import DlibNetwork
from bareface.targets.endpoint import Endpoint
from bareface.trace import Channel, FloatArray

# Images in one part file: what a killed probe has to ask again.
PART_SIZE = 64


@dataclass(frozen=True)
class EndpointProber:
    """Somebody who is asked about an image and its flip.

    Attributes:
        target: that is asked.
        channels: what will be read; some answers are given only if they are among these.
    """

    target: Endpoint | DlibNetwork
    channels: frozenset[Channel] = frozenset()

    @property
    def name(self) -> str:
        """What messages call the target."""
        return self.target.name

    @cached_property
    def offer(self) -> ProbeSpec:
        """The embedding, in small parts."""
        shapes = {Channel.EMBEDDING: (len(VIEWS), self.target.embedding_size)}
        return with_bank(ProbeSpec(self.target.sha256, shapes, part_size=PART_SIZE), self.channels)

    @contextmanager
    def asked(self) -> Iterator[Ask]:
        """Nothing to prepare: every request stands for itself."""
        yield self._answer

    def _answer(self, batch: Batch) -> dict[Channel, FloatArray]:
        pixels = batch.pixels()
        both = by_image({Channel.EMBEDDING: self.target.embed(torch.cat([pixels, pixels.flip(-1)]))})
        return both | bank_answers(self._look, pixels, batch.image, self.channels)

    def _look(self, images: Tensor) -> ViewAnswer:
        return ViewAnswer(self.target.embed(images))
