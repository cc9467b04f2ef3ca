"""Weights and images that are the same on every machine: cosines of the position, shifted by the name."""

import zlib

import torch
from torch import Tensor, nn


def fill(module: nn.Module, gain: float = 1.0) -> nn.Module:
    """The module with every number replaced by a wave, in evaluation mode."""
    state = module.state_dict()
    module.load_state_dict({key: wave(key, value, gain) for key, value in state.items()})
    return module.eval()


def wave(key: str, like: Tensor, gain: float = 1.0) -> Tensor:
    """A plausible tensor for the key: small weights, scales near 1, positive variances; counters stay.

    A larger gain makes weights larger, so that activations reach where they are cut off.
    """
    if not like.is_floating_point():
        return like
    phase = zlib.crc32(key.encode()) % 1000
    values = torch.cos(0.7 * torch.arange(like.numel(), dtype=torch.float64) + phase).view(like.shape)
    if key.endswith("running_var"):
        return 1 + 0.5 * values
    if like.ndim > 1:
        return values * (gain * (2 / like[0].numel()) ** 0.5)
    if key.endswith(("running_mean", "bias")):
        return 0.1 * values
    return 0.25 + 0.1 * values if "prelu" in key else 1 + 0.1 * values


def pixels(height: int, width: int, channels: int = 3) -> Tensor:
    """Two images, (2, channels, height, width), within -1..1."""
    numel = 2 * channels * height * width
    return torch.cos(0.37 * torch.arange(numel, dtype=torch.float64)).view(2, channels, height, width).float()
