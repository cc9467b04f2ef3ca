"""How far a signal lies above what the picture lets expect, learned from non-members alone.

What it tests:
Whether the target's signal of an image is higher than that of non-members that look like it: each image has a threshold
of its own, with the same rate of false alarms for pictures of every kind.

What the attacker needs:
People who are known not to be members (nonmembers, where it is at home); the non-members among those whose membership
is known (partial); or a shadow's non-members (shadow). Only answers, unless the signal is a white-box one. No member,
no reference model.

How it works:
The signal s is regressed on what the picture looks like (the blind features and a 16 x 16 thumbnail) over non-members:
ridge regressions give its mean μ(x) and the logarithm of its deviation σ(x). The conditional quantile of level α is
μ(x) + σ(x) q_α with q_α the quantile of the standardised residuals, so s exceeds it exactly where (s − μ(x)) / σ(x)
exceeds q_α: that is the score. From shadows, each model's signals are measured in its own deviations.

Known limits:
It never learns in which direction the signal speaks for membership; the signal's own is taken. Pictures of another kind
than the known non-members' are extrapolated.

Reference:
Bertran et al., Scalable Membership Inference Attacks via Quantile Regression (QMIA), NeurIPS 2023, arXiv 2307.03694:
the form that predicts mean and deviation.
"""

from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from bareface.errors import Abstained
from bareface.membership.base import PARAMETERS, Attack, AttackerKnowledge, Beside, require
from bareface.membership.families.signals import Signal, channels_of, scalar
from bareface.scores import Scores
from bareface.trace import Channel, Trace

Array = NDArray[np.float64]

PENALTIES = tuple(10.0**power for power in range(6))
FEWEST = 10
_LEAST_SHARE = 1e-2


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class Qmia(Attack):
    """The standardised residual of a signal.

    Attributes:
        signal: which one.
    """

    name: ClassVar[str] = "qmia"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.EMBEDDING, Channel.BLIND, Channel.PICTURE})
    beside: ClassVar[frozenset[Beside]] = frozenset({"gallery"})

    signal: Signal = "flip-agreement"

    def score(self, trace: Trace, known: AttackerKnowledge, rng: np.random.Generator) -> Scores:
        """(n,) how many conditional deviations the signal lies above its conditional mean."""
        alone = known.knowledge == "shadow"
        told = [(*self._read(one.trace, alone), one.member) for one in known.labelled]
        picture, signal, member = (np.concatenate(column) for column in zip(*told, strict=True))
        usable = ~np.isnan(picture).any(1) & ~np.isnan(signal) & ~member
        if usable.sum() < FEWEST:
            raise _too_few(self.name, int(usable.sum()), bool((~member).any()))
        expected = Expected.of(picture[usable], signal[usable])
        return Scores(expected.residual(*self._read(trace, alone)))

    @final
    def reads(self) -> frozenset[Channel]:
        """Pictures, embeddings, and what the signal is made of."""
        return self.needs | self.uses | channels_of(self.signal)

    def _read(self, trace: Trace, alone: bool) -> tuple[Array, Array]:
        """(n, f) what is seen of the pictures and (n,) the signal; in deviations of this pool where `alone`."""
        require(self, trace)
        seen = np.concatenate([trace.channels[name] for name in (Channel.BLIND, Channel.PICTURE)], axis=1)
        signal = scalar(trace, self.signal, self.name)
        both = seen.astype(np.float64), signal
        return (_standard(both[0]), _standard(both[1])) if alone else both


def _too_few(name: str, usable: int, some: bool) -> Abstained:
    if not some:
        return Abstained(name, got="one side only", expected="known members and known non-members")
    return Abstained(name, got=f"{usable} known non-members", expected=f"{FEWEST} at least")


def _standard(values: Array) -> Array:
    deviation = np.nanstd(values, 0)
    return np.asarray((values - np.nanmean(values, 0)) / np.where(deviation > 0, deviation, 1.0))


class Expected:
    """Mean and deviation of a signal given what is seen of a picture."""

    def __init__(self, centre: Array, scale: Array, mean: Array, log_deviation: Array) -> None:
        self._centre, self._scale, self._mean, self._log_deviation = centre, scale, mean, log_deviation

    @classmethod
    def of(cls, picture: Array, signal: Array) -> "Expected":
        """Fitted to (n, f) pictures and (n,) signals."""
        deviation = picture.std(0)
        centre, scale = picture.mean(0), np.where(deviation > 0, deviation, np.inf)
        x = (picture - centre) / scale
        mean, residual = _ridge(x, signal)
        least = _LEAST_SHARE * np.sqrt(np.mean(residual**2)) + np.finfo(np.float64).tiny
        log_deviation, _ = _ridge(x, np.log(np.maximum(np.abs(residual), least)))
        return cls(centre, scale, mean, log_deviation)

    def residual(self, picture: Array, signal: Array) -> Array:
        """(n,) deviations by which signals lie above their conditional means."""
        x = (picture - self._centre) / self._scale
        mean, log_deviation = (x @ line[1:] + line[0] for line in (self._mean, self._log_deviation))
        return np.asarray((signal - mean) / np.exp(log_deviation))


def _ridge(x: Array, y: Array) -> tuple[Array, Array]:
    """(1 + f,) intercept and slopes, and (n,) residuals that each come from a fit to the other images."""
    from sklearn.linear_model import RidgeCV

    model = RidgeCV(PENALTIES, store_cv_results=True).fit(x, y)
    line = np.concatenate([[model.intercept_], model.coef_])
    left_out = model.cv_results_[:, PENALTIES.index(float(model.alpha_))]
    return line, np.sign(y - model.predict(x)) * np.sqrt(left_out)
