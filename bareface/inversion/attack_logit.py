"""A fitted stage-1 attack model, rebuilt from its arrays so that it can be differentiated."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from bareface.errors import UsageError

# The attack models clip their standardised features here.
CLIP = 10.0


@dataclass(frozen=True, eq=False)
class AttackLogit:
    """logit = W_k relu(... W_1 clip((x - mean) / scale) + b_1 ...) + b_k over the columns that are used.

    Beyond the clip the gradient passes as if there were none, so that a far image can come back.

    Attributes:
        used: (f,) which columns enter.
        mean, scale: (number used,) standardisation.
        weights: matrices (in, out), the last with one output.
        biases: a vector for each matrix.
    """

    used: Tensor
    mean: Tensor
    scale: Tensor
    weights: tuple[Tensor, ...]
    biases: tuple[Tensor, ...]

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "AttackLogit":
        """The model whose `arrays()` these are.

        Raises:
            UsageError: an array is missing.
        """
        found = {name: torch.from_numpy(value.copy()) for name, value in arrays.items()}
        depth = sum(name.startswith("weight_") for name in found)
        try:
            weights, biases = (tuple(found[f"{kind}_{i}"] for i in range(depth)) for kind in ("weight", "bias"))
            model = cls(found["used"].bool(), found["mean"], found["scale"], weights, biases)
        except KeyError as error:
            raise UsageError(
                "attack model", got=f"no array {error}", expected="what AttackModel.arrays() gives"
            ) from error
        return model

    def __call__(self, features: Tensor) -> Tensor:
        """(..., f) features to (...) logits.

        Raises:
            UsageError: f is not what the model was fitted on.
        """
        hidden = self._standardised(self._select(features))
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            hidden = (hidden @ weight.to(hidden) + bias.to(hidden)).relu()
        return (hidden @ self.weights[-1].to(hidden) + self.biases[-1].to(hidden)).squeeze(-1)

    def standardised_by(self, features: Tensor) -> "AttackLogit":
        """The same model, its standardisation taken from (m, f) features of another pool of images."""
        pool = self._select(features.detach()).double()
        pool = pool[~pool.isnan().any(1)]
        scale = pool.std(0, correction=0)
        return replace(self, mean=pool.mean(0), scale=torch.where(scale > 0, scale, 1.0))

    def _select(self, features: Tensor) -> Tensor:
        if features.shape[-1] != len(self.used):
            raise UsageError(
                "attack model",
                got=f"{features.shape[-1]} features from this target",
                expected=f"the {len(self.used)} that the model was fitted on",
                hint="the attack model of a backbone with the same layers, and its own attack's parameters",
            )
        return features[..., self.used.to(features.device)]

    def _standardised(self, features: Tensor) -> Tensor:
        standard = (features - self.mean.to(features)) / self.scale.to(features)
        return standard + (standard.clamp(-CLIP, CLIP) - standard).detach()
