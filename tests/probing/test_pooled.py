"""Pooled layer inputs: standardised, projected by matrices that never change, and answered only if asked for."""

from pathlib import Path

import numpy as np
import pytest
import torch
from exported import EXPORTERS, exported, faces, small_ir
from needs_onnx import onnx  # noqa: F401
from torch import Tensor, nn

from bareface.faces.source import ArrayImages
from bareface.probing.backbone import BackboneProber
from bareface.probing.graph import GraphProber
from bareface.probing.kinds import prober_of
from bareface.probing.pooled import WIDTH, Projection
from bareface.probing.probe import load_trace, plan, probe
from bareface.probing.prober import Prober
from bareface.targets.onnx.target import load_onnx
from bareface.trace import Channel, Layer, Trace

IMAGES = faces(5)


def traced(prober: Prober, folder: Path) -> Trace:
    digests = np.array([f"digest-{n}" for n in range(5)])
    return load_trace(probe(prober, ArrayImages(IMAGES), plan(prober, digests, batch_size=3), folder))


def slowly(name: str) -> Tensor:
    """(n, c) (v̄ − u) / s of one layer of the unfolded backbone for the images as they are."""
    target, kept = small_ir(), []
    layer = target.module.get_submodule(name)
    assert isinstance(layer, nn.BatchNorm2d)
    handle = layer.register_forward_pre_hook(lambda _, arguments: kept.append(arguments[0]))
    with torch.inference_mode():
        target.embed(IMAGES)
    handle.remove()
    return (kept[0].mean((2, 3)) - layer.running_mean) / (layer.running_var + layer.eps).sqrt()


def test_is_the_standardised_mean_through_the_layers_matrix(tmp_path: Path) -> None:
    trace = traced(BackboneProber(small_ir(), channels=frozenset({Channel.POOLED})), tmp_path)
    modules = dict(small_ir().module.named_modules())
    spatial = [n for n, layer in enumerate(trace.layers) if isinstance(modules[layer.name], nn.BatchNorm2d)]
    for number in (spatial[0], spatial[-1]):
        layer = trace.layers[number]
        expected = slowly(layer.name) @ Projection.of((layer,)).matrices[0]
        told = trace.channels[Channel.POOLED][:, 0, number]
        np.testing.assert_allclose(told, expected.numpy(), rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_a_graph_says_the_same_of_the_layers_that_survived(exporter: str, tmp_path: Path) -> None:
    graph = traced(GraphProber(load_onnx(exported(exporter)), channels=frozenset({Channel.POOLED})), tmp_path / "onnx")
    expected = traced(BackboneProber(small_ir(), channels=frozenset({Channel.POOLED})), tmp_path / "torch")
    names = [layer.name for layer in expected.layers]
    rows = [names.index(layer.name) for layer in graph.layers]
    np.testing.assert_allclose(
        graph.channels[Channel.POOLED], expected.channels[Channel.POOLED][:, :, rows], rtol=2e-3, atol=2e-4
    )


def test_costs_nothing_unless_somebody_asks() -> None:
    names, target = ["a"], small_ir()
    plain, asked = prober_of(target, names, names), prober_of(target, names, names, {Channel.POOLED})
    assert set(asked.offer.shapes) - set(plain.offer.shapes) == {Channel.POOLED}
    assert asked.offer.shapes[Channel.POOLED] == (2, len(asked.offer.layers), WIDTH)
    digests = np.array(names)
    assert plan(plain, digests).key == plan(prober_of(target, names, names), digests).key != plan(asked, digests).key


def test_matrices_keep_lengths_and_hang_on_name_and_width_alone() -> None:
    layers = (Layer("a", 500), Layer("b", 500), Layer("a", 20))
    one, other = Projection.of(layers), Projection.of(layers[:1])
    assert torch.equal(one.matrices[0], other.matrices[0])
    assert not torch.equal(one.matrices[0], one.matrices[1])
    x = torch.randn(200, 500, generator=torch.Generator().manual_seed(0))
    told = other.pooled(x)
    assert told.shape == (200, 1, WIDTH)
    share = told.square().mean((1, 2)) / x.square().mean(1)
    assert abs(float(share.mean()) - 1) < 0.1
