"""The whole generator, and how its weights begin."""

from typing import TypeVar

import torch
from torch import Tensor, nn

from bareface.inversion.stylegan2.config import Config
from bareface.inversion.stylegan2.mapping import Mapping
from bareface.inversion.stylegan2.synthesis import Synthesis
from bareface.streams import seed_for

M = TypeVar("M", bound=nn.Module)
RANDOM_AT_START = {"weight", "const", "noise_const"}


class StyleGAN2(nn.Module):
    """Mapping and synthesis networks; all weights zero until loaded or drawn by `initialise`."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.mapping = Mapping(config)
        self.synthesis = Synthesis(config)

    def forward(self, z: Tensor, dtype: torch.dtype | None = None) -> Tensor:
        """(n, z_dim) to (n, rgb_channels, r, r), unbounded, with constant noise and no truncation."""
        return self.synthesis(self.mapping.broadcast(self.mapping(z)), dtype=dtype)  # type: ignore[no-any-return]


@torch.no_grad()
def initialise(network: M, seed: int) -> M:
    """The network with weights, constants and noise maps drawn from N(0, 1), each from its own stream."""
    for owner, module in network.named_modules():
        for name, tensor in [*module.named_parameters(owner, False), *module.named_buffers(owner, False)]:
            if name.rpartition(".")[2] in RANDOM_AT_START:
                stream = torch.Generator().manual_seed(seed_for(seed, name))
                drawn = torch.randn(tensor.shape, generator=stream, dtype=torch.float32)
                tensor.copy_(drawn / getattr(module, "lr", 1.0))
    return network
