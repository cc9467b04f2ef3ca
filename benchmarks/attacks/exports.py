"""A backbone in ONNX by both of torch's exporters, and how far its answers are from those in torch."""

import logging
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from bareface.faces.source import Images
from bareface.probing.backbone import BackboneProber
from bareface.probing.graph import GraphProber
from bareface.probing.prober import Batch, Prober
from bareface.settings.spec import ImageSpec
from bareface.streams import seed_for
from bareface.targets.build import build
from bareface.targets.onnx.target import OnnxTarget, load_onnx
from bareface.targets.target import Target
from bareface.trace import Channel, FloatArray, Layer

EXPORTERS = {"TorchScript": False, "dynamo": True}
DISTANCES = (Channel.BN_DISTANCE, Channel.BN_DISTANCE_VARIANCE)


@dataclass(frozen=True)
class Parity:
    """How an ONNX file answers in comparison with its backbone in torch.

    Attributes:
        survived: BatchNorm layers in the file.
        layers: BatchNorm layers of the backbone.
        distance: largest |in ONNX - in torch| / in torch of a BatchNorm distance, over images, views and layers.
        embedding: largest difference of an embedding's coordinate.
        relative: the length of the difference of two embeddings over the length in torch, largest over images.
    """

    survived: int
    layers: int
    distance: float
    embedding: float
    relative: float


def export(target: Target, path: Path, *, dynamo: bool) -> OnnxTarget:
    """The backbone as an ONNX file with an open number of images; what the exporters warn of concerns themselves."""
    pixels = torch.zeros(2, target.spec.channels, target.spec.height, target.spec.width)
    open_batch = (
        {"dynamic_shapes": ({0: torch.export.Dim("n")},), "verbose": False}
        if dynamo
        else {"dynamic_axes": {"x": {0: "n"}}}
    )
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(action="ignore"):
            torch.onnx.export(target.module, (pixels,), str(path), input_names=["x"], dynamo=dynamo, **open_batch)
    finally:
        logging.disable(logging.NOTSET)
    return load_onnx(path)


def compare(target: Target, graph: OnnxTarget, images: Images) -> Parity:
    """Both asked about the same images and their flips, as an audit asks them."""
    here, there = BackboneProber(target), GraphProber(graph)
    expected, told = asked(here, images), asked(there, images)
    rows = _among(here.offer.layers, there.offer.layers)
    apart = [np.abs(told[name] / expected[name][:, :, rows] - 1).max(initial=0) for name in DISTANCES if rows]
    embedding = told[Channel.EMBEDDING] - expected[Channel.EMBEDDING]
    relative = np.linalg.norm(embedding, axis=-1) / np.linalg.norm(expected[Channel.EMBEDDING], axis=-1)
    return Parity(
        len(rows), len(here.offer.layers), float(max(apart, default=np.nan)),
        float(np.abs(embedding).max()), float(relative.max()),
    )  # fmt: skip


def asked(prober: Prober, images: Images, size: int = 16) -> dict[Channel, FloatArray]:
    """What a witness answers about images, of which it needs no digests."""
    everything = np.arange(len(images))
    with prober.asked() as ask:
        parts = [
            ask(Batch(rows.astype(str), images, rows))
            for rows in np.array_split(everything, max(1, len(images) // size))
        ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def drawn(architecture: str, spec: ImageSpec, seed: int) -> Target:
    """A backbone with random weights, scales, shifts and running statistics: nothing in it is 0 or 1 by default."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed_for(seed, "exports", architecture))
        module = build(architecture, spec=spec)
        for layer in module.modules():
            if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
                _draw(layer)
    return Target(architecture, architecture, module, spec)


@torch.no_grad()
def _draw(layer: nn.BatchNorm1d | nn.BatchNorm2d) -> None:
    assert layer.running_mean is not None
    assert layer.running_var is not None
    layer.weight.uniform_(0.5, 1.5)
    layer.bias.normal_(0, 0.2)
    layer.running_mean.normal_(0, 0.5)
    layer.running_var.uniform_(0.25, 4)


def _among(layers: tuple[Layer, ...], some: tuple[Layer, ...]) -> list[int]:
    names = [layer.name for layer in layers]
    return [names.index(layer.name) for layer in some]
