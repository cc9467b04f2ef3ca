"""Resampling with the FIR filter [1, 3, 3, 1]: zeros in between, filter, every n-th kept."""

import torch
import torch.nn.functional as F
from torch import Tensor

TAPS = (1.0, 3.0, 3.0, 1.0)


def fir_kernel(like: Tensor) -> Tensor:
    """(4, 4) outer product of the taps with sum 1, exact in every dtype, on the device of `like`."""
    taps = torch.tensor(TAPS, dtype=like.dtype, device=like.device) / sum(TAPS)
    return torch.outer(taps, taps)


def upfirdn2d(
    x: Tensor, kernel: Tensor, *, up: int = 1, down: int = 1, pad: tuple[int, int, int, int] = (0, 0, 0, 0)
) -> Tensor:
    """(n, c, h, w) with `up` - 1 zeros after each pixel, padded, convolved (kernel flipped), every `down`-th kept.

    Args:
        kernel: (kh, kw), shared by all channels.
        pad: left, right, top, bottom, in pixels of the raised grid; negative numbers crop.
    """
    n, c, h, w = x.shape
    if up > 1:
        x = F.pad(x.reshape(n, c, h, 1, w, 1), (0, up - 1, 0, 0, 0, up - 1)).reshape(n, c, h * up, w * up)
    return _depthwise(F.pad(x, pad), kernel.flip(0, 1), stride=down)


def upsample2d(x: Tensor) -> Tensor:
    """(n, c, h, w) to (n, c, 2h, 2w): `upfirdn2d` with up 2, gain 4, pad (2, 1), as one transposed convolution."""
    kernel = (fir_kernel(x) * 4).expand(x.shape[1], 1, 4, 4)
    return F.conv_transpose2d(x, kernel, stride=2, padding=1, groups=x.shape[1])


def downsample2d(x: Tensor) -> Tensor:
    """(n, c, 2h, 2w) to (n, c, h, w): `upfirdn2d` with down 2, pad (1, 1)."""
    # A strided depthwise convolution has no fast bf16 gradient on the CPU; fp32 and two casts are 8 times faster.
    wide = x.float() if x.dtype == torch.bfloat16 else x
    return _depthwise(wide, fir_kernel(wide), pad=1, stride=2).to(x.dtype)


def blur(x: Tensor, *, pad: int, gain: float = 1.0) -> Tensor:
    """(n, c, h, w) to (n, c, h + 2 pad - 3, w + 2 pad - 3), filtered and multiplied by `gain`."""
    return _depthwise(x, fir_kernel(x) * gain, pad)


def _depthwise(x: Tensor, kernel: Tensor, pad: int = 0, stride: int = 1) -> Tensor:
    channels = x.shape[1]
    filters = kernel.to(x.dtype).expand(channels, 1, *kernel.shape)
    return F.conv2d(x, filters.contiguous(), padding=pad, stride=stride, groups=channels)
