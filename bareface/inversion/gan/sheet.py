"""Many generated images on one sheet."""

from math import ceil

import torch
from PIL import Image
from torch import Tensor


def sheet(images: Tensor, columns: int = 8) -> Image.Image:
    """(n, 3, h, w) in [0, 1] as one picture, row by row; empty places are black."""
    n, _, h, w = images.shape
    rows = ceil(n / columns)
    page = torch.zeros(3, rows, h, columns, w)
    for i, image in enumerate(images.detach().cpu().float().clamp(0, 1)):
        page[:, i // columns, :, i % columns] = image
    pixels = (page.reshape(3, rows * h, columns * w) * 255).round().to(torch.uint8)
    return Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy())
