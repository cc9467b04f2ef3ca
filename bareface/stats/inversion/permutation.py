"""What a contrast would be if the training people had been drawn by lot from both galleries."""

import numpy as np

from bareface.stats.intervals import chunk_sizes
from bareface.stats.inversion.clusters import DRAWS, Terms, contrast
from bareface.stats.sample import Bools, Floats

_ROUNDING = 1e-9


def null_contrasts(terms: Terms, stream: np.random.Generator, draws: int = DRAWS) -> Floats:
    """(draws,) contrasts under permuted membership of the 2 N identities, the same permutation for all terms.

    The statistic is recomputed: who is nearest, or above the threshold, stays; which side that person is on changes.
    Exact where the split into training people and decoys was random.
    """
    width = max(terms[0][1].claimed.shape[1], *(len(claims) for _, claims in terms))
    return np.concatenate([_draw(terms, stream, size) for size in chunk_sizes(draws, width)])


def one_sided(terms: Terms, null: Floats) -> float:
    """P-value of the contrast being this high by lot: (1 + draws at least as large) / (1 + draws)."""
    return float((1 + np.count_nonzero(null >= contrast(terms) - _ROUNDING)) / (1 + len(null)))


def two_sided(terms: Terms, null: Floats) -> float:
    """P-value of the contrast being this far from 0, on either side."""
    far = np.abs(null) >= abs(contrast(terms)) - _ROUNDING
    return float((1 + np.count_nonzero(far)) / (1 + len(null)))


def _draw(terms: Terms, stream: np.random.Generator, draws: int) -> Floats:
    columns = terms[0][1].claimed.shape[1]
    training = np.tile(np.arange(columns) < columns // 2, (draws, 1))
    stream.permuted(training, axis=1, out=training)
    drawn = np.zeros(draws)
    for weight, claims in terms:
        drawn += weight * _mean_side(claims.claimed, training)
    return drawn


def _mean_side(claimed: Bools, training: Bools) -> Floats:
    """(draws,) +1 for each image all of whose claims are training people, -1 where none is."""
    used = claimed.any(axis=0)
    inside = training[:, used].astype(np.float32) @ claimed[:, used].T.astype(np.float32)
    side: Floats = (inside > 0).mean(axis=1) - (inside < claimed.sum(axis=1)).mean(axis=1)
    return side
