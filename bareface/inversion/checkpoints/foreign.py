"""Tensors out of other people's files, with what the files say of them; nothing in a file is executed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from bareface.errors import CheckpointError
from bareface.inversion.checkpoints.names import from_nvidia, from_rosinality
from bareface.inversion.checkpoints.pickled import Network, NetworkReader, Plain, entries, refuse_strangers
from bareface.inversion.checkpoints.shapes import refuse_other_families
from bareface.targets.container import read_static
from bareface.targets.sniff import LEGACY_MAGIC
from bareface.targets.storages import StaticTensor
from bareface.targets.unsafe import refuse_code
from bareface.untrusted.opcodes import Walked, mapped, walk
from bareface.untrusted.regular import is_file, open_file

Source = Literal["nvidia pickle", "nvidia state dict", "rosinality"]
MAX_FILE = 8 << 30
WRAPPERS = ("g_ema", "G_ema", "params_ema", "state_dict", "generator")


@dataclass(frozen=True)
class Foreign:
    """A generator as a file holds it, under our names.

    Attributes:
        source: the kind of file.
        tensors: fp32; `mapping.w_avg` and noise maps may be missing.
        lr: learning-rate multiplier of the mapping network.
        clamp: of the activations.
        licence: what is known of it from the kind of file.
    """

    source: Source
    tensors: dict[str, Tensor]
    lr: float = 0.01
    clamp: float | None = None
    licence: str = "unknown"


def read_foreign(path: Path) -> Foreign:
    """The generator in an NVIDIA pickle, a rosinality checkpoint, or a state dict with NVIDIA's names.

    Raises:
        CheckpointError: no such file, damaged, too large, or no generator in it.
        UnsafeFileError: reading it would execute what is inside.
    """
    if is_file(path) and path.stat().st_size > MAX_FILE:
        raise CheckpointError(str(path), got=f"{path.stat().st_size:,} bytes", expected=f"at most {MAX_FILE:,}")
    walked = _plain_pickle(path)
    if walked is not None:
        return _nvidia_pickle(path, walked)
    tensors = tensors_in(path)
    if "style.1.weight" in tensors:
        average = tensors.pop("latent_avg", None)
        ours = from_rosinality(tensors, str(path))
        return Foreign("rosinality", ours if average is None else {**ours, "mapping.w_avg": average.flatten()})
    refuse_other_families(tensors, str(path))
    return Foreign("nvidia state dict", from_nvidia(tensors, str(path)))


def tensors_in(path: Path) -> dict[str, Tensor]:
    """name -> fp32 tensor of the generator in a safetensors or torch file, and `latent_avg` if it lies beside it.

    Raises:
        CheckpointError, UnsafeFileError: as above.
    """
    static = read_static(path)
    refuse_code(str(path), static.names, static.whole_module)
    tree = static.tree if isinstance(static.tree, Mapping) else {}
    inner = next((tree[key] for key in WRAPPERS if isinstance(tree.get(key), Mapping)), tree)
    found = {str(key).removeprefix("module."): value for key, value in inner.items()}
    found |= {"latent_avg": tree["latent_avg"]} if "latent_avg" in tree else {}
    return {name: _tensor(value) for name, value in found.items() if isinstance(value, StaticTensor)}


def _tensor(value: StaticTensor) -> Tensor:
    return torch.from_numpy(value.numpy()).float()


def _plain_pickle(path: Path) -> Walked | None:
    """The pickle that the file is, walked; None for torch's own formats and everything else."""
    if not is_file(path):
        return None
    with open_file(path) as file:
        if file.read(1) != b"\x80":
            return None
    with mapped(path) as stream:
        walked = walk(stream, str(path))
    return None if walked.root == LEGACY_MAGIC else walked


def _nvidia_pickle(path: Path, walked: Walked) -> Foreign:
    refuse_strangers(str(path), walked.names, walked.persistent)
    networks = entries(walked.root)
    if "G_ema" not in networks:
        got = ", ".join(networks) or "no dict"
        raise CheckpointError(str(path), got=got, expected="G_ema, as a training snapshot has it")
    network = NetworkReader(str(path), path.stat().st_size).read(networks["G_ema"])
    tensors = {name: value.float() for name, value in network.tensors.items()}
    refuse_other_families(tensors, str(path))
    lr, clamp = _facts(network, str(path))
    return Foreign(
        "nvidia pickle",
        from_nvidia(tensors, str(path)),
        lr,
        clamp,
        licence="unknown; NVIDIA's own releases are for research or evaluation",
    )


def _facts(network: Network, where: str) -> tuple[float, float | None]:
    """Mapping multiplier and clamp, which all layers share.

    Raises:
        CheckpointError: the network computes something that ours does not.
    """
    layers = {path: said for path, said in network.attributes.items() if "activation" in said}
    _expect(where, "activation", (said["activation"] for said in layers.values()), {"lrelu", "linear"})
    _expect(where, "architecture", _all(network, "architecture"), {"skip"})
    _expect(where, "use_noise", _all(network, "use_noise"), {True})
    gains = {said["bias_gain"] for path, said in layers.items() if path.startswith("mapping.fc")}
    clamps = {
        said.get("conv_clamp") for path, said in network.attributes.items() if path.endswith((".conv1", ".torgb"))
    }
    if len(gains) != 1 or len(clamps) != 1:
        got = f"mapping multipliers {gains} and clamps {clamps}"
        raise CheckpointError(where, got=got, expected="one of each for the whole network")
    gain, clamp = gains.pop(), clamps.pop()
    return float(gain or 0.01), None if clamp is None else float(clamp)


def _all(network: Network, attribute: str) -> Iterable[Plain]:
    return (said[attribute] for said in network.attributes.values() if attribute in said)


def _expect(where: str, what: str, got: Iterable[Plain], allowed: set[Plain]) -> None:
    strange = sorted(str(value) for value in set(got) - allowed)
    if strange:
        expected = " or ".join(str(value) for value in sorted(allowed, key=str))
        raise CheckpointError(where, got=f"{what} {strange[0]!r}", expected=expected)
