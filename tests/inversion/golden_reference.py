"""Writes golden.json with NVIDIA's own networks: python golden_reference.py PATH_OF_A_stylegan2-ada-pytorch_CHECKOUT

The checkout (commit d72cc7d) is run on its plain PyTorch path, on the CPU, in fp64: `torch.float32` is made to mean
`torch.float64` before its modules are imported, because they ask for fp32 by name. Weights and latents are the seeded
ones of tests/support/stylegans.py. None of its code is kept here; the numbers are facts about it.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
PICKED = 16


def picked(tensor: torch.Tensor) -> list[float]:
    """Up to 16 numbers, evenly spread over a tensor."""
    flat = tensor.detach().reshape(-1)
    places = np.unique(np.linspace(0, len(flat) - 1, PICKED).astype(int))
    return [float(x) for x in flat[torch.from_numpy(places)]]


def blocks_of(synthesis: object, ws: torch.Tensor, noise: str) -> dict[str, dict[str, list[float]]]:
    """Features and image after each block of the reference."""
    found, x, image, first = {}, None, None, 0
    for side in (4, 8, 16):
        block = getattr(synthesis, f"b{side}")
        count = block.num_conv + block.num_torgb
        x, image = block(x, image, ws[:, first : first + count], force_fp32=True, fused_modconv=True, noise_mode=noise)
        first += block.num_conv
        found[str(side)] = {"x": picked(x), "rgb": picked(image)}
    return found


def reference(clamp: float | None) -> dict[str, object]:
    """Everything that the tests compare, for one configuration."""
    from stylegans import TINY, seeded_weights, seeded_z
    from training.networks import Discriminator, Generator

    sizes = {"channel_base": 96, "channel_max": 8, "conv_clamp": clamp}
    generator = Generator(
        z_dim=TINY.z_dim, c_dim=0, w_dim=TINY.w_dim, img_resolution=16, img_channels=3,
        mapping_kwargs={"num_layers": TINY.mapping_layers}, synthesis_kwargs=sizes,
    ).eval()  # fmt: skip
    discriminator = Discriminator(c_dim=0, img_resolution=16, img_channels=3, **sizes).eval()
    for network in (generator, discriminator):
        own = {k: tuple(v.shape) for k, v in network.state_dict().items() if "resample_filter" not in k}
        network.load_state_dict({k: torch.as_tensor(v) for k, v in seeded_weights(own).items()}, strict=False)
    z = torch.as_tensor(seeded_z())
    with torch.no_grad():
        ws = generator.mapping(z, None)
        truncated = generator.mapping(z, None, truncation_psi=0.6, truncation_cutoff=3)
        images = generator.synthesis(ws, noise_mode="const", force_fp32=True)
        return {
            "w": ws[:, 0].tolist(),
            "truncated": truncated.tolist(),
            "const": blocks_of(generator.synthesis, ws, "const"),
            "none": blocks_of(generator.synthesis, ws, "none"),
            "logits": discriminator(torch.cat([images, images.flip(3)])[:4], None)[:, 0].tolist(),
        }


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    torch.float32 = torch.float64
    sys.path[:0] = [sys.argv[1], str(HERE.parents[1]), str(HERE.parent / "support")]
    golden = {"tiny": reference(None), "clamped": reference(0.4)}
    (HERE / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")
