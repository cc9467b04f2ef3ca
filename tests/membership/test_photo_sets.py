"""Attacks on a person's photos: hand-computed and slow references, and what they must not see."""

from dataclasses import replace

import numpy as np
import pytest
from toy import known_from, split_in_halves, toy_world

from bareface.errors import Abstained
from bareface.membership.all_person import AllPerson
from bareface.membership.base import AttackerKnowledge, Labelled
from bareface.membership.families.photo_sets import sets_of
from bareface.membership.mean_direction import MeanDirection, Whitening, beside_trained, shifted
from bareface.membership.neighbour_compactness import NeighbourCompactness
from bareface.membership.similarity_residual import SimilarityResidual, likeness, residual
from bareface.membership.slmia import Slmia, to_imposters, within
from bareface.membership.stranger_margin import StrangerMargin, margins
from bareface.membership.subject_compactness import SubjectCompactness
from bareface.trace import Channel, Reference, Trace, Trained


def angles(degrees: list[float], photo_set: list[int], length: float = 1.0, name: str = "a") -> Trace:
    """Embeddings on a circle, the flip as the image."""
    turn = np.radians(np.array(degrees))
    point = length * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    embedding = np.stack([point, point], axis=1).astype(np.float32)
    image = np.array([f"{name}{row:03d}" for row in range(len(degrees))])
    return Trace(image, np.array(photo_set), {Channel.EMBEDDING: embedding})


def z(*degrees: float) -> np.ndarray:
    """artanh of cosines."""
    return np.arctanh(np.minimum(np.cos(np.radians(degrees)), 1 - 1e-7))


def unit(rng: np.random.Generator, *shape: int) -> np.ndarray:
    vectors = rng.normal(size=shape)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def four(values: list[float]) -> list[float]:
    return [float(np.mean(values)), float(np.std(values)), max(values), min(values)]


def slow_within(photos: np.ndarray) -> list[float]:
    """SLMIA-SR's 24 of one set, in loops."""
    k, centroid = len(photos), photos.sum(0) / np.linalg.norm(photos.sum(0))
    pair = {(i, j): float(np.arctanh(photos[i] @ photos[j])) for i in range(k) for j in range(k) if i != j}
    items = [four([pair[i, j] for j in range(k) if j != i]) for i in range(k)]
    numbers = four([float(np.arctanh(p @ centroid)) for p in photos]) + four(list(pair.values()))
    for column in zip(*items, strict=True):
        numbers += four(list(column))
    return numbers


def slow_to_imposters(photos: np.ndarray, imposters: np.ndarray) -> list[float]:
    """SLMIA-SR's 96 of one set, in loops."""
    numbers: list[float] = []
    for ours in ([photos.sum(0) / np.linalg.norm(photos.sum(0))], list(photos)):
        for centroids in (True, False):
            per = []
            for imposter in imposters:
                theirs = [imposter.sum(0) / np.linalg.norm(imposter.sum(0))] if centroids else list(imposter)
                per.append([float(np.arctanh(a @ b)) for a in ours for b in theirs])
            numbers += four([value for values in per for value in values])
            for column in zip(*[four(values) for values in per], strict=True):
                numbers += four(list(column))
            numbers += four(max(per, key=lambda values: float(np.mean(values))))
    return numbers


@pytest.mark.parametrize("k", [2, 3, 5])
def test_slmia_has_24_and_96_features_as_a_slow_reference_says(k: int) -> None:
    rng = np.random.default_rng(k)
    photos, imposters = unit(rng, 4, k, 6), unit(rng, 4, 3, 2, 6)
    told = np.concatenate([within(photos), to_imposters(photos, imposters)], axis=1)
    expected = [slow_within(a) + slow_to_imposters(a, b) for a, b in zip(photos, imposters, strict=True)]
    assert told.shape == (4, 120)
    np.testing.assert_allclose(told, expected, rtol=1e-9, atol=1e-12)


def test_slmia_compares_nobody_with_photos_of_their_own() -> None:
    trace = angles([0, 10, 90, 91, 200, 205], [1, 1, 2, 2, 3, 3])
    told = Slmia(k=2, imposters="candidates", count=2).features(trace)
    rows = np.arange(6).reshape(3, 2)
    directions = trace.channels[Channel.EMBEDDING][:, 0].astype(float)
    for own, others in ((0, (1, 2)), (1, (0, 2)), (2, (0, 1))):
        expected = slow_to_imposters(directions[rows[own]], directions[rows[list(others)]])
        np.testing.assert_allclose(told[rows[own], 24:], np.stack([expected] * 2), rtol=1e-5)


def test_slmia_needs_enough_imposters_and_says_so() -> None:
    with pytest.raises(Abstained, match=r"^slmia: got 3 people with photos to compare with; expected more than 3"):
        Slmia(k=2, imposters="candidates", count=3).features(angles([0, 1, 2, 3, 4, 5], [1, 1, 2, 2, 3, 3]))
    with pytest.raises(Abstained, match=r"^slmia: got nobody to compare with"):
        Slmia(k=2).features(angles([0, 1], [1, 1]))


def test_margin_by_hand() -> None:
    gallery = angles([60, 180], [-1, -2], name="g")
    trace = replace(angles([0, 20, 200, 240], [1, 1, 2, 2]), gallery=gallery)
    expected = [z(20)[0] - z(60)[0], z(20)[0] - z(40)[0], z(40)[0] - z(20)[0], z(40)[0] - z(60)[0]]
    np.testing.assert_allclose(margins(trace, sets_of(trace, 2), "x").reshape(-1), expected, rtol=1e-5)
    told = StrangerMargin(k=2).features(trace)
    np.testing.assert_allclose(told[0], [np.mean(expected[:2]), min(expected[:2])], rtol=1e-5)


def test_neighbours_by_hand() -> None:
    told = NeighbourCompactness(neighbours=2).features(angles([0, 10, 30, 180], [0, 1, 2, 3]))
    np.testing.assert_allclose(told[0], [z(10, 30).mean(), z(30)[0], z(20)[0]], rtol=1e-5)
    np.testing.assert_allclose(told[1], [z(10, 20).mean(), z(20)[0], z(30)[0]], rtol=1e-5)


def test_neighbours_do_not_look_at_who_is_who() -> None:
    trace = toy_world(5, leak=1.0).trace
    shuffled = trace.with_photo_set(np.zeros(len(trace), np.int64))
    np.testing.assert_allclose(NeighbourCompactness().features(trace), NeighbourCompactness().features(shuffled))


def test_neighbours_abstain_in_too_small_a_pool() -> None:
    with pytest.raises(Abstained, match=r"^neighbour-compactness: got a pool of 2 images; expected more than 2"):
        NeighbourCompactness().features(angles([0, 1], [0, 1]))


def test_length_of_a_mean_by_hand() -> None:
    told = MeanDirection(k=2).features(angles([0, 120, 40, 40], [1, 1, 2, 2], length=3.0))
    np.testing.assert_allclose(told[:, 0], np.log([1.5, 1.5, 3.0, 3.0]), rtol=1e-5)


def test_whitening_makes_a_crowd_round() -> None:
    crowd = np.random.default_rng(1).normal(size=(4000, 3)) * (5.0, 1.0, 0.2) + 7.0
    white = Whitening.of(crowd, 0.0)(crowd)
    np.testing.assert_allclose(np.cov(white.T), np.eye(3), atol=1e-8)
    np.testing.assert_allclose(white.mean(0), 0, atol=1e-8)


def test_mean_shift_stays_in_a_crowd_and_leaves_a_gap() -> None:
    crowd = angles([*np.linspace(-5, 5, 11), *np.linspace(85, 95, 11)], list(range(22)))
    directions = crowd.channels[Channel.EMBEDDING][:, 0].astype(float)
    start = np.array([[1.0, 0.0], [np.cos(np.radians(40)), np.sin(np.radians(40))]])
    moved = shifted(start, directions, np.zeros((2, 22), bool))
    turned = np.degrees(np.arccos(np.clip((moved * start).sum(1), -1, 1)))
    assert turned[0] < 1
    assert turned[1] > 30


def test_known_people_by_hand_and_nobody_is_compared_with_their_own() -> None:
    known = angles([0, 0, 30, 100], [7, 7, 8, 9], name="t")
    trace = replace(angles([2, 2, 60, 60], [1, 1, 2, 2]), trained=Trained(known, np.array([7, 7, 5, 5])))
    told = beside_trained(trace, trace.trained, sets_of(trace, 2))  # type: ignore[arg-type]
    # Person 7 stands aside: 30 and 100 degrees are 28 and 98 away. To person 5 the three are 60, 30 and 40 away.
    cosine = [np.cos(np.radians(28)), np.mean(np.cos(np.radians([28, 98])))]
    np.testing.assert_allclose(np.tanh(told[0]), [cosine[0], cosine[1], cosine[1], cosine[1]], rtol=1e-4)
    every = np.mean(np.cos(np.radians([60, 30, 40])))
    np.testing.assert_allclose(np.tanh(told[1]), [np.cos(np.radians(30)), every, every, every], rtol=1e-4)


def test_known_people_can_be_left_out() -> None:
    trace = replace(angles([2, 2], [1, 1]), trained=Trained(angles([0], [7]), np.array([1, 1])))
    assert MeanDirection(k=2).features(trace).shape == (2, 5)
    assert MeanDirection(k=2, known_people=False).features(trace).shape == (2, 1)


def test_people_who_stand_where_no_known_person_does_are_found_by_those_alone() -> None:
    """As margin losses place them: members away from each other's directions, strangers in between."""
    rng = np.random.default_rng(3)
    centres = np.eye(40)
    member = np.arange(80) < 40
    towards = np.where(member[:, None], centres[np.arange(80) % 40], np.abs(unit(rng, 80, 40)))
    photos = np.repeat(towards, 3, axis=0) + 0.02 * rng.normal(size=(240, 40))
    embedding = np.stack([photos, photos], axis=1).astype(np.float32)
    person = np.repeat(np.arange(80), 3)
    image = np.array([f"{row:04d}" for row in range(240)])
    trace = Trace(image, person, {Channel.EMBEDDING: embedding})
    trained = Trained(trace.take(np.flatnonzero(person < 40)), person)
    learn, judge = np.flatnonzero(person % 2 == 0), np.flatnonzero(person % 2)
    known_people = trained.without(np.unique(person[judge]))
    beside = replace(trace, trained=known_people)
    known = AttackerKnowledge("partial", (Labelled(beside.take(learn), np.repeat(member, 3)[learn], person[learn]),))
    scores = MeanDirection(k=3).score(beside.take(judge), known, rng).values
    assert scores[np.repeat(member, 3)[judge]].min() > scores[~np.repeat(member, 3)[judge]].max()


def test_likeness_to_others_leaves_out_models_that_know_the_person() -> None:
    trace = angles([0, 20, 50, 60, 0, 50], [1, 1, 2, 2, 3, 3])
    trace = replace(trace, channels={**trace.channels, Channel.PICTURE: trace.channels[Channel.EMBEDDING][:, 0]})
    nobody, first = np.zeros(6, bool), np.array([True, False, False, False, False, False])
    clean = Reference(angles([0, 10, 0, 30, 0, 60], [1, 1, 2, 2, 3, 3]), nobody)
    told = likeness(replace(trace, references=(clean,)), sets_of(trace, 2))
    assert np.argsort(told[:, 1]).tolist() == [2, 1, 0]
    np.testing.assert_allclose(told[:, 0], z(20, 10, 50), rtol=1e-5)
    np.testing.assert_allclose(told[:, 2], told[:, 0], rtol=1e-5)
    knowing = replace(trace, references=(Reference(clean.trace, nobody, first),))
    assert np.isnan(likeness(knowing, sets_of(trace, 2))[:, 1]).tolist() == [True, False, False]
    assert np.isnan(likeness(trace, sets_of(trace, 2))[:, 1]).all()


def test_residual_takes_away_what_others_see_too() -> None:
    """Sets that are alike to everybody stand out by cosine, and not by residual."""
    toy = toy_world(9, leak=0.0)
    rng = np.random.default_rng(0)
    easy = rng.normal(size=80)[toy.subject]
    reference = toy.trace.references[0]
    lifted = {
        name: trace.channels[Channel.EMBEDDING].astype(float).copy()
        for name, trace in (("own", toy.trace), ("other", reference.trace))
    }
    for embedding in lifted.values():
        centre = np.stack([embedding[toy.subject == s].mean((0, 1)) for s in range(80)])[toy.subject]
        embedding += (np.exp(easy)[:, None] * centre)[:, None]
    channels = {**toy.trace.channels, Channel.EMBEDDING: lifted["own"].astype(np.float32)}
    beside = replace(reference.trace, channels={Channel.EMBEDDING: lifted["other"].astype(np.float32)})
    trace = replace(toy.trace, channels=channels, references=(Reference(beside, reference.member),))
    learn, judge = split_in_halves(toy)
    known = AttackerKnowledge("partial", (Labelled(trace.take(learn), toy.member[learn]),))
    scores = SimilarityResidual().score(trace.take(judge), known, rng).values
    cosine = SubjectCompactness(k=3).features(trace)[judge, 0]
    of_ease = [abs(float(np.corrcoef(values, easy[judge])[0, 1])) for values in (scores, cosine)]
    assert of_ease[0] < 0.3 < 0.7 < of_ease[1]


def test_residual_is_what_the_line_leaves() -> None:
    standard = np.array([[3.0, 1.0, 2.0], [0.0, 0.0, 0.0]])
    assert residual(standard, np.array([0.5, 1.0, 0.25])).tolist() == [1.0, -0.5]


@pytest.mark.parametrize("attack", [Slmia, SimilarityResidual, StrangerMargin, MeanDirection, AllPerson])
def test_photos_that_make_no_full_set_are_out_of_scope(attack: type) -> None:
    trace = toy_world(2, people=3, images=5).trace
    scope = attack(k=2).in_scope(trace)
    assert [int(scope[trace.photo_set == person].sum()) for person in range(6)] == [4] * 6


def test_titles_say_how_many_photos_whatever_is_usual() -> None:
    titles = [attack.title() for attack in (SubjectCompactness(), Slmia(), MeanDirection(k=5), AllPerson())]
    assert titles == ["subject-compactness (k=2)", "slmia (k=3)", "mean-direction (k=5)", "all-person (k=3)"]
    assert NeighbourCompactness().title() == "neighbour-compactness (neighbours=2)"


def test_the_stack_finds_a_leak_with_all_channels_and_with_the_embedding_alone() -> None:
    toy = toy_world(21, leak=0.7)
    learn, judge = split_in_halves(toy)
    bare = replace(toy.trace, channels={Channel.EMBEDDING: toy.trace.channels[Channel.EMBEDDING]}, references=())
    bare = replace(bare, gallery=None)
    for trace in (toy.trace, bare):
        scores = AllPerson().score(
            trace.take(judge), known_from(replace(toy, trace=trace), learn), np.random.default_rng(0)
        )
        gap = scores.values[toy.member[judge]].mean() - scores.values[~toy.member[judge]].mean()
        assert gap > scores.values.std()
