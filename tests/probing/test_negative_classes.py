"""The margin loss whose classes are an image's own views and public faces."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_nets import TINY
from torch import Tensor, nn

from bareface.errors import UsageError
from bareface.faces.source import ArrayImages
from bareface.probing.backbone import BackboneProber
from bareface.probing.kinds import strangers_of
from bareface.probing.negative_classes import MARGIN, SCALE, PublicDirections, negative_classes
from bareface.probing.probe import load_trace, plan, probe
from bareface.targets.target import Target
from bareface.trace import Channel, Trace

MARGINAL = frozenset({Channel.MARGIN_GRADIENT})


def pixels(n: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, 3, 48, 48), generator=generator, dtype=torch.uint8)


def slow_loss(first: Tensor, second: Tensor, others: Tensor) -> Tensor:
    """One image: ArcFace as published, its class in the place of a row of weights."""
    unit = [one / one.norm() for one in (first, second)]
    centre = ((unit[0] + unit[1]) / 2).detach()
    centre = centre / centre.norm()
    told = []
    for view in unit:
        angle = torch.acos(view @ centre)
        logits = torch.stack([torch.cos(angle + MARGIN), *(view @ other for other in others)])
        told.append(nn.functional.cross_entropy(SCALE * logits[None], torch.tensor([0])))
    return (told[0] + told[1]) / 2


def test_the_loss_is_arcface_with_a_pseudo_centroid() -> None:
    generator = torch.Generator().manual_seed(0)
    both, others = torch.randn(6, 5, generator=generator), torch.randn(4, 5, generator=generator)
    others = others / others.norm(dim=1, keepdim=True)
    expected = torch.stack([slow_loss(both[i], both[i + 3], others) for i in range(3)])
    torch.testing.assert_close(PublicDirections(others).margin_loss(both), expected)


def test_views_that_are_the_same_have_a_finite_gradient() -> None:
    view = torch.randn(2, 5, generator=torch.Generator().manual_seed(0)).requires_grad_()
    (gradient,) = torch.autograd.grad(PublicDirections(torch.eye(5)).margin_loss(torch.cat([view, view])).sum(), view)
    assert gradient.isfinite().all()


@pytest.fixture(scope="module")
def target() -> Target:
    return TINY["ir"].target()


def answered(target: Target, others: PublicDirections | None, folder: Path, batch_size: int = 2) -> Trace:
    prober = BackboneProber(target, channels=MARGINAL, strangers=others)
    digests = np.array([f"digest-{i}" for i in range(3)])
    return load_trace(probe(prober, ArrayImages(pixels(3, 1)), plan(prober, digests, batch_size=batch_size), folder))


def test_each_images_gradient_is_that_of_a_pass_of_its_own(target: Target, tmp_path: Path) -> None:
    others = negative_classes(target, ArrayImages(pixels(40, 2)))
    with torch.inference_mode():
        expected = target.embed(pixels(40, 2))
    torch.testing.assert_close(others.direction, nn.functional.normalize(expected).clone())
    trace = answered(target, others, tmp_path)
    assert trace.channels[Channel.MARGIN_GRADIENT].shape == (3, 1, len(trace.weighted))
    for row, image in enumerate(target.spec.normalise(pixels(3, 1))):
        first, second = target.module(torch.stack([image, image.flip(-1)])).flatten(1)
        weights = [target.module.get_submodule(layer.name).weight for layer in trace.weighted]
        slow = torch.autograd.grad(slow_loss(first, second, others.direction), weights)
        norms = torch.stack([gradient.norm() for gradient in slow]).log().detach().numpy()
        np.testing.assert_allclose(trace.channels[Channel.MARGIN_GRADIENT][row, 0], norms, atol=2e-3)


def test_answers_are_kept_apart_by_who_the_others_are(target: Target, tmp_path: Path) -> None:
    near, far = (negative_classes(target, ArrayImages(pixels(5, seed))) for seed in (3, 4))
    first, second = (answered(target, others, tmp_path) for others in (near, far))
    assert len(list(tmp_path.iterdir())) == 2
    assert not np.allclose(first.channels[Channel.MARGIN_GRADIENT], second.channels[Channel.MARGIN_GRADIENT])
    np.testing.assert_allclose(first.channels[Channel.EMBEDDING], second.channels[Channel.EMBEDDING], atol=1e-5)


def test_without_public_faces_there_is_no_such_loss(target: Target, tmp_path: Path) -> None:
    assert Channel.MARGIN_GRADIENT not in answered(target, None, tmp_path).channels
    with pytest.raises(UsageError, match="public images: got 0; expected at least 1 to keep away from"):
        negative_classes(target, ArrayImages(pixels(0, 0)))


def test_nothing_is_differentiated_where_there_are_no_weights_to_differentiate_by() -> None:
    assert strangers_of(object(), ArrayImages(pixels(1, 0))) is None  # type: ignore[arg-type]
