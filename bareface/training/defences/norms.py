"""Putting other layers where BatchNorm layers stand."""

from collections.abc import Callable

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from bareface.errors import TargetError


def replace_batchnorm(module: nn.Module, made: Callable[[_BatchNorm], nn.Module], where: str) -> nn.Module:
    """The module with every BatchNorm layer in it replaced, in place.

    Raises:
        TargetError: there is none.
    """
    names = [name for name, layer in module.named_modules() if isinstance(layer, _BatchNorm)]
    if not names:
        raise TargetError(where, got="a backbone without BatchNorm", expected="one with layers to replace")
    for name in names:
        layer = module.get_submodule(name)
        assert isinstance(layer, _BatchNorm)
        parent, _, leaf = name.rpartition(".")
        setattr(module.get_submodule(parent), leaf, made(layer))
    return module
