"""From z to w."""

import torch
from torch import Tensor, nn

from bareface.inversion.stylegan2.config import Config
from bareface.inversion.stylegan2.layers import Dense, normalise


class Mapping(nn.Module):
    """Dense layers from normalised z to w, and the mean of w."""

    w_avg: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        for index in range(config.mapping_layers):
            inputs = config.w_dim if index else config.z_dim
            self.add_module(f"fc{index}", Dense(inputs, config.w_dim, lr=config.mapping_lr, activate=True))
        self.register_buffer("w_avg", torch.zeros(config.w_dim))

    def forward(self, z: Tensor) -> Tensor:
        """(n, z_dim) to (n, w_dim), not truncated."""
        w = normalise(z)
        for index in range(self.config.mapping_layers):
            w = self.get_submodule(f"fc{index}")(w)
        return w

    def broadcast(self, w: Tensor) -> Tensor:
        """(n, w_dim) to (n, num_ws, w_dim), the same w for every layer."""
        return w[:, None].expand(-1, self.config.num_ws, -1)

    def truncate(self, ws: Tensor, psi: float, cutoff: int | None = None) -> Tensor:
        """w_avg + psi (w - w_avg), for the first `cutoff` layers of (n, num_ws, w_dim) or for all.

        Reference: Karras et al., CVPR 2019, section 3.2 of the appendix.
        """
        truncated = torch.lerp(self.w_avg.to(ws), ws, psi)
        if cutoff is None:
            return truncated
        return torch.cat([truncated[:, :cutoff], ws[:, cutoff:]], 1)
