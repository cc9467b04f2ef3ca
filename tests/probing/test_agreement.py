"""The channels of the bank of views, from torch, through an endpoint, and where they cannot be given."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_nets import TINY
from torch import Tensor, nn

from bareface.errors import TargetError
from bareface.faces.source import ArrayImages
from bareface.probing.agreement import view_answers
from bareface.probing.backbone import BackboneProber
from bareface.probing.bank import BANK, bank
from bareface.probing.estimated import estimate
from bareface.probing.gradients import AGAINST, disagreement, gradient_norms
from bareface.probing.probe import load_trace, plan, probe
from bareface.probing.prober import Prober
from bareface.probing.remote import EndpointProber
from bareface.settings.spec import ImageSpec
from bareface.targets.endpoint import Endpoint
from bareface.targets.target import Target
from bareface.trace import BN_CHANNELS, VIEW_CHANNELS, Channel, Trace

EVERYTHING = VIEW_CHANNELS | {Channel.GRADIENT_NORM}


def pictures(n: int = 5, side: int = 48) -> tuple[ArrayImages, np.ndarray]:
    coarse = torch.rand(n, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 255
    pixels = torch.nn.functional.interpolate(coarse, size=(side, side), mode="bilinear").to(torch.uint8)
    return ArrayImages(pixels), np.array([f"digest-{i}" for i in range(n)])


def traced(prober: Prober, folder: Path, batch_size: int = 3, side: int = 48) -> Trace:
    images, digests = pictures(side=side)
    return load_trace(probe(prober, images, plan(prober, digests, batch_size=batch_size), folder))


@pytest.fixture(scope="module")
def target() -> Target:
    return TINY["ir"].target()


def test_every_channel_against_the_plain_computation(target: Target, tmp_path: Path) -> None:
    trace = traced(BackboneProber(target, channels=EVERYTHING), tmp_path)
    images, digests = pictures()
    views = list(bank(images.pixels, digests))
    with torch.inference_mode():
        embedding = torch.stack([target.embed(view) for view in views], dim=1)
    cosine = nn.functional.cosine_similarity(embedding[:, :, None], embedding[:, None], dim=-1).numpy()
    above = np.triu_indices(len(BANK), 1)
    np.testing.assert_allclose(trace.channels[Channel.VIEW_COSINES], cosine[:, above[0], above[1]], atol=2e-4)
    np.testing.assert_allclose(trace.channels[Channel.VIEW_NORM], embedding.norm(dim=-1).log().numpy(), atol=1e-4)
    agreement = trace.channels[Channel.LAYER_AGREEMENT]
    assert agreement.shape == (5, len(BANK) - 1, len(trace.layers))
    for layer, view in ((0, 1), (3, 2), (len(trace.layers) - 3, 9)):
        expected = slow_agreement(target, trace.layers[layer].name, views[0], views[view])
        np.testing.assert_allclose(agreement[:, view - 1, layer], expected, atol=2e-4)
    normalised = [target.spec.normalise(views[BANK.index(name)]) for name in ("image", *AGAINST)]
    for number, other in enumerate(normalised[1:]):
        norms = gradient_norms(target.module, torch.cat([normalised[0], other]), 5, disagreement)
        expected = torch.stack([norms[layer.name] for layer in trace.weighted], dim=1).log().numpy()
        np.testing.assert_allclose(trace.channels[Channel.GRADIENT_NORM][:, number], expected, atol=1e-3)
    assert trace.bank == BANK


def slow_agreement(target: Target, name: str, image: Tensor, view: Tensor) -> np.ndarray:
    layer, seen = target.module.get_submodule(name), []
    handle = layer.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0].flatten(2).mean(2)))
    with torch.inference_mode():
        target.embed(image), target.embed(view)
    handle.remove()
    standard = [(one - layer.running_mean) / (layer.running_var + layer.eps).sqrt() for one in seen]
    return nn.functional.cosine_similarity(*standard).numpy()


def test_only_what_is_asked_for_is_answered_and_the_rest_stays_as_it_was(target: Target, tmp_path: Path) -> None:
    plain = BackboneProber(target)
    _, digests = pictures()
    assert not EVERYTHING & set(plain.offer.shapes)
    assert plain.offer.bank == ()
    some = BackboneProber(target, channels=frozenset({Channel.VIEW_NORM}))
    assert set(some.offer.shapes) - set(plain.offer.shapes) == {Channel.VIEW_NORM}
    assert plan(some, digests).key != plan(plain, digests).key
    first, second = traced(plain, tmp_path), traced(BackboneProber(target, channels=EVERYTHING), tmp_path)
    for channel in (Channel.EMBEDDING, *BN_CHANNELS):
        np.testing.assert_allclose(first.channels[channel], second.channels[channel], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 5])
def test_the_batch_size_changes_no_more_than_the_last_bits(target: Target, tmp_path: Path, batch_size: int) -> None:
    prober = BackboneProber(target, channels=EVERYTHING)
    first, second = traced(prober, tmp_path), traced(prober, tmp_path, batch_size)
    for channel in EVERYTHING:
        np.testing.assert_allclose(first.channels[channel], second.channels[channel], atol=2e-3)


def test_a_network_without_batchnorm_has_views_and_gradients_but_no_layers_that_agree(tmp_path: Path) -> None:
    plain = Target("plain", "custom", nn.Sequential(nn.Flatten(), nn.Linear(192, 5)), ImageSpec(8, 8))
    trace = traced(BackboneProber(plain, channels=EVERYTHING), tmp_path, side=8)
    assert set(trace.channels) == {Channel.EMBEDDING, Channel.VIEW_COSINES, Channel.VIEW_NORM, Channel.GRADIENT_NORM}
    assert trace.channels[Channel.GRADIENT_NORM].shape == (5, len(AGAINST), 1)


def test_a_network_without_weights_has_no_gradients() -> None:
    bare = Target("bare", "custom", nn.Sequential(nn.AvgPool2d(2), nn.Flatten()), ImageSpec(8, 8))
    assert Channel.GRADIENT_NORM not in BackboneProber(bare, channels=EVERYTHING).offer.shapes


class Fickle(nn.Module):
    """Takes another way where the picture is dark."""

    def __init__(self) -> None:
        super().__init__()
        self.bright, self.dark = nn.Linear(192, 4), nn.Linear(192, 4)

    def forward(self, x: Tensor) -> Tensor:
        return (self.dark if float(x.detach().mean()) < -0.5 else self.bright)(x.flatten(1))


def test_a_layer_that_has_no_gradient_every_time_is_refused(tmp_path: Path) -> None:
    prober = BackboneProber(Target("fickle", "custom", Fickle(), ImageSpec(8, 8)), channels=EVERYTHING)
    dark = ArrayImages(torch.zeros(2, 3, 8, 8, dtype=torch.uint8))
    todo = plan(prober, np.array(["a", "b"]))
    with pytest.raises(TargetError, match="fickle: got no gradient at bright; expected the layers of the first pass"):
        probe(prober, dark, todo, tmp_path)


class Door:
    """Stands where the network would be."""

    def __init__(self, target: Target) -> None:
        self.url, self.target = "http://nowhere", target


def test_an_endpoint_is_asked_about_the_views_but_has_no_inside(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Endpoint, "embed", lambda self, images: target.embed(images).detach())
    prober = EndpointProber(Endpoint(Door(target), ImageSpec(48, 48)), channels=EVERYTHING)  # type: ignore[arg-type]
    told, expected = traced(prober, tmp_path), traced(BackboneProber(target, channels=EVERYTHING), tmp_path)
    assert set(told.channels) == {Channel.EMBEDDING, Channel.VIEW_COSINES, Channel.VIEW_NORM}
    for channel in told.channels:
        np.testing.assert_allclose(told.channels[channel], expected.channels[channel], atol=3e-4, rtol=1e-4)


def test_a_zero_embedding_agrees_with_nothing() -> None:
    answers = view_answers(torch.tensor([[[3.0, 4.0], [0.0, 0.0], [4.0, 3.0]]]))
    np.testing.assert_allclose(answers[Channel.VIEW_COSINES], [[0.0, 0.96, 0.0]], atol=1e-6)
    np.testing.assert_allclose(answers[Channel.VIEW_NORM][0, [0, 2]], np.log([5, 5]), atol=1e-6)


def test_gradients_and_estimated_distances_of_one_network_in_one_pass(target: Target, tmp_path: Path) -> None:
    """The hooks of the one must not see the passes of the other."""
    images, _ = pictures()
    known = estimate(BackboneProber(target).watched(), images)
    both = traced(BackboneProber(target, known, EVERYTHING), tmp_path / "both")
    apart = [
        traced(BackboneProber(target, channels=EVERYTHING), tmp_path / "views"),
        traced(BackboneProber(target, known), tmp_path / "estimated"),
    ]
    for channel in both.channels:
        expected = next(one.channels[channel] for one in apart if channel in one.channels)
        np.testing.assert_allclose(both.channels[channel], expected, atol=2e-3)
