"""Attacks that read the classification head, by hand and against the definitions."""

import numpy as np
import pytest
from toy import toy_world

from bareface.errors import Abstained
from bareface.membership.base import AttackerKnowledge, Labelled
from bareface.membership.engine.posteriors import likeliest_logit, logit, top_log_posteriors
from bareface.membership.families.signals import scalar
from bareface.membership.max_posterior import MaxPosterior
from bareface.membership.posterior_entropy import PosteriorEntropy
from bareface.membership.shadow_posterior import ShadowPosterior
from bareface.membership.yeom import Yeom
from bareface.trace import POSTERIOR_SCALE, Channel, Trace

CLASSES = 12


def head(cosine: np.ndarray, photo_set: list[int]) -> Trace:
    """What is kept of (n, v, 12) cosines to class centres, by the definitions."""
    order = np.argsort(-cosine, axis=-1)[..., :8]
    p = np.exp(POSTERIOR_SCALE * cosine)
    p /= p.sum(-1, keepdims=True)
    entropy = -(p * np.log(p)).sum(-1)
    channels = {
        Channel.TOP_COSINES: np.take_along_axis(cosine, order, -1),
        Channel.TOP_CLASSES: order,
        Channel.POSTERIOR: np.stack([np.log(p.max(-1)), entropy, entropy], -1),
    }
    image = np.array([f"{n:03d}" for n in range(len(cosine))])
    return Trace(image, np.array(photo_set), {name: v.astype(np.float32) for name, v in channels.items()})


def random_head(seed: int, n: int = 6) -> tuple[np.ndarray, Trace]:
    cosine = np.random.default_rng(seed).uniform(-0.2, 0.6, (n, 2, CLASSES))
    return cosine, head(cosine, list(range(n)))


def test_posteriors_of_the_likeliest_classes_are_those_of_the_whole_softmax() -> None:
    cosine, trace = random_head(0)
    p = np.exp(POSTERIOR_SCALE * cosine)
    p = np.sort(p / p.sum(-1, keepdims=True))[..., ::-1][..., :8]
    np.testing.assert_allclose(top_log_posteriors(trace), np.log(p), atol=1e-4)
    np.testing.assert_allclose(
        ShadowPosterior(top=2).features(trace), logit(np.log(p[..., :2])).reshape(6, -1), atol=1e-2
    )
    np.testing.assert_allclose(MaxPosterior().features(trace), logit(np.log(p[..., 0])), atol=1e-2)
    np.testing.assert_allclose(scalar(trace, "logit", "x"), logit(np.log(p[..., 0])).mean(1), atol=1e-2)


def test_logits_by_hand() -> None:
    np.testing.assert_allclose(logit(np.log(np.array([0.5, 0.75, 0.1]))), np.log([1, 3, 1 / 9]), atol=1e-12)
    assert np.isfinite(logit(np.array([0.0, -1e-9, -500.0]))).all()


def test_nearly_sure_posteriors_are_still_told_apart() -> None:
    """The rounding of a float32 logarithm hides 1 − p below 1e-6; the next seven classes do not."""
    cosine = np.full((4, 2, CLASSES), -0.5)
    cosine[:, :, 0], cosine[:, :, 1] = 0.9, np.array([0.4, 0.3, 0.2, 0.1])[:, None]
    p = np.exp(POSTERIOR_SCALE * cosine)
    truth = np.log(p[..., 0] / p[..., 1:].sum(-1))
    assert truth.min() > 15
    trace = head(cosine, [0, 1, 2, 3])
    np.testing.assert_allclose(likeliest_logit(trace), truth, atol=1e-3)
    np.testing.assert_allclose(Yeom().loss(trace), np.exp(-truth).mean(1), rtol=1e-3)


def test_entropies_are_those_of_the_channel() -> None:
    _, trace = random_head(1)
    told = trace.channels[Channel.POSTERIOR]
    np.testing.assert_allclose(np.exp(PosteriorEntropy().features(trace)), told[..., 1], rtol=1e-5)
    np.testing.assert_allclose(np.exp(PosteriorEntropy(form="modified").features(trace)), told[..., 2], rtol=1e-5)


def test_yeoms_threshold_is_the_mean_loss_of_known_members() -> None:
    cosine, trace = random_head(2)
    p = np.exp(POSTERIOR_SCALE * cosine)
    loss = -np.log(p.max(-1) / p.sum(-1)).mean(1)
    member = np.array([True, True, False, True, False, False])
    told = (
        Yeom().score(trace, AttackerKnowledge("partial", (Labelled(trace, member),)), np.random.default_rng(0)).values
    )
    np.testing.assert_allclose(told, np.log(loss[member].mean() / loss), atol=1e-3)
    assert (told > 0).tolist() == (loss < loss[member].mean()).tolist()


def test_a_person_votes_for_one_class_and_the_eighth_bounds_what_lies_beyond() -> None:
    cosine = np.full((3, 2, CLASSES), -0.1) - 0.01 * np.arange(CLASSES)
    cosine[0, :, 3], cosine[0, :, 5] = 0.5, 0.4  # its own likeliest class is 3 ...
    cosine[1, :, 5] = 0.6  # ... but together with this photo the person is 5
    cosine[2, :, 9] = 0.5  # somebody else
    trace = head(cosine, [0, 0, 1])
    p = np.exp(POSTERIOR_SCALE * cosine)
    log_p = np.log(p / p.sum(-1, keepdims=True))[:, 0]
    np.testing.assert_allclose(Yeom(label="voted").loss(trace), [-log_p[0, 5], -log_p[1, 5], -log_p[2, 9]], atol=1e-4)
    np.testing.assert_allclose(Yeom().loss(trace), -log_p.max(-1), atol=1e-4)
    cosine[0, :, 5] = -0.9
    bounded = Yeom(label="voted").loss(head(cosine, [0, 0, 1]))
    p = np.exp(POSTERIOR_SCALE * cosine[0, 0])
    eighth = -np.log(np.sort(p)[-8] / p.sum())
    assert bounded[0] == pytest.approx(eighth, abs=1e-4)
    assert bounded[0] < -np.log(p[5] / p.sum())


def test_yeom_needs_both_sides() -> None:
    toy = toy_world(1)
    with pytest.raises(Abstained, match="yeom: got one side only"):
        Yeom().score(
            toy.trace,
            AttackerKnowledge("partial", (Labelled(toy.trace, np.zeros(len(toy.member), bool)),)),
            np.random.default_rng(0),
        )
