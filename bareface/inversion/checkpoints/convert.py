"""Once from somebody's file to ours."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from bareface.errors import CheckpointError
from bareface.inversion.checkpoints.foreign import Foreign, read_foreign
from bareface.inversion.checkpoints.shapes import build, infer_config
from bareface.inversion.checkpoints.store import save_generator
from bareface.inversion.stylegan2.config import Config
from bareface.inversion.stylegan2.network import StyleGAN2
from bareface.storage.files import sha256_of
from bareface.streams import seed_for

W_SAMPLES, CHUNK = 100_000, 10_000


def convert_generator(
    source: Path, out: Path, *, alignment: str = "unknown", licence: str = "", name: str = ""
) -> Config:
    """Write the generator in `source` to `out` (`*.safetensors`) with its card, and return its configuration.

    Reads NVIDIA's pickles (stylegan2-ada-pytorch, stylegan3's StyleGAN2), rosinality's `.pt`, and state dicts with
    NVIDIA's names. Resolution, channels and mapping depth come from the shapes; loading is strict; nothing in the
    file is executed.

    Args:
        alignment: how faces lie in its images, for example `ffhq`; no file says it.
        licence: of the weights.
        name: what reports call it; that of `out` by default.

    Raises:
        CheckpointError: no generator that we know, damaged, or one that renders no finite pixels.
        UnsafeFileError: reading the file would execute what is inside it.
    """
    foreign, notes = _completed(read_foreign(source))
    config = infer_config(foreign.tensors, str(source), lr=foreign.lr, clamp=foreign.clamp)
    tensors = foreign.tensors
    if "mapping.w_avg" not in tensors:
        tensors = tensors | {"mapping.w_avg": torch.zeros(config.w_dim)}
    network = build(tensors, config, str(source))
    if "mapping.w_avg" not in foreign.tensors:
        network.mapping.w_avg.copy_(mean_w(network))
        notes = (*notes, f"w_avg was missing: estimated from {W_SAMPLES:,} z")
    save_generator(
        network,
        out,
        name=name or out.stem,
        source=foreign.source,
        source_sha256=sha256_of(source),
        alignment=alignment,
        licence=licence or foreign.licence,
        notes=notes,
        pixels=pixel_statistics(network, str(source)),
    )
    return config


@torch.no_grad()
def mean_w(network: StyleGAN2, seed: int = 0) -> Tensor:
    """(w_dim,) the mean w of 100,000 z."""
    stream = torch.Generator().manual_seed(seed_for(seed, "mean w"))
    total = torch.zeros_like(network.mapping.w_avg, dtype=torch.float64)
    for _ in range(W_SAMPLES // CHUNK):
        z = torch.randn(CHUNK, network.config.z_dim, generator=stream)
        total += network.mapping(z.to(total.device)).double().sum(0)
    return (total / W_SAMPLES).to(network.mapping.w_avg)


@torch.no_grad()
def pixel_statistics(network: StyleGAN2, where: str, seed: int = 0) -> dict[str, float]:
    """Mean, standard deviation and clamped share of four images in [0, 1].

    Raises:
        CheckpointError: there are NaN or infinite pixels.
    """
    stream = torch.Generator().manual_seed(seed_for(seed, "pixel statistics"))
    z = torch.randn(4, network.config.z_dim, generator=stream).to(network.mapping.w_avg)
    pixels = network(z) / 2 + 0.5
    if not bool(torch.isfinite(pixels).all()):
        raise CheckpointError(where, got="NaN or infinite pixels", expected="a generator that renders images")
    shown = pixels.clamp(0, 1)
    clamped = (shown != pixels).float().mean()
    return {"mean": shown.mean().item(), "std": shown.std().item(), "clamped": clamped.item()}


def _completed(foreign: Foreign) -> tuple[Foreign, tuple[str, ...]]:
    """With noise maps where old files have none: any draw from N(0, 1) is as good as the one that was lost."""
    drawn = {}
    for name, weight in foreign.tensors.items():
        owner, _, kind = name.rpartition(".")
        if kind == "noise_strength" and f"{owner}.noise_const" not in foreign.tensors:
            side = int(owner.split(".")[1].removeprefix("b"))
            stream = torch.Generator().manual_seed(seed_for(0, owner))
            drawn[f"{owner}.noise_const"] = torch.randn(side, side, generator=stream).to(weight)
    notes = (f"{len(drawn)} noise maps were missing: drawn from N(0, 1)",) if drawn else ()
    return replace(foreign, tensors=foreign.tensors | drawn), notes
