"""Tiny StyleGAN2s with seeded weights, and the pickles that NVIDIA's training code would have saved of them."""

import io
import pickle
import sys
import zlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn

from bareface.inversion.stylegan2.config import Config
from bareface.inversion.stylegan2.network import StyleGAN2

TINY = Config((8, 8, 6), z_dim=6, w_dim=5, mapping_layers=2)


def seeded_weights(shapes: Mapping[str, tuple[int, ...]], lr: float = 0.01, seed: int = 0) -> dict[str, np.ndarray]:
    """Normal float64 numbers for each name, of a scale at which every part of the network matters."""
    weights = {}
    for name, shape in shapes.items():
        drawn = np.random.default_rng([seed, zlib.crc32(name.encode())]).standard_normal(shape)
        kind = name.rpartition(".")[2]
        scale = {"bias": 0.3, "noise_strength": 0.3, "w_avg": 0.5}.get(kind, 1.0)
        # Dense layers store weights and biases divided by their multiplier.
        scale /= lr if name.startswith("mapping.fc") else 1.0
        weights[name] = drawn * scale + (1.0 if name.endswith("affine.bias") else 0.0)
    return weights


def seeded(network: nn.Module, seed: int = 0, dtype: torch.dtype = torch.float32) -> nn.Module:
    """The network with those weights."""
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    network.to(dtype).load_state_dict({k: torch.as_tensor(v) for k, v in seeded_weights(shapes, seed=seed).items()})
    return network


def tiny(config: Config = TINY, dtype: torch.dtype = torch.float32, seed: int = 0) -> StyleGAN2:
    """A seeded generator."""
    network = seeded(StyleGAN2(config), seed, dtype)
    assert isinstance(network, StyleGAN2)
    return network.eval()


def seeded_z(n: int = 3, size: int = TINY.z_dim, seed: int = 1) -> np.ndarray:
    """(n, size) float64 latents."""
    return np.random.default_rng(seed).standard_normal((n, size))


class Reduced:
    """Pickles as the call of a function by name."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = (function, args)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


class EasyDict(dict):
    """Stands for dnnlib's."""


def _reconstruct_persistent_obj(meta: Any) -> Any:
    raise AssertionError("nothing may call this")


@contextmanager
def nvidia_names() -> Iterator[None]:
    """Importable under NVIDIA's names while a pickle is written."""
    modules = {name: ModuleType(name) for name in ("torch_utils", "torch_utils.persistence", "dnnlib", "dnnlib.util")}
    for name, value in (("torch_utils.persistence", _reconstruct_persistent_obj), ("dnnlib.util", EasyDict)):
        with patch.object(value, "__module__", name):
            setattr(modules[name], value.__name__, value)
    with (
        patch.dict(sys.modules, modules),
        patch.object(_reconstruct_persistent_obj, "__module__", "torch_utils.persistence"),
        patch.object(EasyDict, "__module__", "dnnlib.util"),
    ):
        yield


def persistent(
    tensors: Mapping[str, Any], said: Mapping[str, Mapping[str, Any]], path: str = "", **extra: Any
) -> Reduced:
    """A pickled network: `tensors` by full name, plain attributes by module path."""
    names = [name.removeprefix(path) for name in tensors if name.startswith(path)]
    own = {name: tensors[path + name] for name in names if "." not in name}
    children = list(dict.fromkeys(name.partition(".")[0] for name in names if "." in name))
    buffers = {k: v for k, v in own.items() if k in ("w_avg", "noise_const", "resample_filter")}
    state = {
        "_parameters": OrderedDict(
            (k, nn.Parameter(v) if isinstance(v, Tensor) else v) for k, v in own.items() if k not in buffers
        ),
        "_buffers": OrderedDict(buffers),
        "_modules": OrderedDict((child, persistent(tensors, said, f"{path}{child}.")) for child in children),
        "_non_persistent_buffers_set": set(),
        **said.get(path.removesuffix("."), {}),
        **extra,
    }
    source = "raise SystemExit('the source inside the pickle was executed')"
    meta = {"type": "class", "version": 6, "module_src": source, "class_name": "Generator", "state": state}
    return Reduced(_reconstruct_persistent_obj, EasyDict(meta))


def attributes(config: Config) -> dict[str, dict[str, Any]]:
    """The plain attributes that NVIDIA's layers keep and that decide what they compute."""
    said: dict[str, dict[str, Any]] = {
        f"mapping.fc{i}": {"activation": "lrelu", "bias_gain": config.mapping_lr, "weight_gain": np.float64(0.1)}
        for i in range(config.mapping_layers)
    }
    for side in config.resolutions:
        block = f"synthesis.b{side}"
        said[block] = {"architecture": "skip", "use_fp16": False}
        for conv in ("conv0", "conv1"):
            said[f"{block}.{conv}"] = {"activation": "lrelu", "use_noise": True, "conv_clamp": config.conv_clamp}
            said[f"{block}.{conv}.affine"] = {"activation": "linear", "bias_gain": 1}
        said[f"{block}.torgb"] = {"conv_clamp": config.conv_clamp}
        said[f"{block}.torgb.affine"] = {"activation": "linear", "bias_gain": 1}
    return said


def write_nvidia_pickle(
    path: Path, tensors: Mapping[str, Any], said: Mapping[str, Mapping[str, Any]], **extra: Any
) -> Path:
    """A training snapshot with this G_ema."""
    with nvidia_names():
        snapshot = {
            "G": None,
            "D": None,
            "G_ema": persistent(tensors, said),
            "training_set_kwargs": EasyDict(x=1),
            **extra,
        }
        path.write_bytes(pickle.dumps(snapshot, protocol=4))
    return path


def legacy_bytes(value: Any) -> bytes:
    """What torch.save wrote before 1.6, which is what storages inside NVIDIA's pickles are."""
    stream = io.BytesIO()
    torch.save(value, stream, _use_new_zipfile_serialization=False)
    return stream.getvalue()
