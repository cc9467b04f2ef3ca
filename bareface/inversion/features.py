"""The features that stage 1's attacks feed their attack models, from a target's answers; differentiable."""

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor

from bareface.errors import UsageError
from bareface.inversion.answers import Answers

Features = Callable[[Answers], Tensor]  # to (n, p, f): the features of each pair

_LARGEST_COSINE = 1.0 - 1e-7


def stage1_features(attack: str, parameters: Mapping[str, object] | None = None) -> Features:
    """The features of the stage-1 attack of that name under its parameters; the attack's defaults where it has none.

    Raises:
        UsageError: no image can be moved along that attack's features.
    """
    if attack not in _FEATURES:
        raise UsageError(
            "membership objective",
            got=f"an attack model of {attack!r}",
            expected=f"one of {', '.join(_FEATURES)}",
            hint="an attack that judges one image by itself",
        )
    names, features = _FEATURES[attack]
    return partial(features, **{name: value for name, value in (parameters or {}).items() if name in names})


def distances(answers: Answers, convention: str) -> Tensor:
    """(n, p, 2, l) d_i with b_i = c_i (`channels`), 1 (`none`) or the running variances (`variance`)."""
    if convention == "variance":
        return answers.distance_variance
    return answers.distance / answers.channels if convention == "channels" else answers.distance


def _bn_distance(answers: Answers, convention: str = "channels", flip: str = "concat") -> Tensor:
    return _joined(distances(answers, convention), flip)


def _bn_distance_variance(answers: Answers, flip: str = "concat") -> Tensor:
    parts = (answers.distance_variance, answers.logvar, answers.logvar_squared)
    return torch.cat([_joined(part, flip) for part in parts], -1)


def _embedding_norm(answers: Answers, flip: str = "concat") -> Tensor:
    return _joined(answers.embedding.norm(dim=-1).clamp(min=1e-12).log()[..., None], flip)


def _flip_agreement(answers: Answers) -> Tensor:
    cosine = answers.direction.prod(2).sum(-1, keepdim=True)
    return cosine.clamp(-_LARGEST_COSINE, _LARGEST_COSINE).atanh()


def _joined(values: Tensor, flip: str) -> Tensor:
    """(n, p, 2, k) to (n, p, f): the two of a pair side by side, their mean, or the first alone."""
    if flip == "mean":
        return values.mean(2)
    return values[:, :, 0] if flip == "none" else values.flatten(2)


_FEATURES: dict[str, tuple[frozenset[str], Callable[..., Tensor]]] = {
    "bn-distance": (frozenset({"convention", "flip"}), _bn_distance),
    "bn-distance-variance": (frozenset({"flip"}), _bn_distance_variance),
    "embedding-norm": (frozenset({"flip"}), _embedding_norm),
    "flip-agreement": (frozenset(), _flip_agreement),
}
