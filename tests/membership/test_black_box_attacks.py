"""Norms, distances to anchors, and quantiles of non-members: by hand and against what theory promises."""

from dataclasses import replace

import numpy as np
import pytest
from toy import known_from, split_in_halves, toy_world

from bareface.errors import Abstained
from bareface.membership.base import AttackerKnowledge, Labelled
from bareface.membership.engine.gallery import Centres, nearest_stranger
from bareface.membership.lpla import Lpla, log_normal
from bareface.membership.qmia import Expected, Qmia
from bareface.membership.sd_mi import QUANTILES, SdMi, describe
from bareface.trace import Channel, Trace


def of_lengths(lengths: np.ndarray, dimension: int = 1) -> Trace:
    embedding = np.zeros((len(lengths), 2, dimension), np.float32)
    embedding[..., 0] = lengths[:, None]
    return Trace(
        np.array([f"{n:05d}" for n in range(len(lengths))]), np.arange(len(lengths)), {Channel.EMBEDDING: embedding}
    )


def test_the_log_density_is_the_normal_one() -> None:
    from scipy.stats import multivariate_normal

    examples = np.random.default_rng(0).normal(size=(500, 3)) @ np.diag([1, 2, 3])
    x = np.random.default_rng(1).normal(size=(9, 3))
    expected = multivariate_normal(examples.mean(0), np.cov(examples.T, bias=True)).logpdf(x)
    np.testing.assert_allclose(log_normal(x, examples), expected, rtol=1e-6)


def test_lpla_finds_the_analytic_ratio_of_two_normal_log_norms() -> None:
    rng = np.random.default_rng(0)
    member = rng.random(20_000) < 0.5
    logs = np.where(member, 1 + 0.2 * rng.normal(size=20_000), 0.7 + 0.4 * rng.normal(size=20_000))
    known = AttackerKnowledge("partial", (Labelled(of_lengths(np.exp(logs)), member),))
    at = np.linspace(0, 2, 21)
    told = Lpla(norm="l2").score(of_lengths(np.exp(at)), known, rng).values
    truth = -0.5 * ((at - 1) / 0.2) ** 2 - np.log(0.2) + 0.5 * ((at - 0.7) / 0.4) ** 2 + np.log(0.4)
    np.testing.assert_allclose(told, truth, atol=0.6)
    np.testing.assert_allclose(told[5:16], truth[5:16], atol=0.12)


def test_the_three_norms_by_hand() -> None:
    trace = of_lengths(np.ones(1), 2)
    trace.channels[Channel.EMBEDDING][:] = [[[3, -4], [3, -4]]]
    np.testing.assert_allclose(Lpla().log_norms(trace), np.log([[7, 5, 4]]), rtol=1e-6)
    np.testing.assert_allclose(Lpla(norm="linf").log_norms(trace), np.log([[4]]), rtol=1e-6)


def test_unit_vectors_leave_the_other_norms() -> None:
    """Members lie along an axis, others between two: the same length, another sum of coordinates."""
    rng = np.random.default_rng(0)
    angle = np.where(np.arange(200) < 100, 0.1, 0.7) + 0.02 * rng.normal(size=200)
    trace = of_lengths(np.ones(200), 2)
    trace.channels[Channel.EMBEDDING][:] = np.stack([np.cos(angle), np.sin(angle)], -1)[:, None]
    member = np.arange(200) < 100
    told = Lpla().score(trace, AttackerKnowledge("partial", (Labelled(trace, member),)), rng).values
    assert np.isfinite(told).all()
    assert (told > 0).tolist() == member.tolist()


def test_anchor_distances_by_hand_leave_out_the_images_own_person() -> None:
    """Anchors at 0°, 60° and 180°, the first of the image's own person; image at 0°, its flip at 0° or at 60°."""
    at = np.deg2rad([0.0, 60.0, 180.0])
    anchors = np.repeat(np.stack([np.cos(at), np.sin(at)], -1)[:, None], 2, axis=1)
    people = np.array([7, 8, 9])
    same, turned = anchors[:1], np.stack([anchors[0, 0], anchors[1, 0]])[None]
    told = np.exp(describe(same, np.array([7]), (anchors, people))[0])
    np.testing.assert_allclose(told[[0, len(QUANTILES) - 1]], [1.0, 2.0], rtol=1e-9)
    assert told[-1] < 1e-6
    stranger = np.exp(describe(same, np.array([5]), (anchors, people))[0])
    assert stranger[0] < 1e-6
    chord = 2 * np.sin(np.deg2rad([[0, 60, 180], [60, 0, 120]]) / 2)
    changed = np.exp(describe(turned, np.array([5]), (anchors, people))[0, -1])
    assert changed == pytest.approx(np.sqrt(((chord - chord.mean(0)) ** 2).mean()))


def test_sd_mi_compares_with_known_people_where_there_is_no_gallery_and_says_when_there_is_nobody() -> None:
    toy = toy_world(4, leak=1.5)
    learn, judge = split_in_halves(toy)
    alone = replace(toy, trace=replace(toy.trace, gallery=None, references=()))
    scores = SdMi().score(alone.trace.take(judge), known_from(alone, learn), np.random.default_rng(0))
    assert not scores.abstained.any()
    shadow = AttackerKnowledge("shadow", (Labelled(alone.trace, toy.member),))
    with pytest.raises(Abstained, match="sd-mi: got nobody to compare with; expected public people"):
        SdMi().score(alone.trace, shadow, np.random.default_rng(0))


def test_strangers_are_never_the_images_own_person() -> None:
    gallery = toy_world(2).trace.gallery
    assert gallery is not None
    trace = replace(gallery, gallery=gallery)
    told = nearest_stranger(trace, "x")
    centres = Centres.of(gallery)
    towards = trace.channels[Channel.EMBEDDING].astype(np.float64).sum(1)
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    for row in (0, 17, 100):
        others = centres.direction[centres.person != trace.photo_set[row]]
        assert told[row] == pytest.approx((others @ towards[row]).max())
    with pytest.raises(Abstained, match="x: got nobody to compare with"):
        nearest_stranger(replace(trace, gallery=None), "x")


def test_conditional_quantiles_cover_pictures_of_every_kind_alike() -> None:
    """A signal whose mean and deviation hang on the picture: one threshold would accuse the one kind alone."""
    rng = np.random.default_rng(0)
    picture = rng.normal(size=(6000, 4))
    signal = 3 * picture[:, 0] + np.exp(0.7 * picture[:, 1]) * rng.normal(size=6000)
    expected = Expected.of(picture[:3000], signal[:3000])
    residual = expected.residual(picture, signal)
    threshold = np.quantile(residual[:3000], 0.9)
    fresh, kinds = residual[3000:] > threshold, picture[3000:]
    for kind in (kinds[:, 0] > 1, kinds[:, 0] < -1, kinds[:, 1] > 1, kinds[:, 1] < -1):
        assert abs(fresh[kind].mean() - 0.1) < 0.05
    plain = (signal > np.quantile(signal[:3000], 0.9))[3000:]
    assert plain[kinds[:, 0] > 1].mean() > 0.4


def test_qmia_looks_at_nonmembers_alone() -> None:
    toy = toy_world(4, leak=1.5)
    learn, judge = split_in_halves(toy)
    known = known_from(toy, learn)
    told = Qmia().score(toy.trace.take(judge), known, np.random.default_rng(0)).values
    outside = learn[~toy.member[learn]]
    only = AttackerKnowledge("partial", (Labelled(toy.trace.take(outside), toy.member[outside]),))
    np.testing.assert_allclose(told, Qmia().score(toy.trace.take(judge), only, np.random.default_rng(0)).values)


def test_qmia_says_how_few_nonmembers_it_has() -> None:
    toy = toy_world(4)
    few = np.flatnonzero(~toy.member)[:4]
    known = AttackerKnowledge("partial", (Labelled(toy.trace.take(few), toy.member[few]),))
    with pytest.raises(Abstained, match="qmia: got 4 known non-members; expected 10 at least"):
        Qmia().score(toy.trace, known, np.random.default_rng(0))
