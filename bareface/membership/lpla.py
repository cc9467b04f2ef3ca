"""Likelihood ratio of the embedding's norms.

What it tests:
Whether the lengths of training images' embeddings, in one or several norms, are distributed otherwise than others'.

What the attacker needs:
Only answers, but the raw embedding before normalisation (black box); and some true members (partial), a shadow backbone
(shadow), or people who are known not to be members (nonmembers).

How it works:
x holds the logarithms of the L1, L2 and L∞ norms of the embedding (or of one of them), averaged over the image and its
flip. A normal distribution is fitted to known members and one to known non-members; the score is log p_in(x) −
log p_out(x). From shadows, each model's norms are measured in its own deviations.

Known limits:
The norm of face embeddings follows image quality (MagFace, AdaFace): the blind baseline tells how much. A model that
answers with unit vectors gives no L2 norm; the other two remain.

Reference:
LpLA, arXiv 2506.05743.
"""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from bareface.errors import Abstained
from bareface.membership.base import PARAMETERS, Attack, AttackerKnowledge, refuse_few_units, require
from bareface.scores import Scores
from bareface.trace import Channel, Trace

Array = NDArray[np.float64]
Norm = Literal["all", "l1", "l2", "linf"]

ORDERS: dict[Norm, tuple[float, ...]] = {"all": (1, 2, np.inf), "l1": (1,), "l2": (2,), "linf": (np.inf,)}
_SMALLEST = 1e-12
# Deviations of a logarithm below this are rounding: unit vectors have the L2 norm 1.
_ROUNDING = 1e-5


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class Lpla(Attack):
    """The ratio of two normal densities of log norms.

    Attributes:
        norm: which one, or all three together.
    """

    name: ClassVar[str] = "lpla"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.EMBEDDING})

    norm: Norm = "all"

    def score(self, trace: Trace, known: AttackerKnowledge, rng: np.random.Generator) -> Scores:
        """(n,) log likelihood ratios in nats."""
        alone = known.knowledge == "shadow"
        lessons = [(self.log_norms(one.trace, alone), one.member) for one in known.labelled]
        x, member = (np.concatenate(column) for column in zip(*lessons, strict=True))
        told = ~np.isnan(x).any(1)
        if len(np.unique(member[told])) < 2:
            raise Abstained(self.name, got="one side only", expected="known members and known non-members")
        for side in (member, ~member):
            refuse_few_units(self.name, 2 * x.shape[1], int((told & side).sum()), "known images on a side")
        judged = self.log_norms(trace, alone)
        return Scores(log_normal(judged, x[told & member]) - log_normal(judged, x[told & ~member]))

    def log_norms(self, trace: Trace, standardised: bool = False) -> Array:
        """(n, norms) log norms, averaged over views; in deviations of this pool of images where that is asked for."""
        require(self, trace)
        embedding = trace.channels[Channel.EMBEDDING].astype(np.float64)
        lengths = [np.linalg.norm(embedding, order, axis=-1) for order in ORDERS[self.norm]]
        logs = np.stack([np.log(np.maximum(length, _SMALLEST)).mean(1) for length in lengths], axis=1)
        if not standardised:
            return logs
        return np.asarray((logs - np.nanmean(logs, 0)) / np.maximum(np.nanstd(logs, 0), _ROUNDING))


def log_normal(x: Array, examples: Array) -> Array:
    """(n,) log density of (n, f) points under the normal distribution with the examples' mean and covariance."""
    away = x - examples.mean(0)
    covariance = np.atleast_2d(np.cov(examples.T, bias=True)) + _ROUNDING**2 * np.eye(x.shape[1])
    squared = (away * np.linalg.solve(covariance, away.T).T).sum(1)
    return np.asarray(-0.5 * (squared + np.linalg.slogdet(2 * np.pi * covariance)[1]))
