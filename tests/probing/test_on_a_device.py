"""On an accelerator nothing may be left behind on the CPU: torch refuses operations between two devices.

`meta` is such a device on every machine: it knows shapes alone, and mixes with no other. What is fetched from it is
made up of ones here.
"""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from bareface.faces.source import ArrayImages
from bareface.probing import backbone
from bareface.probing.kinds import estimate_of, prober_of, strangers_of
from bareface.probing.prober import Batch
from bareface.settings.spec import ImageSpec
from bareface.targets.build import build
from bareface.targets.target import Target
from bareface.trace import Channel

META = torch.device("meta")
PICTURES = ArrayImages(torch.zeros(4, 3, 32, 32, dtype=torch.uint8))


@pytest.fixture(autouse=True)
def fetched_as_ones(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    fetch = Tensor.cpu
    monkeypatch.setattr(
        Tensor, "cpu", lambda self: torch.ones(self.shape, dtype=self.dtype) if self.is_meta else fetch(self)
    )
    # Folding compares numbers, and there are none.
    monkeypatch.setattr(backbone, "faster", lambda module, pixels: module)
    return


def _target(order: str) -> Target:
    spec = ImageSpec(32, 32, order)  # type: ignore[arg-type]
    net = build("ir-tiny", spec=spec, embedding_size=16)
    return Target("small", "ir-tiny", net, spec, centres=torch.ones(5, 16)).on(META)


@pytest.mark.parametrize("order", ["RGB", "BGR", "GRAY"])
@pytest.mark.parametrize("estimated", [False, True])
def test_every_channel_is_computed_where_the_target_lies(order: str, estimated: bool) -> None:
    target = _target(order)
    estimate = estimate_of(target, PICTURES) if estimated else None
    names, channels = ["a", "b", "c", "d"], frozenset(Channel)
    prober = prober_of(target, names, names, channels, estimate, strangers_of(target, PICTURES))
    with prober.asked() as ask:
        answers = ask(Batch(np.array(names), PICTURES, np.arange(4)))
    assert {name: (4, *shape) for name, shape in prober.offer.shapes.items()} == {
        n: a.shape for n, a in answers.items()
    }
    assert (Channel.ESTIMATED_DISTANCE in answers) == estimated
    assert {Channel.POOLED, Channel.VIEW_COSINES, Channel.GRADIENT_NORM, Channel.MARGIN_GRADIENT} <= set(answers)
