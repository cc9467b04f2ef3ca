"""A twin has the same shape and knows nothing."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from bareface.errors import TargetError
from bareface.targets.target import Target
from bareface.targets.untrained_copy import untrained_copy


def test_a_twin_is_fresh_deterministic_and_leaves_the_generator_alone(target: Target) -> None:
    before, own = torch.random.get_rng_state(), target.sha256
    twin, again, other = (untrained_copy(target, seed) for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert target.sha256 == own, "the target itself is untouched"
    assert twin.sha256 == again.sha256 != other.sha256
    assert twin.centres is None
    assert (twin.name, twin.architecture, twin.spec) == ("small (untrained)", "ir-tiny", target.spec)
    for key, value in twin.module.state_dict().items():
        if key.endswith(("running_mean", "num_batches_tracked")):
            assert not value.any()
        elif value.ndim > 1:
            assert not torch.equal(value, target.module.state_dict()[key])


class Odd(nn.Module):
    """Holds a weight that nobody can reset."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(3, 3)
        self.token = nn.Parameter(torch.zeros(3))


def test_what_cannot_be_reset_is_named(target: Target) -> None:
    told = r"small: 1: got a Odd that holds 1 tensors and has no reset_parameters.*method reset_parameters\(\) in Odd"
    with pytest.raises(TargetError, match=told):
        untrained_copy(replace(target, module=nn.Sequential(nn.Flatten(), Odd())), 0)
