"""The attack model: one fully connected layer and a sigmoid (or two layers), as plain arrays.

It is data, and its forward pass takes tensors, too: stage 2 moves images along its logit.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bareface.errors import Abstained, UsageError
from bareface.membership.engine import arrays as xp
from bareface.membership.engine.arrays import Array

Shape = Literal["logistic", "mlp"]

HIDDEN_UNITS = 16
MLP_STEPS = 100
# Standardised features beyond this many deviations are clipped: one wild distance must not decide alone.
CLIP = 10.0


@dataclass(frozen=True)
class TrainingSet:
    """(n, f) features of images and (n,) whether they were members."""

    features: Array
    member: NDArray[np.bool_]

    def take(self, rows: NDArray[np.bool_]) -> "TrainingSet":
        """Some of the images."""
        return TrainingSet(self.features[rows], self.member[rows])


@dataclass(frozen=True)
class AttackModel:
    """logit = W_k relu(... W_1 clip((x - mean) / scale) + b_1 ...) + b_k over the columns that are used.

    Attributes:
        used: (f,) which columns enter; the others were unknown for every image.
        mean, scale: (number used,) standardisation.
        weights: matrices (in, out), the last with one output.
        biases: a vector for each matrix.
    """

    used: NDArray[np.bool_]
    mean: Array
    scale: Array
    weights: tuple[Array, ...]
    biases: tuple[Array, ...]

    def logit(self, features: Array) -> Array:
        """(..., f) features to (...) logits; NaN where a used column is NaN.

        Of tensors it is differentiable. Beyond the clip the gradient passes as if there were none, so that an image
        that a search has moved too far can come back.
        """
        hidden = self._standardise(features)
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            hidden = xp.clip(_affine(hidden, weight, bias), 0.0)
        return _affine(hidden, self.weights[-1], self.biases[-1])[..., 0]

    def standardised_by(self, features: Array) -> "AttackModel":
        """The same model, its standardisation taken from another pool of images (no labels needed)."""
        mean, scale = _moments(features[:, self.used])
        return replace(self, mean=mean, scale=scale)

    def arrays(self) -> dict[str, NDArray[np.float64] | NDArray[np.bool_]]:
        """Everything by name, to be stored."""
        layers = {f"weight_{i}": w for i, w in enumerate(self.weights)} | {
            f"bias_{i}": b for i, b in enumerate(self.biases)
        }
        return {"used": self.used, "mean": self.mean, "scale": self.scale, **layers}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.float64] | NDArray[np.bool_]]) -> "AttackModel":
        """The model that `arrays` came from.

        Raises:
            UsageError: an array is missing.
        """
        try:
            return cls._from_arrays(arrays)
        except KeyError as error:
            expected = "what AttackModel.arrays() gives"
            raise UsageError("attack model", got=f"no array {error}", expected=expected) from error

    @classmethod
    def _from_arrays(cls, arrays: Mapping[str, NDArray[np.float64] | NDArray[np.bool_]]) -> "AttackModel":
        depth = sum(name.startswith("weight_") for name in arrays)
        weights, biases = (
            [arrays[f"{kind}_{i}"].astype(np.float64) for i in range(depth)] for kind in ("weight", "bias")
        )
        mean, scale = arrays["mean"].astype(np.float64), arrays["scale"].astype(np.float64)
        return cls(arrays["used"].astype(bool), mean, scale, tuple(weights), tuple(biases))

    def _standardise(self, features: Array) -> Array:
        used = features[..., self.used]
        return xp.clip_through((used - xp.like(self.mean, used)) / xp.like(self.scale, used), -CLIP, CLIP)


def _affine(hidden: Array, weight: Array, bias: Array) -> Array:
    moved: Array = hidden @ xp.like(weight, hidden) + xp.like(bias, hidden)
    return moved


def fit(lessons: Sequence[TrainingSet], *, shape: Shape, penalty: float, rng: np.random.Generator) -> AttackModel:
    """Fit an attack model on one lesson, or on several that are each standardised by themselves.

    Images with an unknown feature are left out of the fit.

    Raises:
        Abstained: no image with known features on one side.
    """
    widths = {lesson.features.shape[1] for lesson in lessons}
    if len(widths) > 1:
        raise Abstained(
            "attack model",
            got=f"shadows with {sorted(widths)} features",
            expected="shadows of one architecture",
        )
    used = np.logical_and.reduce([~np.isnan(lesson.features).all(0) for lesson in lessons])
    if not used.any():
        raise Abstained("attack model", got="no image with known features", expected="at least one on each side")
    moments = [_moments(lesson.features[:, used]) for lesson in lessons]
    standard = [
        np.clip((lesson.features[:, used] - mean) / scale, -CLIP, CLIP)
        for lesson, (mean, scale) in zip(lessons, moments, strict=True)
    ]
    x, y = np.concatenate(standard), np.concatenate([lesson.member for lesson in lessons])
    x, y = x[~np.isnan(x).any(1)], y[~np.isnan(x).any(1)]
    if len(np.unique(y)) < 2:
        raise Abstained("attack model", got="one side only", expected="known members and known non-members")
    weights, biases = (_fit_logistic if shape == "logistic" else _fit_mlp)(x, y, penalty, rng)
    return AttackModel(used, *moments[0], weights, biases)


def _moments(features: Array) -> tuple[Array, Array]:
    known = features[~np.isnan(features).any(1)]
    if not len(known):
        raise Abstained("attack model", got="no image with known features", expected="at least one")
    scale = known.std(0)
    return known.mean(0), np.where(scale > 0, scale, 1.0)


def _fit_logistic(
    x: Array, y: NDArray[np.bool_], penalty: float, rng: np.random.Generator
) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1.0 / penalty, class_weight="balanced", max_iter=5000).fit(x, y)
    return (model.coef_.T.astype(np.float64),), (model.intercept_.astype(np.float64),)


def _fit_mlp(
    x: Array, y: NDArray[np.bool_], penalty: float, rng: np.random.Generator
) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(
        (HIDDEN_UNITS,), solver="lbfgs", alpha=penalty, max_iter=MLP_STEPS, max_fun=50 * MLP_STEPS,
        random_state=int(rng.integers(2**31)), tol=1e-3,
    )  # fmt: skip
    with warnings.catch_warnings():
        # The number of steps is the budget; stopping there is early stopping, not a failure.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x, y)
    return tuple(w.astype(np.float64) for w in model.coefs_), tuple(b.astype(np.float64) for b in model.intercepts_)
