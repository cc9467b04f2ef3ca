"""Attacks that compare the target with other models, against analytic and hand-computed values."""

from dataclasses import replace

import numpy as np
import pytest
from toy import known_from, split_in_halves, toy_world

from bareface.errors import Abstained
from bareface.membership.bavaria import Bavaria, NormalGammaPrior, predictive, prior_of
from bareface.membership.families.calibrated import ReferenceSignals, calibration, variance_within
from bareface.membership.families.signals import SIGNALS, scalar
from bareface.membership.lira import Lira, standard_score
from bareface.membership.rmia import Rmia, share_exceeded
from bareface.membership.sslmem import Sslmem, disagreement
from bareface.trace import Channel, Reference, Trace

NAN = float("nan")


def gaussian_world(seed: int, images: int, references: int) -> tuple[ReferenceSignals, np.ndarray, np.ndarray]:
    """A signal N(m_i + 2 [the model saw image i], 0.5²) with means m_i of its own for each image; half are members."""
    rng = np.random.default_rng(seed)
    mean, member = rng.normal(size=images), rng.random(images) < 0.5
    saw = rng.random((references, images)) < 0.5
    told = mean + 2 * saw + 0.5 * rng.normal(size=saw.shape)
    target = mean + 2 * member + 0.5 * rng.normal(size=images)
    truth = (2 * (target - mean) - 2) / 0.25  # log N(s; m + 2, ¼) − log N(s; m, ¼)
    return ReferenceSignals(target, np.where(saw, NAN, told), np.where(saw, told, NAN)), member, truth


@pytest.mark.parametrize(
    "attack", [Lira(mode="online"), Lira(mode="online", variance="per-example"), Bavaria(mode="online")]
)
def test_many_references_give_the_analytic_likelihood_ratio(attack: Lira | Bavaria) -> None:
    seen, _, truth = gaussian_world(0, images=300, references=3000)
    told = attack.evidence(seen)
    near = np.abs(truth) < 12
    np.testing.assert_allclose(told[near], truth[near], atol=1.5)
    assert np.corrcoef(told, truth)[0, 1] > 0.99


def test_offline_is_the_standard_score_under_models_that_did_not_see_the_image() -> None:
    seen, _, _ = gaussian_world(1, images=400, references=600)
    mean = np.nanmean(seen.out, 0)
    np.testing.assert_allclose(Lira().evidence(seen), (seen.target - mean) / 0.5, rtol=0.02, atol=0.05)


def test_standard_scores_by_hand() -> None:
    told = np.array([[1.0, 0.0], [3.0, NAN], [NAN, 4.0]])  # within-image squares 2 and 8, one degree of freedom each
    score, deviation = standard_score(np.array([4.0, 3.0]), told, "fixed")
    np.testing.assert_allclose(deviation, np.sqrt(5))
    np.testing.assert_allclose(score, np.array([2.0, 1.0]) / np.sqrt(5))
    score, deviation = standard_score(np.array([4.0, 3.0]), told, "per-example")
    np.testing.assert_allclose(deviation, np.sqrt([2, 8]))


def test_one_reference_gives_a_variance_from_the_differences() -> None:
    rng = np.random.default_rng(0)
    mean = 5 * rng.normal(size=4000)
    target, told = mean + rng.normal(size=4000), mean + rng.normal(size=4000) + 3.0
    assert abs(variance_within(told[None], target) - 1.0) < 0.1


def test_the_t_predictive_by_hand() -> None:
    """Prior: mean 0 worth 1 observation, variance 1 worth 4. Told 2 and 4: κ = 3, ν = 6, m = 2, νσ² = 4 + 2 + ⅔ · 9."""
    told = predictive(np.array([[2.0], [4.0]]), NormalGammaPrior(0.0, 1.0, 1.0, 4.0))
    assert (told.freedom[0], told.centre[0]) == (6.0, 2.0)
    assert told.scale[0] == pytest.approx(np.sqrt(12 / 6 * (1 + 1 / 3)))
    # At the centre t with six degrees of freedom has the density Γ(3.5) / (Γ(3) √(6π)) = 0.382733.
    assert np.exp(told.log_density(np.array([2.0]))[0]) * told.scale[0] == pytest.approx(0.382733, abs=1e-6)
    assert told.log_odds(np.array([2.0]))[0] == pytest.approx(0.0, abs=1e-12)
    # The upper 5 % point of t with six degrees of freedom is 1.943180.
    assert told.log_odds(2 + 1.943180 * told.scale)[0] == pytest.approx(np.log(0.95 / 0.05), abs=1e-5)


def test_without_a_reference_the_prior_speaks_alone() -> None:
    told = predictive(np.array([[NAN], [NAN]]), NormalGammaPrior(0.5, 1.0, 2.0, 4.0))
    assert (told.freedom[0], told.centre[0], told.scale[0]) == (4.0, 0.5, pytest.approx(np.sqrt(1.5)))


def test_the_prior_is_empirical() -> None:
    seen, _, _ = gaussian_world(2, images=4000, references=6)
    prior = prior_of(seen.out, seen.target, freedom=4.0)
    assert prior.mean == pytest.approx(0.0, abs=0.1)
    assert prior.variance == pytest.approx(0.25, rel=0.1)
    assert prior.mean_weight == pytest.approx(0.25 / 1.0, rel=0.2)  # variance over that of the images' means


def test_two_references_are_enough_for_bavaria_where_lira_per_example_is_lost() -> None:
    from sklearn.metrics import roc_auc_score

    seen, member, _ = gaussian_world(3, images=3000, references=2)
    told = [Lira(variance="per-example").evidence(seen), Bavaria().evidence(seen)]
    both = ~np.isnan(told[0]) & ~np.isnan(told[1])
    lira, bavaria = (roc_auc_score(member[both], one[both]) for one in told)
    assert bavaria > lira + 0.03


def test_online_abstains_on_images_that_no_reference_saw() -> None:
    toy = toy_world(5, leak=1.0)
    with pytest.raises(Abstained, match="lira: got no reference that was trained on an image; expected some of both"):
        Lira(mode="online").features(toy.trace)
    saw = np.arange(len(toy.trace)) % 2 == 0
    some = tuple(Reference(one.trace, saw if n else ~saw) for n, one in enumerate(toy.trace.references))
    assert not np.isnan(Lira(mode="online").features(replace(toy.trace, references=some))).any()
    half = (Reference(some[0].trace, saw), replace(some[1], member=np.zeros(len(saw), bool)))
    trace = replace(toy.trace, references=half)
    for attack in (Lira(mode="online"), Bavaria(mode="online")):
        assert np.array_equal(~np.isnan(attack.features(trace)[:, 0]), saw)


@pytest.mark.parametrize("attack", [Lira(), Bavaria(), Rmia(), Sslmem()])
def test_no_references_no_answer(attack: Lira | Bavaria | Rmia | Sslmem) -> None:
    toy = toy_world(5)
    alone = replace(toy.trace, references=())
    with pytest.raises(Abstained, match="got no reference model; expected other models beside the target"):
        attack.features(alone)


def test_a_reference_trained_on_every_image_is_no_reference() -> None:
    toy = toy_world(5)
    trained = tuple(replace(one, member=np.ones(len(toy.trace), bool)) for one in toy.trace.references)
    with pytest.raises(Abstained, match="got no reference that was not trained on an image"):
        Lira().features(replace(toy.trace, references=trained))


@pytest.mark.parametrize("signal", sorted(SIGNALS))
def test_no_rotation_of_a_network_changes_a_signal(signal: str) -> None:
    toy = toy_world(6, leak=1.0)
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(16, 16)))[0].astype(np.float32)

    def rotated(trace: Trace) -> Trace:
        return replace(
            trace, channels={**trace.channels, Channel.EMBEDDING: trace.channels[Channel.EMBEDDING] @ rotation}
        )

    assert toy.trace.gallery is not None
    turned = replace(rotated(toy.trace), gallery=rotated(toy.trace.gallery))
    np.testing.assert_allclose(scalar(turned, signal, "x"), scalar(toy.trace, signal, "x"), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("signal", sorted(SIGNALS))
def test_every_signal_can_be_calibrated(signal: str) -> None:
    toy = toy_world(6, leak=1.5)
    learn, judge = split_in_halves(toy)
    scores = Lira(signal=signal).score(toy.trace.take(judge), known_from(toy, learn), np.random.default_rng(0))
    assert not scores.abstained.any()
    assert Lira(signal=signal).reads() == {Channel.EMBEDDING} | SIGNALS[signal].reads


def test_a_reference_without_the_channel_is_named() -> None:
    toy = toy_world(6)
    bare = [
        {name: v for name, v in one.trace.channels.items() if name != Channel.POSTERIOR} for one in toy.trace.references
    ]
    references = tuple(
        replace(one, trace=replace(one.trace, channels=c)) for one, c in zip(toy.trace.references, bare, strict=True)
    )
    with pytest.raises(
        Abstained, match="lira: got a reference that gives no posterior; expected the classification head"
    ):
        calibration(replace(toy.trace, references=references), "logit", "offline", "lira")


def angles(*degrees: tuple[float, float], photo_set: tuple[int, ...]) -> Trace:
    """Images whose embedding and flip lie at these angles in the plane."""
    at = np.deg2rad(np.array(degrees))
    embedding = np.stack([np.cos(at), np.sin(at)], axis=-1).astype(np.float32)
    name = np.array([f"{n} {degrees[n]}" for n in range(len(degrees))])
    return Trace(name, np.array(photo_set), {Channel.EMBEDDING: embedding})


def test_rmia_by_hand_on_three_points() -> None:
    """p = e^cos(x, flip) / (e^cos(x, flip) + Σ over strangers e^cos), both views in turn; κ = 1, a = 1."""
    gallery = angles((0, 0), (90, 90), photo_set=(-1, -2))
    other = angles((0, 60), (90, 90), photo_set=(-1, -2))
    target = replace(angles((180, 180), photo_set=(4,)), gallery=gallery)
    reference = Reference(replace(angles((180, 90), photo_set=(4,)), gallery=other), np.array([False]))
    target = replace(target, references=(reference,))

    def p(own: float, first: list[float], second: list[float]) -> float:
        logs = [own - np.log(np.exp(own) + np.exp(others).sum()) for others in (first, second)]
        return float(np.exp(np.mean(logs)))

    def cos(*degrees: float) -> list[float]:
        return [float(np.cos(np.deg2rad(d))) for d in degrees]

    x = p(1, cos(180, 90), cos(180, 90)) / p(0, cos(150, 90), cos(60, 0))
    z = [p(1, cos(90), cos(90)) / p(0.5, cos(90), cos(30)), p(1, cos(90), cos(90)) / p(1, cos(60), cos(60))]
    for gamma in (0.9, 1.0, 1.2, 1.5, 2.0):
        expected = np.mean([x / one >= gamma for one in z])
        assert Rmia(kappa=1.0, a=1.0, gamma=gamma).features(target)[0, 0] == expected


def test_shares_by_hand() -> None:
    told = share_exceeded(np.array([0.0, 1.0, 2.0, NAN]), np.array([0.5, 1.0, 3.0, NAN]), 0.0)
    np.testing.assert_allclose(told, [0, 2 / 3, 2 / 3, NAN])


def test_rmia_without_a_gallery_abstains() -> None:
    with pytest.raises(Abstained, match="rmia: got nobody to compare with; expected public people"):
        Rmia().features(replace(toy_world(5).trace, gallery=None))


def test_sslmem_by_hand() -> None:
    """Chords of 60° and 90° on the target and of 90° and 180° on the references, of which one saw the second image."""
    target = angles((0, 60), (0, 90), photo_set=(0, 1))
    np.testing.assert_allclose(disagreement(target), [1, np.sqrt(2)], rtol=1e-6)
    one = Reference(angles((0, 90), (0, 0), photo_set=(0, 1)), np.array([False, True]))
    other = Reference(angles((0, 180), (0, 180), photo_set=(0, 1)), np.array([False, False]))
    told = Sslmem().features(replace(target, references=(one, other)))
    np.testing.assert_allclose(told[:, 0], [(np.sqrt(2) + 2) / 2 - 1, 2 - np.sqrt(2)], rtol=1e-6)


def test_sslmem_takes_the_bank_of_views_where_it_is_asked_to() -> None:
    cosine = np.array([[0.5, 0.0, -1.0], [1.0, 1.0, 1.0]], np.float32)
    trace = Trace(
        np.array(["a", "b"]), np.arange(2), {Channel.EMBEDDING: np.ones((2, 2, 2)), Channel.VIEW_COSINES: cosine}
    )
    other = replace(trace, channels={**trace.channels, Channel.VIEW_COSINES: np.zeros((2, 3), np.float32)})
    beside = replace(trace, references=(Reference(other, np.zeros(2, bool)),))
    told = Sslmem(views="bank").features(beside)[:, 0]
    np.testing.assert_allclose(told, np.sqrt(2) - np.array([(1 + np.sqrt(2) + 2) / 3, 0]), rtol=1e-6)
    assert Channel.VIEW_COSINES in Sslmem(views="bank").reads() - Sslmem().reads()


def test_sslmem_needs_two_views() -> None:
    toy = toy_world(5)
    channels = {Channel.EMBEDDING: toy.trace.channels[Channel.EMBEDDING][:, :1]}
    with pytest.raises(Abstained, match="sslmem: got a target that gives the view image alone; expected two views"):
        Sslmem().features(replace(toy.trace, channels=channels, views=("image",)))
