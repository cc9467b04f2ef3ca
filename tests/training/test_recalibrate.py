"""Re-estimated BatchNorm statistics against the definition."""

import numpy as np
import pytest
import torch
from torch import nn

from bareface.errors import TargetError, UsageError
from bareface.faces.source import ArrayImages
from bareface.settings.spec import ImageSpec
from bareface.targets.target import Target
from bareface.training.recalibrate import estimate_statistics

SPEC = ImageSpec(6, 5)


def toy_target() -> Target:
    torch.manual_seed(2)
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4, momentum=0.3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(48, 3),
        nn.BatchNorm1d(3),
    )
    net[1].running_mean.fill_(5.0)
    return Target("toy", "toy", net, SPEC)


def some_images(count: int = 11) -> ArrayImages:
    torch.manual_seed(3)
    return ArrayImages(torch.randint(0, 256, (count, 3, 6, 5), dtype=torch.uint8))


def test_statistics_are_the_average_over_batches() -> None:
    target, images = toy_target(), some_images()
    swapped = estimate_statistics(target, images, batch_size=4)
    means, variances, deep = [], [], []
    with torch.no_grad():
        for rows in (np.arange(0, 11, 2), np.arange(1, 11, 2)):
            entering = target.module[0](SPEC.normalise(images.load(rows)))  # type: ignore[index]
            means.append(entering.mean((0, 2, 3)))
            variances.append(entering.var((0, 2, 3), unbiased=True))
            whitened = (entering - means[-1].view(1, -1, 1, 1)) / (
                entering.var((0, 2, 3), unbiased=False, keepdim=True) + 1e-5
            ).sqrt()
            deep.append(target.module[5](whitened.relu().flatten(1)).mean(0))  # type: ignore[index]
    first, last = swapped.module[1], swapped.module[6]  # type: ignore[index]
    torch.testing.assert_close(first.running_mean, torch.stack(means).mean(0))
    torch.testing.assert_close(first.running_var, torch.stack(variances).mean(0))
    torch.testing.assert_close(last.running_mean, torch.stack(deep).mean(0))
    assert first.num_batches_tracked == 2


def test_only_the_statistics_change_and_only_in_the_copy() -> None:
    target = toy_target()
    before = target.sha256
    swapped = estimate_statistics(target, some_images())
    assert target.sha256 == before
    assert swapped.sha256 != before
    for name, value in swapped.module.named_parameters():
        assert torch.equal(value, target.module.get_parameter(name))
    assert not any(module.training for module in swapped.module.modules())
    assert swapped.module[1].momentum == 0.3  # type: ignore[index]


def test_a_rerun_gives_the_same_statistics() -> None:
    images = some_images()
    once, again = (estimate_statistics(toy_target(), images).module.state_dict() for _ in range(2))
    torch.testing.assert_close(once, again)


@pytest.mark.parametrize(("count", "batch_size"), [(2, 64), (5, 4), (9, 2)])
def test_no_batch_is_left_with_one_image(count: int, batch_size: int) -> None:
    swapped = estimate_statistics(toy_target(), some_images(count), batch_size=batch_size)
    assert torch.isfinite(swapped.module[6].running_var).all()  # type: ignore[index]


def test_one_image_has_no_variance() -> None:
    with pytest.raises(UsageError, match="images: got 1; expected at least 2 to estimate a variance from"):
        estimate_statistics(toy_target(), some_images(1))


@pytest.mark.parametrize("net", [nn.Linear(90, 3), nn.BatchNorm1d(90, track_running_stats=False)])
def test_a_backbone_without_running_statistics_is_refused(net: nn.Module) -> None:
    target = Target("bare", "toy", nn.Sequential(nn.Flatten(), net), SPEC)
    with pytest.raises(
        TargetError, match="bare: layers: got no BatchNorm with running statistics; expected at least one"
    ):
        estimate_statistics(target, some_images())
