"""Attacks that look into the layers, by hand and against slow definitions."""

from dataclasses import replace

import numpy as np
import pytest
from toy import LAYERS, toy_world

from bareface.errors import Abstained
from bareface.membership.base import AttackerKnowledge, Labelled
from bareface.membership.bn_kl import BnKl, divergence
from bareface.membership.mahalanobis import Cloud, Mahalanobis, log_distances
from bareface.membership.mint import Mint
from bareface.trace import Channel, Layer, Trace


def test_the_divergence_is_that_of_normal_distributions() -> None:
    """One layer of two channels, integrated numerically."""
    mean, variance, running_mean, running_variance = ([0.5, -1.0], [2.0, 0.7], [0.0, 0.5], [1.0, 1.5])
    x = np.linspace(-30, 30, 200_001)

    def density(m: float, v: float) -> np.ndarray:
        return np.exp(-((x - m) ** 2) / (2 * v)) / np.sqrt(2 * np.pi * v)

    expected = []
    for m, v, u, s in zip(mean, variance, running_mean, running_variance, strict=True):
        p, q = density(m, v), density(u, s)
        expected.append((p[p > 0] * np.log(p[p > 0] / np.maximum(q[p > 0], 1e-300))).sum() * (x[1] - x[0]))
    m, v, u, s = map(np.array, (mean, variance, running_mean, running_variance))
    one = {
        Channel.BN_DISTANCE_VARIANCE: ((m - u) ** 2 / s).mean(),
        Channel.BN_LOGVAR: np.log(v / s).mean(),
        Channel.BN_VARIANCE: (v / s).mean(),
    }
    trace = Trace(np.array(["a"]), np.array([0]), {name: np.full((1, 2, 1), value) for name, value in one.items()})
    np.testing.assert_allclose(divergence(trace)[0, 0, 0], np.mean(expected), rtol=1e-5)
    np.testing.assert_allclose(BnKl().features(trace), np.log(np.mean(expected)) * np.ones((1, 2)), rtol=1e-5)


def test_no_divergence_from_oneself() -> None:
    zero = {Channel.BN_DISTANCE_VARIANCE: 0.0, Channel.BN_LOGVAR: 0.0, Channel.BN_VARIANCE: 1.0}
    trace = Trace(np.array(["a"]), np.array([0]), {name: np.full((1, 2, 3), v, np.float32) for name, v in zero.items()})
    assert (divergence(trace) == 0).all()
    assert np.isfinite(BnKl().features(trace)).all()


def cloudy(seed: int, n: int, width: int = 5) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, width)) @ rng.normal(size=(width, width)) + rng.normal(size=width)).astype(np.float32)


def test_the_cloud_is_the_shrunken_covariance_by_its_definition() -> None:
    """Ledoit and Wolf 2004: Σ = (1 − β) S + β m I with m the mean variance, β = min(b², d²) / d²."""
    x = cloudy(0, 40).astype(np.float64)
    n, p = x.shape
    centred = x - x.mean(0)
    s = centred.T @ centred / n
    m = np.trace(s) / p
    d2 = ((s - m * np.eye(p)) ** 2).sum() / p
    b2 = sum(((np.outer(row, row) - s) ** 2).sum() / p for row in centred) / n**2
    beta = min(b2, d2) / d2
    sigma = (1 - beta) * s + beta * m * np.eye(p)
    points = cloudy(1, 7)
    away = points - x.mean(0)
    expected = [a @ np.linalg.inv(sigma) @ a / p for a in away]
    np.testing.assert_allclose(Cloud.of(x.astype(np.float32)).distance(points), expected, rtol=1e-5)


def test_nobody_is_measured_with_a_cloud_that_holds_photos_of_their_own() -> None:
    toy = toy_world(3)
    assert toy.trace.gallery is not None
    gallery = toy.trace.gallery
    strangers = replace(gallery, gallery=gallery, references=())
    told = log_distances(strangers, "mahalanobis")
    pooled = gallery.channels[Channel.POOLED]
    row = 0
    others = gallery.photo_set % 2 != gallery.photo_set[row] % 2
    cloud = Cloud.of(pooled[others, :, 1].reshape(-1, pooled.shape[-1]))
    np.testing.assert_allclose(told[row, :, 1], np.log(cloud.distance(pooled[row, :, 1])), rtol=1e-6)
    moved = {Channel.POOLED: pooled.copy()}
    moved[Channel.POOLED][gallery.photo_set == gallery.photo_set[row]] += 100.0
    elsewhere = replace(gallery, channels=moved)
    np.testing.assert_allclose(log_distances(replace(strangers, gallery=elsewhere), "x")[row], told[row], rtol=1e-6)


def test_no_rotation_of_a_layer_changes_the_distance() -> None:
    toy = toy_world(3)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0].astype(np.float32)

    def turned(trace: Trace) -> Trace:
        return replace(trace, channels={Channel.POOLED: trace.channels[Channel.POOLED] @ turn})

    assert toy.trace.gallery is not None
    other = replace(turned(toy.trace), gallery=turned(toy.trace.gallery))
    np.testing.assert_allclose(log_distances(other, "x"), log_distances(toy.trace, "x"), atol=1e-4)


def test_relative_distances_take_out_what_references_say_who_did_not_see_the_image() -> None:
    toy = toy_world(3)
    own = log_distances(toy.trace, "x")
    others = [log_distances(one.trace, "x") for one in toy.trace.references]
    saw = np.zeros(len(toy.trace), bool)
    saw[0] = True
    references = (toy.trace.references[0], replace(toy.trace.references[1], member=saw))
    told = Mahalanobis(relative=True).features(replace(toy.trace, references=references)).reshape(own.shape)
    np.testing.assert_allclose(told[0], own[0] - others[0][0], atol=1e-5)
    np.testing.assert_allclose(told[1], own[1] - (others[0][1] + others[1][1]) / 2, atol=1e-5)


def test_mahalanobis_says_what_it_lacks() -> None:
    toy = toy_world(3)
    with pytest.raises(Abstained, match="got nobody to compare with; expected public people, of whom nobody is judged"):
        Mahalanobis().features(replace(toy.trace, gallery=None))
    assert toy.trace.gallery is not None
    one = toy.trace.gallery.take(toy.trace.gallery.photo_set == -1)
    with pytest.raises(Abstained, match="got 0 public images in one half; expected two at least"):
        Mahalanobis().features(replace(toy.trace, gallery=one))
    with pytest.raises(Abstained, match="got no reference model"):
        Mahalanobis(relative=True).features(replace(toy.trace, references=()))
    fewer = [
        replace(r.trace, channels={Channel.POOLED: r.trace.channels[Channel.POOLED][:, :, :2]})
        for r in toy.trace.references
    ]
    small = [
        replace(
            f,
            gallery=f.gallery
            and replace(f.gallery, channels={Channel.POOLED: f.gallery.channels[Channel.POOLED][:, :, :2]}),
        )
        for f in fewer
    ]
    references = tuple(replace(r, trace=s) for r, s in zip(toy.trace.references, small, strict=True))
    with pytest.raises(Abstained, match="got a reference with 2 layers; expected 3, as the target has"):
        Mahalanobis(relative=True).features(replace(toy.trace, references=references))


def test_mint_reads_every_number_of_every_layer_and_refuses_shadows() -> None:
    toy = toy_world(3)
    pooled = toy.trace.channels[Channel.POOLED]
    assert Mint().features(toy.trace).shape == (len(toy.trace), 3 * 4)
    np.testing.assert_allclose(Mint(flip="none").features(toy.trace)[5], pooled[5, 0].ravel())
    with pytest.raises(Abstained, match="mint: got shadow knowledge; expected nonmembers or partial knowledge"):
        Mint().fit(AttackerKnowledge("shadow", (Labelled(toy.trace, toy.member),)), np.random.default_rng(0))
    assert LAYERS[0] == Layer("a", 4)
