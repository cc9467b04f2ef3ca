"""Likelihood ratio of a signal with the doubt about its mean and variance counted in.

What it tests:
As lira: whether the target's signal of an image is what models trained on it show, or what models that were not do.

What the attacker needs:
As lira, and two references are enough: reference models of the same kind that were not trained on the image, with
`online` also some that were; beside them some true members (partial), the shadows' own (shadow), or people who are
known not to be members (nonmembers).

How it works:
Mean and variance of the signal over references have a normal-inverse-gamma prior. Its mean m₀ and variance σ₀² are
pooled over images, its weight κ₀ = σ₀² / (variance of the images' true means) is empirical, and ν₀ (`freedom`) says how
many references the pooled variance is worth. After n references with mean x̄ and squares S: κ = κ₀ + n, ν = ν₀ + n,
m = (κ₀ m₀ + n x̄) / κ, νσ² = ν₀σ₀² + S + (κ₀ n / κ)(x̄ − m₀)², and the next signal follows Student's t with ν degrees of
freedom around m with scale² σ²(1 + 1/κ). Online the score is the log ratio of the two densities; offline the log odds
of the distribution function of those that were not trained on the image.

Known limits:
Pooled priors take images to be alike. As with lira, references of another recipe shift the mean.

Reference:
Brännvall, arXiv 2603.11799 (BaVarIA with the Student-t predictive); the weights of the prior are chosen here.
"""

from dataclasses import dataclass as plain_dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from bareface.membership.base import PARAMETERS
from bareface.membership.engine.features import mean_of
from bareface.membership.families.calibrated import CalibratedAttack, Positive, ReferenceSignals, variance_within

Array = NDArray[np.float64]

_SMALLEST = 1e-12
# Log odds of a distribution function, beyond which there is nothing to tell apart.
_LARGEST_ODDS = 300.0


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class Bavaria(CalibratedAttack):
    """The ratio of two Student-t densities, or the tail of one.

    Attributes:
        freedom: how many references the pooled variance is worth, ν₀.
    """

    name: ClassVar[str] = "bavaria"

    freedom: Positive = 4.0

    def evidence(self, seen: ReferenceSignals) -> Array:
        """(n,) the log ratio of densities, or the log odds of the distribution function."""
        out = predictive(seen.out, prior_of(seen.out, seen.target, self.freedom))
        if self.mode == "offline":
            return out.log_odds(seen.target)
        within = predictive(seen.within, prior_of(seen.within, seen.target, self.freedom))
        ratio = within.log_density(seen.target) - out.log_density(seen.target)
        return np.where(np.isnan(seen.within).all(0), np.nan, ratio)


@plain_dataclass(frozen=True)
class NormalGammaPrior:
    """A normal-inverse-gamma prior, in observations: mean m₀ worth κ₀ of them, variance σ₀² worth ν₀."""

    mean: float
    variance: float
    mean_weight: float
    freedom: float


@plain_dataclass(frozen=True)
class Predictive:
    """Student's t for the next signal of each image: (n,) degrees of freedom, centre and scale."""

    freedom: Array
    centre: Array
    scale: Array

    def log_density(self, signal: Array) -> Array:
        """(n,) log densities."""
        from scipy.stats import t

        return np.asarray(t.logpdf(signal, self.freedom, self.centre, self.scale), dtype=np.float64)

    def log_odds(self, signal: Array) -> Array:
        """(n,) log F − log(1 − F)."""
        from scipy.stats import t

        below, above = (tail(signal, self.freedom, self.centre, self.scale) for tail in (t.logcdf, t.logsf))
        odds: Array = np.clip(below - above, -_LARGEST_ODDS, _LARGEST_ODDS)
        return odds


def prior_of(told: Array, target: Array, freedom: float) -> NormalGammaPrior:
    """What all images together say of the mean and the variance of (K, n) signals."""
    mean, variance = mean_of(told), variance_within(told, target) + _SMALLEST
    known = ~np.isnan(mean)
    noise = variance / max(1.0, float((~np.isnan(told)).sum(0)[known].mean())) if known.any() else variance
    between = max(float(np.var(mean[known])) - noise, 1e-3 * variance) if known.any() else variance
    return NormalGammaPrior(
        float(np.mean(mean[known])) if known.any() else np.nan, variance, variance / between, freedom
    )


def predictive(told: Array, prior: NormalGammaPrior) -> Predictive:
    """What (K, n) signals of references, of which some are unknown, let expect of one more model."""
    n, mean = (~np.isnan(told)).sum(0), mean_of(told)
    squares, x = np.nansum((told - mean) ** 2, 0), np.where(n > 0, mean, prior.mean)
    weight, freedom = prior.mean_weight + n, prior.freedom + n
    centre = (prior.mean_weight * prior.mean + n * x) / weight
    shift = prior.mean_weight * n / weight * (x - prior.mean) ** 2
    variance = (prior.freedom * prior.variance + squares + shift) / freedom
    return Predictive(freedom, centre, np.sqrt(variance * (1 + 1 / weight)))
