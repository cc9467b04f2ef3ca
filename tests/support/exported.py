"""Backbones exported to ONNX by both of torch's exporters, and small graphs made by hand."""

import atexit
import logging
import tempfile
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from waves import fill

from bareface.settings.spec import ImageSpec
from bareface.targets.build import build
from bareface.targets.target import Target

EXPORTERS = ("script", "dynamo")
SIDE = 32


def export(module: nn.Module, pixels: Tensor, path: Path, exporter: str) -> Path:
    """Export with an open number of images. What the exporters warn of concerns themselves alone."""
    if exporter == "dynamo":
        pytest.importorskip("onnxscript", reason="torch's dynamo exporter needs onnxscript")
        more = {"dynamo": True, "dynamic_shapes": ({0: torch.export.Dim("n")},), "verbose": False}
    else:
        more = {"dynamo": False, "dynamic_axes": {"input": {0: "n"}, "embedding": {0: "n"}}}
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(action="ignore"):
            torch.onnx.export(module, (pixels,), str(path), input_names=["input"], output_names=["embedding"], **more)
    finally:
        logging.disable(before)
    return path


@cache
def small_ir() -> Target:
    """A small IR net whose weights and statistics are the same on every machine."""
    spec = ImageSpec(SIDE, SIDE)
    return Target("small IR", "ir-tiny", fill(build("ir-tiny", spec=spec, embedding_size=16)), spec)


@cache
def exported(exporter: str) -> Path:
    """The small IR net in an ONNX file (the dynamo exporter puts the weights beside it)."""
    pixels = torch.zeros(2, 3, SIDE, SIDE)
    return export(small_ir().module, pixels, _folder() / f"{exporter}.onnx", exporter)


@cache
def _folder() -> Path:
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    return Path(folder.name)


def faces(n: int, side: int = SIDE, seed: int = 1) -> Tensor:
    """(n, 3, side, side) uint8: smooth blobs, which a net trained on photographs would not find absurd."""
    rng = np.random.default_rng(seed)
    small = torch.from_numpy(rng.uniform(0, 255, (n, 3, 4, 4)).astype(np.float32))
    return nn.functional.interpolate(small, (side, side), mode="bilinear").round().to(torch.uint8)
