"""BatchNorm statistics of other images than those a backbone was trained on."""

from dataclasses import replace

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from bareface.errors import TargetError, UsageError
from bareface.faces.source import Images
from bareface.targets.channels_last import channels_last_copy
from bareface.targets.target import Target


def estimate_statistics(target: Target, images: Images, *, batch_size: int = 64) -> Target:
    """A copy of the target whose BatchNorm running statistics are those of `images`; its weights stay as they are.

    The running mean and variance of every layer become the plain average over all batches (the meaning that torch
    gives to `momentum=None`), each layer fed by layers that normalise with their batch. No label is used. Batch b takes
    the images b, b + batches, b + 2 batches, ...: neighbours in a list often show one person and would make it narrow.

    Args:
        target: left untouched.
        images: n >= 2 images of the size that the target takes.
        batch_size: images in a batch, or up to twice as many where n is no multiple of it.

    Raises:
        TargetError: the backbone has no BatchNorm with running statistics.
        UsageError: there are fewer than two images.
    """
    if len(images) < 2:
        raise UsageError("images", got=f"{len(images)}", expected="at least 2 to estimate a variance from")
    if not _running_layers(target.module):
        raise TargetError(f"{target.name}: layers", got="no BatchNorm with running statistics", expected="at least one")
    some = target.spec.normalise(images.load(np.arange(2)).to(target.device))
    copied = replace(target, module=channels_last_copy(target.module, some))
    layers = _running_layers(copied.module)
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
        layer.train()
    _pass_through(copied, images, max(1, len(images) // batch_size))
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    plain: nn.Module = copied.module.eval().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return replace(copied, module=plain)


def _running_layers(module: nn.Module) -> list[_BatchNorm]:
    return [m for m in module.modules() if isinstance(m, _BatchNorm) and m.running_mean is not None]


@torch.no_grad()
def _pass_through(target: Target, images: Images, batches: int) -> None:
    for first in range(batches):
        target.embed(images.load(np.arange(first, len(images), batches)).to(target.device))
