"""The self-check finds out how a net was fed, says when it cannot, and stops an audit that feeds it otherwise."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from bareface.errors import TargetError
from bareface.faces.source import ArrayImages
from bareface.inspecting.feedings import Feeding, feedings, is_colourless
from bareface.inspecting.selfcheck import FEWEST_IMAGES, refuse_if_misfit, selfcheck
from bareface.records.selfcheck import SelfCheck
from bareface.settings.spec import ImageSpec
from bareface.synthetic import SyntheticFaces
from bareface.targets.build import build
from bareface.targets.running_statistics import misfit
from bareface.targets.target import Target
from bareface.training.recalibrate import estimate_statistics

SIDE = 32
HALF = ImageSpec(SIDE, SIDE, "RGB")
IMAGENET = ImageSpec(SIDE, SIDE, "RGB", (123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
UNIT = ImageSpec(SIDE, SIDE, "BGR", (0.0,), (255.0,))
GREY = ImageSpec(SIDE, SIDE, "GRAY")


def faces(first: int, count: int = 96) -> Tensor:
    people = np.arange(first, first + count)
    return SyntheticFaces(3, SIDE).render(people, np.zeros(count, np.int64))


@pytest.fixture(scope="module")
def known() -> ArrayImages:
    """Whom a net has seen."""
    return ArrayImages(faces(0))


@pytest.fixture(scope="module")
def strangers() -> ArrayImages:
    """Whom it has not."""
    return ArrayImages(faces(1000))


def net(spec: ImageSpec) -> Target:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return Target("net", "ir-tiny", build("ir-tiny", spec=spec, embedding_size=16), spec)


def fed(spec: ImageSpec, known: ArrayImages, *, declared: ImageSpec | None = None) -> Target:
    """A net whose running statistics are those of faces that were fed as `spec` says."""
    target = estimate_statistics(net(spec), known)
    return target if declared is None else replace(target, spec=declared)


def norm_layers(target: Target) -> list[Any]:
    return [layer for layer in target.module.modules() if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm1d)]


@pytest.mark.parametrize("spec", [HALF, IMAGENET, UNIT, GREY], ids=str)
def test_the_way_a_net_was_fed_fits_best(spec: ImageSpec, known: ArrayImages, strangers: ArrayImages) -> None:
    check = selfcheck(fed(spec, known), strangers, "strangers")
    assert check.verdict == "fits", check.sentence
    assert check.fits[0].project == "as declared"
    assert check.fits[0].misfit < 0.01
    assert check.fits[1].misfit > 2 * check.fits[0].misfit
    assert check.layers == 22
    assert check.order.startswith("one channel" if spec is GREY else spec.order)


@pytest.mark.parametrize(("spec", "declared"), [(HALF, replace(HALF, order="BGR")), (IMAGENET, UNIT), (UNIT, HALF)])
def test_another_way_is_a_misfit_and_the_right_one_is_named(
    spec: ImageSpec, declared: ImageSpec, known: ArrayImages, strangers: ArrayImages
) -> None:
    check = selfcheck(fed(spec, known, declared=declared), strangers, "strangers")
    right = str(Feeding(spec, ""))
    assert check.verdict == "misfit"
    assert check.fits[0].input == right
    assert f"{right} has" in check.sentence
    with pytest.raises(TargetError, match=r"input of net: got .* has misfit .*; expected faces with the statistics"):
        refuse_if_misfit(check, "net", "the right spec")


def test_per_image_whitening_is_found(known: ArrayImages, strangers: ArrayImages) -> None:
    whitened = Feeding(replace(HALF, mean=(0.0,), std=(1.0,)), "", whitened=True)
    target = net(HALF)
    for layer in norm_layers(target):
        layer.reset_running_stats()
        layer.momentum = None
    target.module.train()
    with torch.no_grad():
        target.embed_normalised(whitened.normalise(known.pixels))
    target.module.eval()
    check = selfcheck(target, strangers, "strangers")
    assert check.fits[0].input == "RGB, each image by its own mean and deviation"
    assert check.verdict == "misfit"


def test_grey_images_cannot_tell_the_channel_order(known: ArrayImages, strangers: ArrayImages) -> None:
    grey = ArrayImages(strangers.pixels.float().mean(1, keepdim=True).byte().expand(-1, 3, -1, -1))
    assert is_colourless(grey.pixels)
    assert not is_colourless(strangers.pixels)
    check = selfcheck(fed(HALF, known), grey, "grey")
    assert check.order == "cannot be told: the images are grey, so that red and blue are the same"
    assert {fit.input[:3] for fit in check.fits} == {"RGB"}
    assert check.fits[0].project == "as declared"


def test_faces_of_another_kind_may_fit_in_no_way(known: ArrayImages, strangers: ArrayImages) -> None:
    target = fed(HALF, known)
    for layer in norm_layers(target):
        layer.running_mean.add_(3 * layer.running_var.sqrt())
    check = selfcheck(target, strangers, "strangers")
    assert check.verdict == "misfit"
    assert check.sentence.endswith("and no known input fits: other crops, another alignment, or no faces.")


def test_what_cannot_be_checked_is_skipped_with_the_reason(known: ArrayImages, strangers: ArrayImages) -> None:
    few = ArrayImages(strangers.pixels[: FEWEST_IMAGES - 1])
    plain = Target("plain", "none", nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()), HALF)
    reasons = {
        "no BatchNorm layer with running statistics that were ever updated": selfcheck(net(HALF), strangers, "x"),
        "no BatchNorm layer with running statistics": selfcheck(plain, strangers, "x"),
        "15 images are too few, 16 are needed": selfcheck(fed(HALF, known), few, "x"),
    }
    for reason, check in reasons.items():
        assert (check.status, check.reason, check.verdict) == ("skipped", reason, None)
        assert check.sentence == f"Not checked: {reason}."
        refuse_if_misfit(check, "net", "")
        assert SelfCheck.model_validate_json(check.model_dump_json()) == check


def test_a_net_may_choke_on_a_wrong_scale(known: ArrayImages, strangers: ArrayImages) -> None:
    target = fed(HALF, known)
    with torch.no_grad():
        for layer in target.module.modules():
            if isinstance(layer, nn.Conv2d):
                layer.weight.mul_(1e4)
    check = selfcheck(target, strangers, "strangers")
    assert check.verdict == "misfit"
    assert all(0.9 < fit.misfit <= 1 for fit in check.fits)


def test_no_way_of_feeding_is_tried_twice() -> None:
    ways = feedings(replace(HALF, std=(128.0,)), orders=("RGB", "BGR"))
    assert len({str(way) for way in ways}) == len(ways) == 14
    assert "RGB, (x - 127.5) / 127.5" not in map(str, ways)  # what is declared is the same, to half a level in 255
    assert len(feedings(HALF, orders=("RGB",))) == len(feedings(GREY, orders=("GRAY",))) == 7
    odd = feedings(replace(HALF, mean=(100.0,)), orders=("RGB",))
    assert (len(odd), odd[0].project) == (8, "as declared")


def test_whitening_gives_each_image_mean_zero_and_deviation_one() -> None:
    images = torch.randint(0, 256, (3, 3, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    images[2] = 7
    pixels = Feeding(replace(HALF, mean=(0.0,), std=(1.0,)), "", whitened=True).normalise(images)
    torch.testing.assert_close(pixels.mean((1, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(pixels[:2].std((1, 2, 3)), torch.ones(2))
    assert not pixels[2].any()


@settings(max_examples=30)
@given(
    st.floats(-3, 3), st.floats(0.05, 4), st.floats(-3, 3), st.floats(0.05, 4)
)  # fmt: skip
def test_the_misfit_is_the_squared_hellinger_distance(a: float, v: float, b: float, w: float) -> None:
    x = np.linspace(-30, 30, 200_001)
    p, q = (np.exp(-((x - m) ** 2) / (2 * s)) / np.sqrt(2 * np.pi * s) for m, s in ((a, v), (b, w)))
    integral = 0.5 * np.sum((np.sqrt(p) - np.sqrt(q)) ** 2) * (x[1] - x[0])
    (got,) = misfit(np.array([a]), np.array([v]), np.array([b]), np.array([w]), eps=0.0)
    assert got == pytest.approx(integral, abs=1e-6)


def test_dead_channels_agree_and_what_is_not_finite_is_disjoint() -> None:
    zero, one = np.zeros(1), np.ones(1)
    assert misfit(zero, zero, zero, 1e-12 * one)[0] == pytest.approx(0, abs=1e-6)
    assert misfit(np.array([np.inf]), one, zero, one)[0] == 1
    assert misfit(zero, np.array([np.nan]), zero, one)[0] == 1
