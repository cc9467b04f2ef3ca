"""Mahalanobis distance of an image's activations to those of public faces, layer by layer.

What it tests:
Whether the activations of training images lie nearer to (or farther from) the cloud of anybody's than other images' do,
when the cloud's own shape is taken into account.

What the attacker needs:
The backbone's inside and public people as a gallery; `relative` also reference models that were not trained on the
image (an audit's shadows). Beside them some true members (partial), the shadows' own (shadow), or people who are known
not to be members (nonmembers). No classification layer, no label.

How it works:
What enters each BatchNorm layer, averaged over positions, in 32 numbers a layer (see `mint`). Mean μ and the
Ledoit-Wolf covariance Σ of half of the gallery give log (φ − μ)ᵀ Σ⁻¹ (φ − μ) for each layer, image and flip; the half
is the one that the image's own person is not in. `relative` subtracts the mean of the same over the references: no
rotation of a network changes the distance. An attack model reads all layers.

Known limits:
It says how ordinary a picture is, which `relative` takes out in part: read it beside the foreign model. With a gallery
of fewer than some hundred images the covariance is mostly the shrinkage's.

Reference:
Lee et al., NeurIPS 2018, arXiv 1807.03888, without classes; Ledoit and Wolf, J. Multivar. Anal. 2004; the relative form
after Ren et al., arXiv 2106.09022, with other models in place of a background cloud.
"""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from bareface.errors import Abstained
from bareface.membership.base import PARAMETERS, Beside, FeatureAttack, Features, check_channels
from bareface.membership.engine.features import Flip, views
from bareface.membership.engine.gallery import gallery_of
from bareface.trace import Channel, Trace

Array = NDArray[np.float64]

_SMALLEST = 1e-12


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class Mahalanobis(FeatureAttack):
    """Log distances of all layers.

    Attributes:
        relative: less what reference models say of the same image.
        flip: how the image and its flip are joined.
    """

    name: ClassVar[str] = "mahalanobis"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.POOLED})
    beside: ClassVar[frozenset[Beside]] = frozenset({"gallery", "references"})

    relative: bool = False
    flip: Flip = "concat"

    def features(self, trace: Trace) -> Features:
        """(n, views x layers) logarithms of squared distances, or their differences."""
        distance = log_distances(trace, self.name)
        if self.relative:
            distance = distance - self._of_references(trace, distance.shape)
        return views(distance.astype(np.float32), self.flip)

    def _of_references(self, trace: Trace, shape: tuple[int, ...]) -> Array:
        """(n, v, l) means over references that were not trained on the image; NaN where there is none."""
        if not trace.references:
            raise Abstained(
                self.name, got="no reference model", expected="other models beside the target", hint="shadow settings"
            )
        total, count = np.zeros(shape), np.zeros(len(trace))
        for one in trace.references:
            check_channels(self.name, self.needs, one.trace, "reference")
            told = log_distances(one.trace, self.name)
            if told.shape != shape:
                raise Abstained(
                    self.name, got=f"a reference with {told.shape[2]} layers", expected=f"{shape[2]}, as the target has"
                )
            total[~one.member] += told[~one.member]
            count += ~one.member
        return total / np.where(count > 0, count, np.nan)[:, None, None]


def log_distances(trace: Trace, name: str) -> Array:
    """(n, v, l) logarithm of the squared distance / 32 to the half of the gallery that holds nobody of the image's own.

    Raises:
        Abstained: there is no gallery, or one half of it is nobody.
    """
    gallery = gallery_of(trace, name)
    pooled, known = trace.channels[Channel.POOLED], gallery.channels[Channel.POOLED]
    told = np.full(pooled.shape[:3], np.nan)
    for half in (0, 1):
        rows, others = trace.photo_set % 2 == half, gallery.photo_set % 2 != half
        if others.sum() < 2:
            raise Abstained(name, got=f"{int(others.sum())} public images in one half", expected="two at least")
        for layer in range(pooled.shape[2]):
            cloud = Cloud.of(known[others, :, layer].reshape(-1, known.shape[-1]))
            told[rows, :, layer] = cloud.distance(pooled[rows, :, layer])
    return np.asarray(np.log(np.maximum(told, _SMALLEST)))


class Cloud:
    """Mean and inverse covariance of a cloud of points."""

    def __init__(self, mean: Array, precision: Array) -> None:
        self.mean, self.precision = mean, precision

    @classmethod
    def of(cls, points: NDArray[np.float32]) -> "Cloud":
        """The Ledoit-Wolf estimate from (n, w) points; points that are unknown are left out."""
        from sklearn.covariance import LedoitWolf

        known = points[~np.isnan(points).any(1)].astype(np.float64)
        model = LedoitWolf().fit(known)
        return cls(model.location_, model.precision_)

    def distance(self, points: NDArray[np.float32]) -> Array:
        """(..., w) points to (...) squared distances, divided by w."""
        away = points.astype(np.float64) - self.mean
        squared = np.einsum("...i,ij,...j->...", away, self.precision, away, optimize=True)
        return np.asarray(squared / len(self.mean))
