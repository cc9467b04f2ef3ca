"""What one StyleGAN2's tensors are called in two projects.

Ours are NVIDIA's names; rosinality's differ in name and in axes of length 1, never in the numbers.
"""

import re
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from bareface.errors import CheckpointError
from bareface.inversion.stylegan2.fir import fir_kernel

# rosinality's `style.0` is the normaliser, so its dense layers count from 1.
_STYLE = re.compile(r"style\.(\d+)\.weight")
_TO_RGB = re.compile(r"to_rgbs\.(\d+)\.bias")
_LAYER = {
    "affine.weight": "conv.modulation.weight",
    "affine.bias": "conv.modulation.bias",
    "weight": "conv.weight",
    "noise_strength": "noise.weight",
    "bias": "activate.bias",
}
_RGB = {k: _LAYER[k] for k in ("affine.weight", "affine.bias", "weight")} | {"bias": "bias"}


def name_pairs(blocks: int, mapping_layers: int) -> Iterator[tuple[str, str]]:
    """(our name, rosinality's name) of every tensor that both have, in the order of the network."""
    for i in range(mapping_layers):
        for kind in ("weight", "bias"):
            yield f"mapping.fc{i}.{kind}", f"style.{i + 1}.{kind}"
    yield "synthesis.b4.const", "input.input"
    yield from _conv_pairs("synthesis.b4.conv1", "conv1", noise=0)
    yield from _rgb_pairs("synthesis.b4.torgb", "to_rgb1")
    for j in range(blocks - 1):
        block = f"synthesis.b{8 << j}"
        yield from _conv_pairs(f"{block}.conv0", f"convs.{2 * j}", noise=2 * j + 1)
        yield from _conv_pairs(f"{block}.conv1", f"convs.{2 * j + 1}", noise=2 * j + 2)
        yield from _rgb_pairs(f"{block}.torgb", f"to_rgbs.{j}")


def from_rosinality(tensors: Mapping[str, Tensor], where: str) -> dict[str, Tensor]:
    """Our tensors, less `mapping.w_avg`, out of rosinality's `g_ema`; noise maps may be missing, as in old files.

    Raises:
        CheckpointError: a tensor is missing, or one is left over that is no FIR kernel.
    """
    layers, blocks = (len(list(filter(pattern.fullmatch, tensors))) for pattern in (_STYLE, _TO_RGB))
    pairs = dict(name_pairs(blocks + 1, layers))
    missing = [theirs for theirs in pairs.values() if theirs not in tensors and not theirs.startswith("noises.")]
    unknown = [name for name in tensors.keys() - set(pairs.values()) if not name.endswith(".kernel")]
    if missing or unknown:
        got = f"no {', '.join(missing[:4])}" if missing else f"also {', '.join(sorted(unknown)[:4])}"
        raise CheckpointError(where, got=got, expected="the g_ema of a rosinality StyleGAN2")
    return {ours: _squeezed(ours, tensors[theirs]) for ours, theirs in pairs.items() if theirs in tensors}


def to_rosinality(tensors: Mapping[str, Tensor]) -> dict[str, object]:
    """The checkpoint that rosinality's code loads strictly: `g_ema` and `latent_avg`."""
    blocks = sum(name.endswith("torgb.bias") for name in tensors)
    layers = sum(bool(re.fullmatch(r"mapping\.fc\d+\.bias", name)) for name in tensors)
    renamed = {theirs: _unsqueezed(ours, tensors[ours]) for ours, theirs in name_pairs(blocks, layers)}
    kernel = fir_kernel(tensors["mapping.w_avg"]) * 4
    kernels = {
        name: kernel.clone()
        for j in range(blocks - 1)
        for name in (f"convs.{2 * j}.conv.blur.kernel", f"to_rgbs.{j}.upsample.kernel")
    }
    return {"g_ema": renamed | kernels, "latent_avg": tensors["mapping.w_avg"].clone()}


def to_nvidia(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict that NVIDIA's Generator loads strictly: ours and its FIR buffers."""
    owners = {name.rpartition(".")[0] for name in tensors if name.endswith("noise_const")}
    owners |= {owner.rpartition(".")[0] for owner in owners}
    kernel = fir_kernel(tensors["mapping.w_avg"])
    return {**tensors, **{f"{owner}.resample_filter": kernel.clone() for owner in owners}}


def from_nvidia(tensors: Mapping[str, Tensor], where: str) -> dict[str, Tensor]:
    """Our tensors out of NVIDIA's state dict.

    Raises:
        CheckpointError: it was trained with another resampling filter.
    """
    filters = {name: value for name, value in tensors.items() if name.endswith("resample_filter")}
    expected = fir_kernel(torch.zeros(()))
    odd = [k for k, v in filters.items() if v.shape != expected.shape or not torch.allclose(v.float(), expected)]
    if odd:
        raise CheckpointError(where, got=f"another FIR filter in {odd[0]}", expected="[1, 3, 3, 1]")
    return {name: value for name, value in tensors.items() if name not in filters}


def _conv_pairs(ours: str, theirs: str, noise: int) -> Iterator[tuple[str, str]]:
    yield from ((f"{ours}.{a}", f"{theirs}.{b}") for a, b in _LAYER.items())
    yield f"{ours}.noise_const", f"noises.noise_{noise}"


def _rgb_pairs(ours: str, theirs: str) -> Iterator[tuple[str, str]]:
    yield from ((f"{ours}.{a}", f"{theirs}.{b}") for a, b in _RGB.items())


def _unsqueezed(name: str, tensor: Tensor) -> Tensor:
    """Ours with rosinality's extra axes of length 1."""
    kind = name.rpartition(".")[2]
    if name.endswith("torgb.bias"):
        return tensor.reshape(1, -1, 1, 1).clone()
    if kind == "noise_const":
        return tensor[None, None].clone()
    if kind in ("const", "noise_strength") or tensor.ndim == 4:
        return tensor[None].clone()
    return tensor.clone()


def _squeezed(name: str, tensor: Tensor) -> Tensor:
    """Rosinality's without them; an axis of another length stays and is refused later by its shape."""
    kind = name.rpartition(".")[2]
    if name.endswith("torgb.bias"):
        return tensor.flatten()
    if kind == "noise_const":
        return tensor.squeeze(0).squeeze(0)
    return tensor.squeeze(0) if kind in ("const", "noise_strength") or tensor.ndim == 5 else tensor
