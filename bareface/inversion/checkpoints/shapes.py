"""The architecture of a StyleGAN2, from the shapes of its tensors."""

import re
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from bareface.errors import CheckpointError
from bareface.inversion.stylegan2.config import Config
from bareface.inversion.stylegan2.network import StyleGAN2

# A name that betrays another family -> what it is.
FAMILIES = {
    "synthesis.input.freqs": "a StyleGAN3",
    "mapping.embed.weight": "a class-conditional StyleGAN2",
    "style_mlp.1.weight": "a StyleGAN2 of GFPGAN's 'clean' kind, which has no FIR filter",
    "G.mapping.net.0.weight": "an EG3D or a StyleGAN2 of lucidrains",
    "g_mapping.dense0.weight": "a StyleGAN1",
}


def infer_config(tensors: Mapping[str, Tensor], where: str, *, lr: float = 0.01, clamp: float | None = None) -> Config:
    """The configuration whose network has these tensors (our names), with what shapes do not tell.

    Args:
        lr: learning-rate multiplier of the mapping layers.
        clamp: of the activations.

    Raises:
        CheckpointError: they belong to another architecture.
    """
    refuse_other_families(tensors, where)
    blocks = sorted(
        int(match[1]) for name in tensors if (match := re.fullmatch(r"synthesis\.b(\d+)\.torgb\.bias", name))
    )
    layers = sum(bool(re.fullmatch(r"mapping\.fc\d+\.weight", name)) for name in tensors)
    try:
        return Config(
            channels=tuple(tensors[f"synthesis.b{side}.conv1.weight"].shape[0] for side in blocks),
            z_dim=tensors["mapping.fc0.weight"].shape[1],
            w_dim=tensors["synthesis.b4.conv1.affine.weight"].shape[1],
            mapping_layers=layers,
            mapping_lr=lr,
            rgb_channels=tensors["synthesis.b4.torgb.bias"].shape[0],
            conv_clamp=clamp,
        )
    except (KeyError, IndexError) as error:
        shown = ", ".join(list(tensors)[:3]) or "no tensors"
        raise CheckpointError(where, got=f"{shown} ... without {error}", expected="a StyleGAN2 generator") from None


def refuse_other_families(names: Iterable[str], where: str) -> None:
    """Stop at what is no unconditional 'skip' StyleGAN2.

    Raises:
        CheckpointError: naming the family.
    """
    names = set(names)
    found = next((family for name, family in FAMILIES.items() if name in names), None)
    if found is None and "synthesis.b8.conv1.weight" in names:
        found = _other_architecture(names)
    if found is not None:
        hint = "bringing it as package.module:factory"
        raise CheckpointError(where, got=found, expected="an unconditional 'skip' StyleGAN2", hint=hint)


def build(tensors: Mapping[str, Tensor], config: Config, where: str) -> StyleGAN2:
    """The network with these weights in fp32: all of them and nothing else.

    Raises:
        CheckpointError: naming what is missing, left over, of another shape or not finite.
    """
    network = StyleGAN2(config)
    own = network.state_dict()
    complaints = {
        "missing": [name for name in own if name not in tensors],
        "unexpected": [name for name in tensors if name not in own],
        "of another shape": [name for name in own if name in tensors and tensors[name].shape != own[name].shape],
        "not finite": [name for name, value in tensors.items() if not bool(torch.isfinite(value).all())],
    }
    if any(complaints.values()):
        got = "; ".join(f"{len(names)} {what} ({', '.join(names[:3])})" for what, names in complaints.items() if names)
        raise CheckpointError(
            where, got=f"tensors {got}", expected=f"the {len(own)} of a {config.resolution}-pixel StyleGAN2"
        )
    network.load_state_dict(dict(tensors))
    return network


def _other_architecture(names: set[str]) -> str | None:
    if "synthesis.b8.skip.weight" in names:
        return "a StyleGAN2 of the 'resnet' architecture"
    return None if "synthesis.b4.torgb.weight" in names else "a StyleGAN2 of the 'orig' architecture"
