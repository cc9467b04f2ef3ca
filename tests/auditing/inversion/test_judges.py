"""Judges: what they see, whom they are compared with, and that they stay out of the search."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from bareface.auditing.inversion.galleries import calibration_rows, matched_galleries
from bareface.auditing.inversion.judges import (
    Judge,
    JudgeBench,
    cosines,
    disturbed,
    refuse_judges,
    resized,
    same_network,
)
from bareface.errors import TargetError, UsageError
from bareface.faces.source import ArrayImages
from bareface.settings.spec import ImageSpec
from bareface.targets.target import Target


def network(seed: int, channels: int = 3) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(channels, 8, 3, stride=2),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(32, 6),
    )


def model(seed: int, name: str = "", size: int = 16, order: str = "RGB", centres: Tensor | None = None) -> Target:
    spec = ImageSpec(size, size, order)  # type: ignore[arg-type]
    return Target(name or f"net-{seed}", "toy", network(seed, spec.channels), spec, centres=centres)


@pytest.fixture
def photos() -> ArrayImages:
    return ArrayImages(torch.from_numpy(np.random.default_rng(0).integers(0, 256, (12, 3, 20, 20), dtype=np.uint8)))


def test_an_image_at_the_judges_size_is_embedded_as_the_target_does(photos: ArrayImages) -> None:
    target = model(1, size=20)
    pixels = photos.load(np.arange(4))
    assert torch.allclose(Judge(target).embed(pixels.float() / 255), normalize(target.embed(pixels), dim=1), atol=1e-5)
    assert torch.allclose(
        Judge(target).embed_rows(photos, np.arange(4), 3), normalize(target.embed(pixels), dim=1), atol=1e-5
    )


@pytest.mark.parametrize("order", ["RGB", "BGR", "GRAY"])
def test_gradients_reach_generated_images_of_any_size(order: str) -> None:
    images = torch.rand(2, 3, 33, 33, requires_grad=True)
    embedded = Judge(model(2, order=order)).embed(images)
    assert embedded.norm(dim=1).tolist() == pytest.approx([1, 1], abs=1e-5)
    embedded[:, 0].sum().backward()
    assert images.grad is not None
    assert images.grad.abs().sum() > 0


def test_resizing_keeps_flat_colours_and_the_centre() -> None:
    flat = torch.full((1, 3, 40, 30), 0.3)
    assert torch.allclose(resized(flat, 16, 16), torch.full((1, 3, 16, 16), 0.3))
    ramp = torch.arange(8.0).view(1, 1, 1, 8).expand(1, 3, 4, 8)
    assert resized(ramp, 4, 4)[0, 0, 0].tolist() == [2, 3, 4, 5]
    assert resized(ramp, 2, 2)[0, 0, 0].mean().item() == pytest.approx(3.5)


def test_templates_are_normalised_means_of_normalised_embeddings(photos: ArrayImages) -> None:
    judge, rows = Judge(model(3)), np.array([[0, 1, 2], [5, 4, 3]])
    by_hand = []
    for person in rows:
        total = sum(judge.embed_rows(photos, np.array([row]))[0] for row in person)
        by_hand.append(total / total.norm())
    assert torch.allclose(judge.templates(photos, rows), torch.stack(by_hand), atol=1e-5)
    matrix = cosines(judge.embed_rows(photos, np.arange(6)), judge.templates(photos, rows))
    assert matrix.shape == (6, 2)
    assert matrix.dtype == np.float64
    assert np.abs(matrix).max() <= 1


def test_the_target_cannot_judge_itself() -> None:
    target = model(4)
    headed = replace(target, name="other name", centres=torch.randn(5, 6))
    wrapped = replace(target, name="wrapped", module=nn.Sequential(target.module), architecture="elsewhere")
    half = replace(model(4, "half"), spec=ImageSpec(16, 16, "RGB", (128.0,), (127.0,)))
    for suspect in (target, headed, wrapped, half):
        with pytest.raises(UsageError, match=f"judge {suspect.name}: got the audited backbone itself"):
            JudgeBench((Judge(suspect),), target)


def test_judges_are_different_networks() -> None:
    with pytest.raises(UsageError, match="judge b: got the network of another judge"):
        JudgeBench((Judge(model(5, "a")), Judge(model(5, "b"))), model(6))
    with pytest.raises(UsageError, match="each with its own name"):
        JudgeBench((Judge(model(5, "a")), Judge(model(7, "a"))), model(6))
    with pytest.raises(UsageError, match="got no judge"):
        JudgeBench((), model(6))
    bench = JudgeBench((Judge(model(5)), Judge(model(7, size=12)), Judge(model(8, order="GRAY"))), model(6))
    assert (len(bench), [judge.name for judge in bench]) == (3, ["net-5", "net-7", "net-8"])


def test_networks_are_told_apart() -> None:
    assert not same_network(model(1), model(2))
    wider = model(1)
    assert not same_network(model(2), replace(wider, module=nn.Sequential(wider.module, nn.Linear(6, 9))))


def test_a_judge_is_kept_out_of_selection() -> None:
    bench = JudgeBench((Judge(model(5)), Judge(model(7))), model(6))
    for suspect in (bench.judges[1], bench.judges[1].target, bench.judges[1].target.module, model(7, "renamed"), bench):
        with pytest.raises(UsageError, match=r"selection: got the judge .*; expected models of the attack's side"):
            bench.keep_out("selection", model(9), suspect)
    bench.keep_out("selection", bench.target, model(9), model(9).module, "a name")
    for suspect in (bench, bench.judges[0]):
        with pytest.raises(UsageError, match="selection: got a judge"):
            refuse_judges("selection", suspect)
    refuse_judges("selection", bench.target)


def test_the_fingerprint_of_a_judge_does_not_depend_on_a_head() -> None:
    assert Judge(model(1)).sha256 == Judge(model(1, centres=torch.zeros(3, 6))).sha256


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (torch.zeros(1, 3, 9, 9, dtype=torch.uint8), "floating point RGB"),
        (torch.zeros(1, 1, 9, 9), "floating point RGB"),
        (torch.full((1, 3, 9, 9), 2.0), "values from 2 to 2"),
        (torch.full((1, 3, 9, 9), -1.0), "divide by 255, or clamp"),
    ],
)
def test_what_is_no_image_is_refused(images: Tensor, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Judge(model(1)).embed(images)


def test_a_judge_that_breaks_says_so(photos: ArrayImages) -> None:
    broken = model(1)
    broken.module[5].weight.data.fill_(float("nan"))  # type: ignore[index, union-attr]
    with pytest.raises(TargetError, match="an embedding that is not finite"):
        Judge(broken).embed_rows(photos, np.arange(2))
    with pytest.raises(UsageError, match=r"expected .people, photos of each."):
        Judge(model(1)).templates(photos, np.arange(4))


def test_disturbed_views_keep_size_and_range() -> None:
    images = torch.rand(2, 3, 21, 17)
    views = disturbed(images, torch.Generator().manual_seed(0))
    assert set(views) == {"smaller", "cropped", "mirrored", "noisy"}
    for view in views.values():
        assert view.shape == images.shape
        assert not torch.equal(view, images)
        assert view.min() >= 0
        assert view.max() <= 1
    torch.testing.assert_close(views["noisy"], disturbed(images, torch.Generator().manual_seed(0))["noisy"])


def test_galleries_have_one_size_and_equally_many_photos() -> None:
    rng = np.random.default_rng(1)
    subject = np.array(["a"] * 4 + ["b"] * 3 + ["c"] * 1 + ["d"] * 5 + ["e"] * 3 + ["f"] * 3)
    training = np.isin(subject, ["a", "b", "c"])
    found = matched_galleries(subject, training, 3, rng)
    assert found.training.shape == found.decoy.shape == (2, 3)
    for rows, side in ((found.training, True), (found.decoy, False)):
        assert (training[rows] == side).all()
        assert all(len(set(subject[row])) == 1 and len(set(row)) == 3 for row in rows)
        assert len({subject[row[0]] for row in rows}) == 2
    with pytest.raises(UsageError, match="got 1 training people and 1 decoys with 4 photos"):
        matched_galleries(subject, training, 4, rng)
    with pytest.raises(UsageError, match="1 people on both sides"):
        matched_galleries(subject, np.arange(19) < 2, 1, rng)


def test_calibration_photos_are_not_in_their_own_template() -> None:
    subject = np.repeat(np.array(["a", "b", "c"]), [4, 2, 1])
    found = calibration_rows(subject, 2, np.random.default_rng(2))
    assert found.templates.shape == (2, 2)
    assert len(found.probes) == 2
    assert not set(found.probes) & set(found.templates.ravel())
    assert (subject[found.probes] == subject[found.templates[found.person, 0]]).all()
    with pytest.raises(UsageError, match="nobody with more than 4 photos"):
        calibration_rows(subject, 4, np.random.default_rng(2))
