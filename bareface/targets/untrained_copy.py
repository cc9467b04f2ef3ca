"""The same backbone before it learnt anything: a control that no membership can be read from."""

import copy
from dataclasses import replace

import torch
from torch import nn

from bareface.errors import TargetError
from bareface.streams import seed_for
from bareface.targets.target import Target


def untrained_copy(target: Target, seed: int) -> Target:
    """The target's architecture with fresh random weights and fresh BatchNorm statistics, without a head.

    The same seed gives the same weights; torch's global generator is left as it was.

    Raises:
        TargetError: a submodule holds weights but cannot be reset (no `reset_parameters`).
    """
    module = copy.deepcopy(target.module).cpu()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed_for(seed, "untrained twin"))
        for name, layer in module.named_modules():
            _reset(layer, f"{target.name}: {name or 'the module itself'}")
    name = f"{target.name} (untrained)"
    return replace(target, name=name, module=module.to(target.device), source="", centres=None)


@torch.no_grad()
def _reset(layer: nn.Module, where: str) -> None:
    own = [*layer.parameters(recurse=False), *layer.buffers(recurse=False)]
    reset = getattr(layer, "reset_parameters", None)
    if callable(reset):
        reset()
    elif own:
        kind = type(layer).__name__
        raise TargetError(
            where,
            got=f"a {kind} that holds {len(own)} tensors and has no reset_parameters",
            expected="layers that can be drawn afresh",
            hint=f"a method reset_parameters() in {kind}",
        )
