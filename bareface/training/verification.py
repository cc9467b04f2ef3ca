"""Does the backbone recognise people at all? One that does not has nothing to audit."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from bareface.faces.source import Images
from bareface.targets.target import Target

FEWEST_PAIRS = 30


@dataclass(frozen=True)
class Verification:
    """How well a backbone tells two photos of one person from photos of two people.

    Attributes:
        auc: P(cosine of a same-person pair > cosine of a different-people pair), ties one half.
        same, different: number of pairs of each kind.
    """

    auc: float
    same: int
    different: int


def verification_auc(
    target: Target,
    images: Images,
    subject: NDArray[np.str_],
    stream: np.random.Generator,
    *,
    pairs: int = 10_000,
    batch_size: int = 64,
) -> Verification | None:
    """The verification AUC on people who should not be in the training set; None with fewer than 30 pairs of a kind.

    Args:
        target: embeds each image and its mirror image; the two are summed, as InsightFace's evaluation does.
        images: n images of the size that the target takes.
        subject: (n,) who is on each.
        stream: draws the pairs.
        pairs: at most so many of each kind; if there are fewer same-person pairs, all of them.
        batch_size: images embedded at a time.
    """
    same = _same_pairs(subject)
    same = stream.permutation(same)[:pairs]
    different = _different_pairs(subject, stream, pairs)
    if min(len(same), len(different)) < FEWEST_PAIRS:
        return None
    unit = flip_summed(target, images, batch_size)
    return Verification(_auc(_cosines(unit, same), _cosines(unit, different)), len(same), len(different))


def flip_summed(target: Target, images: Images, batch_size: int = 64) -> NDArray[np.float32]:
    """(n, d) embeddings of length one: f(x) + f(mirrored x), normalised."""

    def embed(pixels: Tensor) -> Tensor:
        pixels = pixels.to(target.device)
        return F.normalize(target.embed(pixels) + target.embed(pixels.flip(3))).cpu()

    with torch.inference_mode():
        starts = range(0, len(images), batch_size)
        batches = (np.arange(start, min(start + batch_size, len(images))) for start in starts)
        unit: NDArray[np.float32] = torch.cat([embed(images.load(rows)) for rows in batches]).numpy()
    return unit


def _same_pairs(subject: NDArray[np.str_]) -> NDArray[np.intp]:
    """(k, 2) every pair of different images of one person."""
    order = np.argsort(subject, kind="stable")
    most = int(np.unique(subject, return_counts=True)[1].max(initial=1))
    # With the images sorted by person, partners lie at most `most - 1` places apart.
    found = [np.empty((0, 2), dtype=np.intp)]
    for apart in range(1, most):
        first, second = order[:-apart], order[apart:]
        together = subject[first] == subject[second]
        found.append(np.stack([first[together], second[together]], axis=1))
    return np.concatenate(found)


def _different_pairs(subject: NDArray[np.str_], stream: np.random.Generator, pairs: int) -> NDArray[np.intp]:
    """(k, 2) pairs of different people without repetition, k <= pairs."""
    # Twice as many draws as pairs asked for: some hit one person twice, some repeat.
    drawn = np.sort(stream.integers(0, max(len(subject), 1), (2 * pairs, 2)), axis=1)
    apart = drawn[subject[drawn[:, 0]] != subject[drawn[:, 1]]] if len(subject) else drawn[:0]
    return stream.permutation(np.unique(apart, axis=0))[:pairs]


def _cosines(unit: NDArray[np.float32], pairs: NDArray[np.intp]) -> NDArray[np.float32]:
    cosines: NDArray[np.float32] = np.einsum("nd,nd->n", unit[pairs[:, 0]], unit[pairs[:, 1]])
    return cosines


def _auc(positive: NDArray[np.float32], negative: NDArray[np.float32]) -> float:
    """P(positive > negative), ties one half."""
    ordered = np.sort(negative)
    below, up_to = np.searchsorted(ordered, positive, "left"), np.searchsorted(ordered, positive, "right")
    return float((below + up_to).mean() / (2 * len(ordered)))
