"""How alike a model finds the views of one picture: in its embeddings, and at the inputs of its layers.

Kept are cosines and lengths alone, which do not depend on the basis of a model's embeddings, so they can be compared
between models.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from bareface.probing.bank import BANK, bank
from bareface.probing.prober import ProbeSpec
from bareface.trace import VIEW_CHANNELS, Channel, FloatArray

_SMALLEST = 1e-12


@dataclass(frozen=True)
class ViewAnswer:
    """What a model says of one view of n pictures.

    Attributes:
        embedding: (n, d) before any normalisation.
        layers: (n, c_i) for each BatchNorm layer: the mean over positions of what enters it, less the running mean,
            over the running deviation; nothing where there is no inside to see.
    """

    embedding: Tensor
    layers: tuple[Tensor, ...] = ()


Look = Callable[[Tensor], ViewAnswer]
"""(n, 3, h, w) uint8 RGB to what the model says of them."""


def with_bank(offer: ProbeSpec, channels: Collection[Channel]) -> ProbeSpec:
    """The offer with those channels of the bank of views that will be read and can be given."""
    width = len(BANK)
    shapes: dict[Channel, tuple[int, ...]] = {
        Channel.VIEW_COSINES: (width * (width - 1) // 2,),
        Channel.VIEW_NORM: (width,),
    }
    if offer.layers:
        shapes[Channel.LAYER_AGREEMENT] = (width - 1, len(offer.layers))
    asked = {name: shape for name, shape in shapes.items() if name in channels}
    return replace(offer, shapes={**offer.shapes, **asked}, bank=BANK) if asked else offer


def bank_answers(
    look: Look, images: Tensor, digests: NDArray[np.str_], channels: Collection[Channel]
) -> dict[Channel, FloatArray]:
    """The channels of the bank among `channels`; each view is looked at in a pass of its own.

    Args:
        look: asks the model.
        images: (n, 3, h, w) uint8 RGB.
        digests: (n,) of the images.
        channels: what will be read.
    """
    if not VIEW_CHANNELS & set(channels):
        return {}
    views = bank(images, digests)
    first = look(next(views))
    embeddings, layers = [first.embedding], []
    for view in views:
        other = look(view)
        embeddings.append(other.embedding)
        layers.append(agreement(first.layers, other.layers))
    answers = view_answers(torch.stack(embeddings, dim=1).float())
    if first.layers:
        answers[Channel.LAYER_AGREEMENT] = torch.stack(layers, dim=1)
    return {name: values.cpu().numpy() for name, values in answers.items() if name in channels}


def view_answers(embedding: Tensor) -> dict[Channel, Tensor]:
    """Cosines between (n, w, d) embeddings, upper triangle row by row, and the logarithms of their lengths."""
    length = torch.linalg.vector_norm(embedding, dim=-1).clamp_min(_SMALLEST)
    unit = embedding / length[..., None]
    above = torch.triu_indices(embedding.shape[1], embedding.shape[1], offset=1, device=embedding.device)
    cosine = (unit @ unit.mT)[:, above[0], above[1]].clamp(-1.0, 1.0)
    return {Channel.VIEW_COSINES: cosine, Channel.VIEW_NORM: length.log()}


def agreement(first: tuple[Tensor, ...], other: tuple[Tensor, ...]) -> Tensor:
    """(n, l) cosines between what enters each layer from one view and from another."""
    told = [functional.cosine_similarity(a, b) for a, b in zip(first, other, strict=True)]
    return torch.stack(told, dim=1) if told else torch.empty(0)
