"""What the classification head says of an image: its likeliest classes and how sure it is, in a few numbers."""

from collections.abc import Callable

import torch
from torch import Tensor

from bareface.probing.prober import VIEWS
from bareface.trace import POSTERIOR_SCALE, Channel

MOST_CLASSES = 8


def head_shapes(identities: int) -> dict[Channel, tuple[int, ...]]:
    """The shape of one image's answers from a head with so many class centres."""
    top = min(MOST_CLASSES, identities)
    return {
        Channel.CLASS_COSINE: (len(VIEWS),),
        Channel.TOP_COSINES: (len(VIEWS), top),
        Channel.TOP_CLASSES: (len(VIEWS), top),
        Channel.POSTERIOR: (len(VIEWS), 3),
    }


def head_answers(
    embedding: Tensor, centres: Tensor, posterior: Callable[[Tensor], Tensor] | None = None
) -> dict[Channel, Tensor]:
    """What a head with class centres (identities, d) says of (n, d) embeddings; each answer (n, ...).

    Where a service keeps the head and answers with `posterior` of the logarithms of its posteriors, their logarithms
    over the scale stand for the cosines: they are these up to a number for each image.
    """
    directions = torch.nn.functional.normalize(centres.to(embedding), dim=1)
    cosine = torch.nn.functional.normalize(embedding, dim=1) @ directions.T
    if posterior is not None:
        cosine = posterior(torch.log_softmax(POSTERIOR_SCALE * cosine, dim=1)) / POSTERIOR_SCALE
    top = cosine.topk(min(MOST_CLASSES, len(centres)), dim=1)
    return {
        Channel.CLASS_COSINE: top.values[:, 0],
        Channel.TOP_COSINES: top.values,
        Channel.TOP_CLASSES: top.indices.to(embedding),
        Channel.POSTERIOR: posterior_statistics(POSTERIOR_SCALE * cosine),
    }


def posterior_statistics(logits: Tensor) -> Tensor:
    """(n, classes) logits to (n, 3): log of the largest posterior, entropy, modified entropy.

    The modified entropy is −(1 − p_y) log p_y − sum over i ≠ y of p_i log(1 − p_i), with y the likeliest class.

    Reference: Song and Mittal, USENIX Security 2021, equation 8.
    """
    log_p = torch.log_softmax(logits, dim=1)
    p, likeliest = log_p.exp(), log_p.argmax(dim=1, keepdim=True)
    # log(1 − p) as the sum of the others would cost a pass per class; log1p is exact enough below one half.
    log_rest = torch.log1p(-p.clamp(max=1 - torch.finfo(p.dtype).eps))
    others = (p * log_rest).sum(1) - (p * log_rest).gather(1, likeliest)[:, 0]
    largest = log_p.gather(1, likeliest)[:, 0]
    entropy = -(p * log_p).sum(1)
    return torch.stack([largest, entropy, -(1 - largest.exp()) * largest - others], dim=1)
