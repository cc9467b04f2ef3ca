"""What probing asks of a target, whatever kind it is: say what you can answer, then answer batch by batch.

A backbone in torch, an ONNX graph, a table of embeddings and an endpoint each have a prober; the one batch loop
(`probe.py`) knows nothing else of them.
"""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bareface.faces.source import Images
from bareface.trace import Channel, FloatArray, Layer

VIEWS = ("image", "flip")


@dataclass(frozen=True)
class Batch:
    """Some images that a prober is asked about; who has no use for pixels never has them decoded.

    Attributes:
        image: (n,) content digests.
        source: where the pixels come from.
        rows: (n,) which of its images these are.
    """

    image: NDArray[np.str_]
    source: Images
    rows: NDArray[np.intp]

    def pixels(self) -> Tensor:
        """(n, 3, h, w) uint8 RGB, decoded now."""
        return self.source.load(self.rows)


@dataclass(frozen=True)
class ProbeSpec:
    """What a prober will answer about every image.

    Attributes:
        target: fingerprint of everything in the target that the answers depend on.
        shapes: for each channel the shape of one image's answer.
        views: names of the views; the first is the image as it is.
        layers: the layers of the `bn_` channels.
        measured: the layers of `estimated_distance`.
        bank: names of the views of the bank, where any channel is about them.
        weighted: the layers of `gradient_norm` and `margin_gradient`.
        batch_size: images asked about at once, unless somebody wants another number.
        part_size: images in one part file; fewer where an answer is dear.
    """

    target: str
    shapes: Mapping[Channel, tuple[int, ...]]
    views: tuple[str, ...] = VIEWS
    layers: tuple[Layer, ...] = ()
    measured: tuple[Layer, ...] = ()
    bank: tuple[str, ...] = ()
    weighted: tuple[Layer, ...] = ()
    batch_size: int = 16
    part_size: int = 2048

    def beside(self, sha256: str) -> "ProbeSpec":
        """The offer of answers that depend on something beside the target, too, by its fingerprint."""
        return replace(self, target=hashlib.sha256(f"{self.target} {sha256}".encode()).hexdigest())


Ask = Callable[[Batch], Mapping[Channel, FloatArray]]
"""A batch of n images to (n, *shape) answers, one for each channel on offer."""


def by_image(answers: Mapping[Channel, Tensor]) -> dict[Channel, FloatArray]:
    """Answers (v n, ...), view after view, as (n, v, ...) arrays."""
    return {name: torch.stack(values.chunk(len(VIEWS)), dim=1).cpu().numpy() for name, values in answers.items()}


class Prober(Protocol):
    """Whoever can be asked about images."""

    @property
    def name(self) -> str:
        """What messages call the target."""

    @property
    def offer(self) -> ProbeSpec:
        """What it will answer; found out once."""

    def asked(self) -> AbstractContextManager[Ask]:
        """Ready to answer while the block runs (hooks, sessions, connections)."""
