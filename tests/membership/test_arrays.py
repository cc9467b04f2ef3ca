"""One physics: every attack on one image has the same features from arrays and from tensors, and gradients."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest
import torch
from toy import toy_world

from bareface.membership import attacks
from bareface.membership.base import FeatureAttack
from bareface.membership.engine import arrays as xp

MORE = {"top": (1, 2, 8)}


def choices(kind: type[FeatureAttack]) -> Iterator[dict[str, Any]]:
    """Every combination of the parameters that have a closed list of values, and some of the others."""
    hints = get_type_hints(kind)
    closed = {n: get_args(h) for n, h in hints.items() if get_origin(h) is Literal and n not in ("model", "memory")}
    closed |= {name: values for name, values in MORE.items() if name in hints}
    return (dict(zip(closed, values, strict=True)) for values in product(*closed.values()))


EVERY = [
    pytest.param(kind(**parameters), id=f"{name} {parameters}")
    for name, kind in attacks().items()
    if issubclass(kind, FeatureAttack) and kind.by_itself and not kind.beside
    for parameters in choices(kind)
]


def test_the_parameters_are_tried() -> None:
    titles = {str(one.id) for one in EVERY}
    assert len(EVERY) > 40
    assert "bn-distance {'convention': 'variance', 'flip': 'none'}" in titles
    assert "view-agreement {'form': 'vector'}" in titles


@pytest.mark.parametrize("attack", EVERY)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_tensors_have_the_features_of_arrays(attack: FeatureAttack, dtype: torch.dtype) -> None:
    trace = toy_world(5, people=6, images=2, leak=0.5).trace
    moved = {c: torch.from_numpy(v).to(dtype).requires_grad_(True) for c, v in trace.channels.items()}
    found: Any = attack.features(replace(trace, channels=moved))  # type: ignore[arg-type]
    assert found.dtype == dtype
    close = {"rtol": 1e-5, "atol": 1e-6} if dtype == torch.float64 else {"rtol": 1e-3, "atol": 1e-3}
    np.testing.assert_allclose(found.detach().double().numpy(), attack.features(trace), **close)
    found.sum().backward()
    gradients = [values.grad for name, values in moved.items() if name in attack.reads() and values.grad is not None]
    assert gradients
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert any((gradient != 0).any() for gradient in gradients)


@pytest.mark.parametrize("attack", EVERY)
def test_an_image_is_judged_by_itself(attack: FeatureAttack) -> None:
    trace = toy_world(6, people=6, images=2, leak=0.5).trace
    some = np.array([7, 2, 3])
    np.testing.assert_allclose(attack.features(trace.take(some)), attack.features(trace)[some], rtol=1e-12)


def test_whoever_compares_photos_says_so() -> None:
    comparing = [k for k in attacks().values() if issubclass(k, FeatureAttack) and not k.by_itself]
    assert comparing
    for kind in comparing:
        trace = toy_world(6, people=6, images=6, leak=0.5).trace
        some = np.array([0, 1, 2, 6, 7, 8, 12, 13, 14])
        alone, among = kind().features(trace.take(some)), kind().features(trace)[some]
        assert not np.allclose(alone, among, equal_nan=True)


UNARY = (xp.log, xp.exp, xp.expm1, xp.sort, xp.norm, xp.exact)


@pytest.mark.parametrize("function", UNARY, ids=lambda f: f.__name__)
def test_a_function_means_the_same_in_both(function: Any) -> None:
    values = np.random.default_rng(0).random((4, 5)) + 0.1
    np.testing.assert_allclose(function(torch.from_numpy(values)).numpy(), function(values))


def test_functions_along_an_axis_mean_the_same_in_both() -> None:
    values = np.random.default_rng(0).normal(size=(4, 5))
    tensor: Any = torch.from_numpy(values)
    levels = (0.0, 0.3, 1.0)
    pairs = [
        (xp.std(values, 1), xp.std(tensor, 1)),
        (values.std(1), xp.std(tensor, 1)),
        (xp.std(values, 0, keepdims=True), xp.std(tensor, 0, keepdims=True)),
        (xp.amax(values, 1), xp.amax(tensor, 1)),
        (xp.amin(values, 1), xp.amin(tensor, 1)),
        (xp.norm(values, keepdims=True), xp.norm(tensor, keepdims=True)),
        (xp.quantile(values, levels, 1), xp.quantile(tensor, levels, 1)),
        (xp.concat([values, values], 1), xp.concat([tensor, tensor], 1)),
        (xp.stack([values, values], 1), xp.stack([tensor, tensor], 1)),
        (xp.clip(values, -0.5), xp.clip(tensor, -0.5)),
        (xp.clip(values, None, 0.5), xp.clip(tensor, None, 0.5)),
        (xp.clip_through(values, -0.5, 0.5), xp.clip_through(tensor, -0.5, 0.5)),
        (xp.atanh(values / 9), xp.atanh(tensor / 9)),
        (xp.where(values > 0, values, 0.0), xp.where(tensor > 0, tensor, 0.0)),
        (xp.like([1, 2], values), xp.like([1, 2], tensor)),
        (xp.plain(values), xp.plain(tensor)),
    ]
    for ours, theirs in pairs:
        np.testing.assert_allclose(np.asarray(theirs), ours)


def test_where_nothing_is_clipped_for_the_gradient() -> None:
    far: Any = torch.tensor([5.0, -5.0, 0.1], requires_grad=True)
    xp.clip_through(far, -1.0, 1.0).sum().backward()  # type: ignore[attr-defined]
    assert far.grad.tolist() == [1.0, 1.0, 1.0]
    far.grad = None
    xp.clip(far, -1.0, 1.0).sum().backward()  # type: ignore[attr-defined]
    assert far.grad.tolist() == [0.0, 0.0, 1.0]
