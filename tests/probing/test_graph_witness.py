"""ONNX graphs give the answers of the backbones that they were exported from."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from exported import EXPORTERS, SIDE, exported, faces, small_ir
from needs_onnx import onnx

from bareface.faces.source import ArrayImages
from bareface.probing.backbone import BackboneProber
from bareface.probing.estimated import estimate
from bareface.probing.graph import GraphProber
from bareface.probing.graph_taps import linear_taps, tapped
from bareface.probing.probe import load_trace, plan, probe
from bareface.probing.prober import Prober
from bareface.targets.onnx.graph import Graph
from bareface.targets.onnx.target import OnnxTarget, load_onnx
from bareface.trace import BN_CHANNELS, VIEW_CHANNELS, Channel, Trace

PUBLIC = ArrayImages(faces(40, seed=2))


def trace(prober: Prober, folder: Path) -> Trace:
    images = ArrayImages(faces(7))
    digests = np.array([f"digest-{n}" for n in range(7)])
    return load_trace(probe(prober, images, plan(prober, digests, batch_size=3, part_size=5), folder))


@cache
def witness_of(exporter: str) -> GraphProber:
    target = load_onnx(exported(exporter))
    return GraphProber(target, estimate(GraphProber(target).watched(), PUBLIC))


@cache
def original() -> BackboneProber:
    target = small_ir()
    return BackboneProber(target, estimate(BackboneProber(target).watched(), PUBLIC))


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_surviving_layers_give_the_distances_of_the_backbone(exporter: str, tmp_path: Path) -> None:
    told, expected = trace(witness_of(exporter), tmp_path / "onnx"), trace(original(), tmp_path / "torch")
    names = [layer.name for layer in expected.layers]
    rows = [names.index(layer.name) for layer in told.layers]
    assert len(rows) >= 9
    for channel in BN_CHANNELS:
        reference = expected.channels[channel][:, :, rows]
        np.testing.assert_allclose(told.channels[channel], reference, rtol=1e-4, atol=1e-5, err_msg=channel)
    np.testing.assert_allclose(
        told.channels[Channel.EMBEDDING], expected.channels[Channel.EMBEDDING], rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_estimated_distances_survive_folding(exporter: str, tmp_path: Path) -> None:
    """Scale and shift of a folded BatchNorm cancel, so the graph gives what the backbone gives, layer by layer."""
    told, expected = trace(witness_of(exporter), tmp_path / "onnx"), trace(original(), tmp_path / "torch")
    assert len(told.measured) == len(expected.measured) == 21
    if exporter == "script":  # the other one names a convolution after the BatchNorm that it took in
        assert [layer.name for layer in told.measured] == [layer.name for layer in expected.measured]
    name = Channel.ESTIMATED_DISTANCE
    np.testing.assert_allclose(told.channels[name], expected.channels[name], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_the_bank_of_views_is_answered_as_by_the_backbone_but_without_gradients(exporter: str, tmp_path: Path) -> None:
    asked = VIEW_CHANNELS | {Channel.GRADIENT_NORM}
    told = trace(GraphProber(load_onnx(exported(exporter)), channels=asked), tmp_path / "onnx")
    expected = trace(BackboneProber(small_ir(), channels=asked), tmp_path / "torch")
    assert set(expected.channels) - set(told.channels) == {Channel.GRADIENT_NORM}
    rows = [[layer.name for layer in expected.layers].index(layer.name) for layer in told.layers]
    for channel in VIEW_CHANNELS:
        reference = expected.channels[channel]
        reference = reference[:, :, rows] if channel == Channel.LAYER_AGREEMENT else reference
        np.testing.assert_allclose(told.channels[channel], reference, atol=1e-3, err_msg=channel)


def test_no_feature_map_leaves_the_graph() -> None:
    graph = witness_of("script").target.graph
    made = tapped(graph, linear_taps(graph))
    nodes = made.model.graph.node
    assert [value.name for value in made.model.graph.output] == [graph.embedding, *made.moments, *made.shapes]
    assert {node.op_type for node in nodes if node.output[0] in made.moments} == {"ReduceMean", "ReduceL2"}
    assert {node.op_type for node in nodes if node.output[0] in made.shapes} == {"Shape"}
    assert {node.domain for node in nodes} == {""}
    assert len(graph.model.graph.output) == 1


@pytest.mark.parametrize("opset", [11, 13, 17])
def test_taps_are_the_same_at_every_opset(opset: int) -> None:
    target = load_onnx(exported("script"))
    other = onnx.ModelProto()
    other.CopyFrom(target.graph.model)
    other.opset_import[0].version = opset
    for node in other.graph.node if opset < 14 else ():
        for attribute in [one for one in node.attribute if one.name == "training_mode"]:
            node.attribute.remove(attribute)
    older = OnnxTarget("older", Graph(**{**vars(target.graph), "model": other}))
    images = faces(3)
    with GraphProber(target).watched() as observe, GraphProber(older).watched() as observe_older:
        seen, seen_older = observe(images), observe_older(images)
    for name, moments in seen.items():
        torch.testing.assert_close(seen_older[name].mean, moments.mean)
        torch.testing.assert_close(seen_older[name].norm, moments.norm)
        assert moments.mean.shape == (6, moments.mean.shape[1])


def test_names_in_the_graph_cannot_collide_with_the_taps() -> None:
    target = load_onnx(exported("script"))
    graph = target.graph
    model = onnx.ModelProto()
    model.CopyFrom(graph.model)
    model.graph.node.append(onnx.helper.make_node("Identity", [graph.input], ["bareface/0/mean"]))
    made = tapped(Graph(**{**vars(graph), "model": model}), linear_taps(graph))
    assert made.moments[0] == "barefacebareface/0/mean"


def test_the_side_of_the_images_is_that_of_the_file() -> None:
    assert witness_of("script").target.spec.height == SIDE
