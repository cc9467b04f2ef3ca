"""Hand-computed cases of the attacks on the bank of views, and of the ensemble."""

from dataclasses import replace

import numpy as np
import pytest
from toy import BANK, LAYERS, Toy, known_from, split_in_halves, toy_world

from bareface.errors import Abstained
from bareface.membership.all_calibrated import AllCalibrated
from bareface.membership.all_one_image import AllOneImage
from bareface.membership.base import AttackerKnowledge, Labelled
from bareface.membership.engine.attack_model import TrainingSet, fit
from bareface.membership.engine.bank_features import cosine_matrix, moments_and_quantiles
from bareface.membership.engine.nested import Peopled, Setting
from bareface.membership.families import one_image
from bareface.membership.gradient_norm import GradientNorm
from bareface.membership.layer_agreement import LayerAgreement
from bareface.membership.part_response import PartResponse
from bareface.membership.view_agreement import ViewAgreement
from bareface.stats.roc import auc
from bareface.trace import BN_CHANNELS, Channel, Trace

COSINES = np.array([[0.9, 0.1, 0.5, 0.4, 0.2, 0.6, 0.7, 0.3, 0.8, 0.0]])


def trace_of(**channels: np.ndarray) -> Trace:
    n = len(next(iter(channels.values())))
    values = {Channel(name): value.astype(np.float32) for name, value in channels.items()}
    return Trace(np.array([f"{i:04d}" for i in range(n)]), np.arange(n), values, layers=LAYERS, bank=BANK)


def test_the_five_forms_of_view_agreement_by_hand() -> None:
    trace = trace_of(view_cosines=COSINES)
    told = {form: np.tanh(ViewAgreement(form=form).features(trace))[0] for form in ("anchored", "pairs", "vector")}
    np.testing.assert_allclose(told["anchored"], [0.9, 0.1, 0.5, 0.4, 0.2, 0.6, 0.7], atol=1e-6)
    np.testing.assert_allclose(told["pairs"], COSINES[0], atol=1e-6)
    np.testing.assert_allclose(told["vector"], np.arange(10) / 10, atol=1e-6)
    spread = np.arctanh(np.arange(10) / 10)
    assert ViewAgreement(form="threshold").features(trace)[0] == pytest.approx([spread.mean()], rel=1e-5)
    summary = ViewAgreement(form="set").features(trace)[0]
    expected = [spread.mean(), spread.std(), spread.min(), np.median(spread), spread.max()]
    assert summary[[0, 1, 2, 6, 10]] == pytest.approx(expected, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("form", ["vector", "set", "threshold"])
def test_three_forms_forget_which_views_they_are(form: str) -> None:
    order = np.random.default_rng(0).permutation(10)
    straight, shuffled = (
        ViewAgreement(form=form).features(trace_of(view_cosines=values))  # type: ignore[arg-type]
        for values in (COSINES, COSINES[:, order])
    )
    np.testing.assert_allclose(straight, shuffled)


def test_the_upper_triangle_becomes_a_matrix() -> None:
    matrix = cosine_matrix(trace_of(view_cosines=COSINES))[0]
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_allclose(np.diag(matrix), 1.0)
    assert matrix[0] == pytest.approx([1.0, 0.9, 0.1, 0.5, 0.4])
    assert matrix[3, 4] == pytest.approx(0.0)


def test_parts_are_the_covered_views() -> None:
    told = np.tanh(PartResponse().features(trace_of(view_cosines=COSINES)))[0]
    assert told == pytest.approx([0.5, 0.4, 0.0], abs=1e-6)  # image with no-eyes, with no-mouth, and the two
    nothing_covered = replace(trace_of(view_cosines=COSINES), bank=("image", "flip", "nearer", "up", "down"))
    with pytest.raises(Abstained, match="got a bank of views without covered parts; expected at least one"):
        PartResponse().features(nothing_covered)


def test_layers_agree_with_the_flip_or_with_all_views() -> None:
    agreement = np.array([[[0.1, 0.2, 0.3], [0.5, 0.5, 0.5], [0.5, 0.5, 0.5], [0.5, 0.5, 0.8]]])
    trace = trace_of(layer_agreement=agreement)
    assert np.tanh(LayerAgreement().features(trace))[0] == pytest.approx([0.1, 0.2, 0.3])
    every = LayerAgreement(views="all").features(trace)[0]
    half, more = np.arctanh([0.5, 0.8])
    assert every[3:] == pytest.approx([half, half, (2 * half + more) / 3, 0, 0, np.std([half, half, more])], abs=1e-6)


def test_gradient_norms_side_by_side() -> None:
    norms = np.arange(8.0).reshape(1, 2, 4)
    assert GradientNorm().features(trace_of(gradient_norm=norms)).tolist() == [list(range(8))]


def test_moments_and_quantiles_of_one_number_are_that_number() -> None:
    assert moments_and_quantiles(np.array([[2.0]])).tolist() == [[2.0, 0.0] + [2.0] * 9]


@pytest.mark.parametrize(
    "channels",
    [
        {Channel.EMBEDDING},
        {Channel.EMBEDDING, Channel.VIEW_COSINES, Channel.VIEW_NORM},
        {Channel.EMBEDDING, Channel.BN_DISTANCE_VARIANCE, Channel.BN_LOGVAR, Channel.BN_LOGVAR_SQUARED},
    ],
)
def test_the_ensemble_takes_what_the_target_gives(channels: set[Channel]) -> None:
    toy = toy_world(1, leak=1.0)
    some = {name: values for name, values in toy.trace.channels.items() if name in channels}
    less = Toy(replace(toy.trace, channels=some), toy.member, toy.subject)
    learn, judge = split_in_halves(less)
    scores = AllOneImage().score(less.trace.take(judge), known_from(less, learn), np.random.default_rng(0))
    assert not scores.abstained.any()


def test_the_ensemble_reads_a_table_with_one_view() -> None:
    trace = replace(trace_of(embedding=np.array([[[3.0, 4.0]], [[0.0, 2.0]]])), views=("image",))
    np.testing.assert_allclose(AllOneImage().features(trace), np.log([[5.0], [2.0]]), atol=1e-6)


def test_layers_whose_maps_have_one_pixel_are_left_out_of_the_ensemble() -> None:
    toy = toy_world(2, leak=1.0)
    channels = dict(toy.trace.channels)
    for name in (Channel.BN_LOGVAR, Channel.BN_LOGVAR_SQUARED):
        channels[name] = channels[name].copy()
        channels[name][:, :, 2] = np.nan
    holed = Toy(replace(toy.trace, channels=channels), toy.member, toy.subject)
    learn, judge = split_in_halves(holed)
    scores = AllOneImage().score(holed.trace.take(judge), known_from(holed, learn), np.random.default_rng(0))
    assert not scores.abstained.any()


def test_the_ensemble_chooses_with_the_people_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every photo may have a set of its own; who is on it is said beside the trace."""
    toy, told = toy_world(4, leak=1.0), []

    def first(known: list[Peopled], settings: tuple[Setting, ...], rng: np.random.Generator) -> Setting:
        told.extend(one.people for one in known)
        return settings[0]

    monkeypatch.setattr(one_image, "choose", first)
    lone = toy.trace.with_photo_set(np.arange(len(toy.trace)))
    AllOneImage().fit(
        AttackerKnowledge("partial", (Labelled(lone, toy.member, toy.subject),)), np.random.default_rng(0)
    )
    np.testing.assert_array_equal(told, [toy.subject])


def test_without_choice_the_penalty_is_as_stated() -> None:
    toy = toy_world(3, leak=1.0)
    learn, _ = split_in_halves(toy)
    known = known_from(toy, learn)
    fitted = AllOneImage(choose=False, penalty=7.0).fit(known, np.random.default_rng(0))
    lesson = TrainingSet(AllOneImage().features(toy.trace.take(learn)), toy.member[learn])
    expected = fit([lesson], shape="logistic", penalty=7.0, rng=np.random.default_rng(0))
    np.testing.assert_allclose(fitted.weights[0], expected.weights[0])


def test_calibrated_numbers_are_those_above_the_references_that_did_not_see_the_image() -> None:
    toy = toy_world(3, leak=1.0)
    first, second = toy.trace.references
    saw, both = np.arange(len(toy.trace)) == 0, np.arange(len(toy.trace)) == 1
    trace = replace(toy.trace, references=(replace(first, member=saw | both), replace(second, member=both)))
    told, own = AllCalibrated().features(trace), AllOneImage().features(trace)
    one, two = (AllOneImage().features(reference.trace) for reference in trace.references)
    width = own.shape[1]
    np.testing.assert_allclose(told[:, :width], own)
    np.testing.assert_allclose(told[0, width:], own[0] - two[0])
    assert np.isnan(told[1, width:]).all()
    np.testing.assert_allclose(told[2:, width:], own[2:] - (one[2:] + two[2:]) / 2)


def test_calibration_takes_out_how_easy_a_picture_is_for_everybody() -> None:
    toy = toy_world(6, people=60, leak=1.0)
    ease = np.random.default_rng(1).normal(size=(len(toy.trace), 1, 1)) * 4

    def easier(trace: Trace) -> Trace:
        moved = {name: trace.channels[name] * np.exp(ease) for name in BN_CHANNELS}
        return replace(trace, channels={Channel.EMBEDDING: trace.channels[Channel.EMBEDDING], **moved})

    references = tuple(replace(one, trace=easier(one.trace)) for one in toy.trace.references)
    world = Toy(replace(easier(toy.trace), references=references), toy.member, toy.subject)
    learn, judge = split_in_halves(world)
    known = known_from(world, learn)
    reached = {
        attack.name: auc(
            attack.score(world.trace.take(judge), known, np.random.default_rng(0)).values, world.member[judge]
        )
        for attack in (AllOneImage(), AllCalibrated())
    }
    assert reached["all-calibrated"] > reached["all-one-image"] + 0.05, reached


def test_calibration_wants_references_of_the_same_architecture() -> None:
    toy = toy_world(3)
    with pytest.raises(
        Abstained, match=r"got no reference model; expected other models beside the target\. Try: shadow"
    ):
        AllCalibrated().features(replace(toy.trace, references=()))
    (first, _), fewer = toy.trace.references, {**toy.trace.channels}
    del fewer[Channel.GRADIENT_NORM]
    other = replace(first, trace=replace(first.trace, channels=fewer))
    with pytest.raises(
        Abstained, match=r"got a reference that gives \d+ numbers of an image; expected \d+, as the target"
    ):
        AllCalibrated().features(replace(toy.trace, references=(other,)))
