"""Hand-computed cases of the single attacks."""

from dataclasses import replace

import numpy as np
import pytest
from toy import LAYERS, toy_world

from bareface.errors import Abstained
from bareface.membership.base import AttackerKnowledge, Labelled
from bareface.membership.bn_distance import BnDistance
from bareface.membership.embedding_norm import EmbeddingNorm
from bareface.membership.flip_agreement import FlipAgreement
from bareface.membership.subject_compactness import SubjectCompactness, compactness, sets_of
from bareface.trace import Channel, Trace


def trace_of(photo_set: list[int], **channels: np.ndarray) -> Trace:
    image = np.array([f"{i:04d}" for i in range(len(photo_set))])
    values = {Channel(name): value.astype(np.float32) for name, value in channels.items()}
    return Trace(image, np.array(photo_set), values, layers=LAYERS)


def test_the_three_conventions_for_b() -> None:
    raw = np.array([[[4.0, 8.0, 16.0], [8.0, 16.0, 32.0]]])
    trace = trace_of([0], bn_distance=raw, bn_distance_variance=raw * 10)
    assert BnDistance(convention="channels").features(trace).tolist() == [[1, 1, 1, 2, 2, 2]]
    assert BnDistance(convention="none").features(trace).tolist() == [[4, 8, 16, 8, 16, 32]]
    assert BnDistance(convention="variance").features(trace).tolist() == [[40, 80, 160, 80, 160, 320]]


def test_the_three_ways_to_join_the_flip() -> None:
    raw = np.array([[[4.0, 8.0, 16.0], [8.0, 16.0, 32.0]]])
    trace = trace_of([0], bn_distance=raw, bn_distance_variance=raw)
    assert BnDistance(flip="mean").features(trace).tolist() == [[1.5, 1.5, 1.5]]
    assert BnDistance(flip="none").features(trace).tolist() == [[1, 1, 1]]


def test_norm_and_flip_agreement_by_hand() -> None:
    trace = trace_of([0, 0], embedding=np.array([[[3, 4], [4, 3]], [[0, 1], [1, 0]]]))
    np.testing.assert_allclose(EmbeddingNorm().features(trace), np.log([[5, 5], [1, 1]]), atol=1e-6)
    np.testing.assert_allclose(FlipAgreement().features(trace), np.arctanh([[0.96], [0.0]]), atol=1e-6)


def test_flip_agreement_needs_the_flip() -> None:
    trace = replace(trace_of([0], embedding=np.ones((1, 1, 2))), views=("image",))
    with pytest.raises(Abstained, match="got a target that gives the view image alone; expected the view flip too"):
        FlipAgreement().features(trace)
    bright = replace(trace_of([0], embedding=np.array([[[3, 4], [9, 9], [4, 3]]])), views=("image", "bright", "flip"))
    np.testing.assert_allclose(FlipAgreement().features(bright), np.arctanh([[0.96]]), atol=1e-6)


def test_shadows_of_another_architecture_teach_nothing() -> None:
    toy = toy_world(1, leak=1.0)
    fewer = {name: values[:, :, :2] if values.ndim == 3 else values for name, values in toy.trace.channels.items()}
    trace = replace(toy.trace, channels=fewer, layers=LAYERS[:2])
    known = AttackerKnowledge("shadow", (Labelled(toy.trace, toy.member),))
    with pytest.raises(
        Abstained, match="got 4 numbers an image from the target and 6 from the shadows; expected as many"
    ):
        BnDistance().score(trace, known, np.random.default_rng(0))


def test_sets_hold_exactly_k_photos_of_one_person_and_leave_the_rest_out() -> None:
    trace = trace_of([5, 5, 5, 9, 9, 9, 9, 2], embedding=np.ones((8, 2, 2)))
    sets = sets_of(trace, 3)
    assert sets.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert SubjectCompactness(k=3).in_scope(trace).tolist() == [True] * 6 + [False] * 2
    scores = SubjectCompactness(k=3).features(trace)
    assert np.isnan(scores).all(1).tolist() == [False] * 6 + [True, True]


def test_compactness_by_hand() -> None:
    angles = np.deg2rad([0, 60, 90])
    features = np.tanh(compactness(np.stack([np.cos(angles), np.sin(angles)], 1), np.array([[0, 1, 2]])))
    first = [(0.5 + 0.0) / 2, 0.0, 0.5, np.cos(np.deg2rad(75))]
    np.testing.assert_allclose(features[0], first, atol=1e-9)


def test_sets_do_not_depend_on_how_many_photos_the_other_side_has() -> None:
    toy = toy_world(1, people=5, images=7)
    assert len(sets_of(toy.trace, 3)) == 10 * 2
    assert sets_of(toy.trace.take(np.arange(0)), 3).shape == (0, 3)


@pytest.mark.parametrize("wrong", [1, 0, -3, 101, 2.5, "two"])
def test_k_out_of_range_is_refused_with_its_value(wrong: object) -> None:
    with pytest.raises(ValueError, match=rf"(?s)k\n.*input_value={wrong!r}"):
        SubjectCompactness(k=wrong)
