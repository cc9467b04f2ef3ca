"""A backbone behind a service: its embeddings are changed on the way out, and nobody can look inside."""

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bareface.targets.target import Target


def answered_by(target: Target, change: nn.Module) -> Target:
    """The target with a change (n, d) -> (n, d) behind its backbone, without its head."""
    return replace(target, module=Service(target.without_head(), change)).without_head()


class Service(nn.Module):
    """Answers with changed embeddings; what computes them is no part of the module, so no hook finds a layer of it."""

    def __init__(self, target: Target, change: nn.Module) -> None:
        super().__init__()
        self.change = change
        self._kept = [target.module]  # in a list, where torch does not look for submodules
        # Services of different backbones have different fingerprints.
        self.register_buffer("backbone_sha256", torch.tensor(list(bytes.fromhex(target.sha256)), dtype=torch.uint8))

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to (n, d)."""
        answer: Tensor = self.change(self._kept[0](x))
        return answer


class Averaging(nn.Module):
    """Asks a service about an image many times and answers with the mean.

    A service that gives the same answer to the same bytes is asked about the image and its eight neighbours, one pixel
    away; they are other images, so that the mean is less sharp than that of fresh answers about the image itself.
    """

    def __init__(self, service: nn.Module, times: int, *, neighbours: bool = False) -> None:
        super().__init__()
        self.service, self.times, self.neighbours = service, times, neighbours

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to (n, d)."""
        views = _neighbours(x) if self.neighbours else [x]
        return torch.stack([self.service(view) for view in views * self.times]).mean(0)


def _neighbours(x: Tensor) -> list[Tensor]:
    """The images moved by at most one pixel both ways, nine in all."""
    height, width = x.shape[2:]
    wide = F.pad(x, (1, 1, 1, 1), mode="replicate")
    return [wide[:, :, i : i + height, j : j + width] for i in range(3) for j in range(3)]
