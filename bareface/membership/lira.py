"""Likelihood ratio of a signal under models that saw the image and models that did not.

What it tests:
Whether the target's signal of an image is what models trained on that image show, or what models that were not do. An
image that every model finds easy no longer passes for a member.

What the attacker needs:
Reference models of the same kind that were not trained on the image, as an audit's shadows; with `online` also some
that were, as the `trained_references` of a configuration. Beside them some true members (partial), the shadows' own
(shadow), or people who are known not to be members (nonmembers), for the direction and the threshold. The signals are
black box, but for `bn-distance`, `bn-kl` (white box) and `logit` (the head).

How it works:
N(μ_out, σ_out²) is fitted to the signal over the references that were not trained on the image. Offline the score is
(s − μ_out) / σ_out, whose normal distribution function is LiRA's 1 − Pr[Z > s]. Online it is log N(s; μ_in, σ_in²) −
log N(s; μ_out, σ_out²). `fixed` pools each variance (between the references of one image) over all images that are
judged or known, members and non-members alike, as few references want; `per-example` estimates it from the references
of the one image.

Known limits:
With two references a variance per example is noise: leave it fixed or use bavaria. References trained by another recipe
or on other faces shift μ: the fit on what is known takes out a common shift, not one that differs by image.

Reference:
Carlini et al., S&P 2022, arXiv 2112.03570, algorithm 1 and section VI; its logit is the signal `logit`, with the
likeliest class for the unknown label.
"""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from bareface.membership.base import PARAMETERS
from bareface.membership.engine.features import mean_of
from bareface.membership.families.calibrated import CalibratedAttack, ReferenceSignals, variance_within

Array = NDArray[np.float64]
Variance = Literal["fixed", "per-example"]

_LEAST_SHARE = 1e-4
_SMALLEST = 1e-12


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class Lira(CalibratedAttack):
    """The ratio of two normal densities, or the tail of one.

    Attributes:
        variance: pooled over images, or each image's own.
    """

    name: ClassVar[str] = "lira"

    variance: Variance = "fixed"

    def evidence(self, seen: ReferenceSignals) -> Array:
        """(n,) the log likelihood ratio, or the standard score under the models that did not see the image."""
        out = standard_score(seen.target, seen.out, self.variance)
        if self.mode == "offline":
            return out[0]
        within = standard_score(seen.target, seen.within, self.variance)
        return 0.5 * (out[0] ** 2 - within[0] ** 2) + np.log(out[1] / within[1])


def standard_score(target: Array, told: Array, variance: Variance) -> tuple[Array, Array]:
    """(n,) (s − μ) / σ and (n,) σ of a signal s under what K references told of it."""
    mean, pooled = mean_of(told), variance_within(told, target)
    spread = np.full(len(target), pooled)
    if variance == "per-example":
        freedom = (~np.isnan(told)).sum(0) - 1
        squares = np.nansum((told - mean) ** 2, 0)
        spread = np.where(freedom > 0, squares / np.maximum(freedom, 1), np.nan)
    deviation = np.sqrt(np.maximum(spread, _LEAST_SHARE * pooled) + _SMALLEST)
    return (target - mean) / deviation, deviation
