"""The verdict table, row by row, and how often it is wrong where there is nothing to find."""

from collections.abc import Mapping

import numpy as np
import pytest

from bareface.errors import UsageError
from bareface.records.evidence import Interval
from bareface.records.inversion import Arm, ArmName, GalleryCard, Judgement, Rise, Transfer
from bareface.stats.inversion.claims import Cosines, cosines
from bareface.stats.inversion.judgement import Ruler, judgements
from bareface.stats.inversion.verdict import decide, with_holm
from bareface.vocabulary import Verdict

PEOPLE, IMAGES = 30, 48
RANDOM = GalleryCard(people=PEOPLE, images_per_person=3, split="random", blind=None, blind_interval=None)
NAMES: tuple[ArmName, ...] = ("optimised", "base", "placebo", "oracle")


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def seen(
    rng: np.random.Generator,
    leak: Mapping[str, float],
    judges: int = 2,
    own: Mapping[str, float] | None = None,
    people: int = PEOPLE,
    copied: int = PEOPLE,
) -> list[dict[ArmName, Cosines]]:
    """What judges see: images that lean towards one of the first `copied` training people, by `leak[arm]`.

    own: further leaks that only the first judge sees.
    """
    target = {name: rng.integers(0, min(copied, people), IMAGES) for name in NAMES}
    base = unit(rng.normal(size=(IMAGES, 16)) + np.eye(16)[0] * 2)
    found: list[dict[ArmName, Cosines]] = []
    templates = unit(rng.normal(size=(2 * people, 16)))
    for number in range(judges):
        view = unit(templates + 0.1 * rng.normal(size=templates.shape))
        extra = own or {}
        arms = {}
        for name in NAMES:
            pull = leak.get(name, 0.0) + (extra.get(name, 0.0) if number == 0 else 0.0)
            moved = base + 0.3 * rng.normal(size=base.shape) * (name != "base") + pull * templates[target[name]]
            inside, outside = np.split(unit(moved) @ view.T, 2, axis=1)
            arms[name] = cosines(inside.clip(-1, 1), outside.clip(-1, 1))
        found.append(arms)
    return found


def arms_of(
    views: list[dict[ArmName, Cosines]], rng: np.random.Generator, draws: int = 200, random_split: bool = True
) -> list[Arm]:
    each = [
        judgements(Ruler(f"judge-{i}", judges=len(views)), arms, rng, draws=draws, random_split=random_split)
        for i, arms in enumerate(views)
    ]
    return [arm(name, with_holm([judged[name] for judged in each])) for name in views[0]]


def arm(name: ArmName, judged: tuple[Judgement, ...], transfer: Transfer | None = None) -> Arm:
    return Arm(
        arm=name,
        status="done",
        reason="",
        objective="membership",
        images=IMAGES,
        faceless=0,
        passes=100,
        score=None,
        transfer=transfer,
        trajectory=None,
        judgements=judged,
    )


def without(arms: list[Arm], *names: str) -> list[Arm]:
    gone = {"status": "skipped", "reason": "not asked for", "judgements": ()}
    return [a.model_copy(update=gone) if a.arm in names else a for a in arms]


LEAK = {"optimised": 2.5, "oracle": 4.0}


@pytest.fixture(scope="module")
def leaking() -> list[Arm]:
    rng = np.random.default_rng(0)
    return arms_of(seen(rng, LEAK), rng, 500)


@pytest.fixture(scope="module")
def silent() -> list[Arm]:
    rng = np.random.default_rng(1)
    return arms_of(seen(rng, {"oracle": 4.0}), rng, 500)


def test_many_identities(leaking: list[Arm]) -> None:
    found = decide(leaking, RANDOM)
    assert (found.verdict, found.reading) == (Verdict.LEAK_SHOWN, "many identities")
    assert "before judge-0" in found.sentence
    assert "the base arm by +0." in found.sentence
    assert "the placebo arm by" in found.sentence


def test_few_identities() -> None:
    rng = np.random.default_rng(2)
    found = decide(arms_of(seen(rng, {"optimised": 3.0, "oracle": 4.0}, copied=7), rng), RANDOM)
    assert (found.verdict, found.reading) == (Verdict.LEAK_SHOWN, "few identities")
    assert "people, not images" in found.sentence


def test_nothing_seen(silent: list[Arm]) -> None:
    found = decide(silent, RANDOM)
    assert (found.verdict, found.reading) == (Verdict.NOT_SHOWN, "nothing seen")
    assert "with 80 % power" in found.sentence
    assert "safe" not in found.sentence


def test_an_oracle_that_is_not_detected_stops_everything(leaking: list[Arm], silent: list[Arm]) -> None:
    quiet = next(a for a in silent if a.arm == "base").model_copy(update={"arm": "oracle"})
    found = decide([*(a for a in leaking if a.arm != "oracle"), quiet], RANDOM)
    assert (found.verdict, found.reading) == (Verdict.INVALID, "oracle not detected")


def test_nothing_seen_without_an_oracle_says_nothing(silent: list[Arm]) -> None:
    found = decide(without(silent, "oracle"), RANDOM)
    assert (found.verdict, found.reading) == (Verdict.NOT_ESTIMABLE, "nothing seen")


@pytest.mark.parametrize("absent", [(), ("base",)])
def test_a_placebo_that_pulls_is_a_pipeline_bias(absent: tuple[str, ...]) -> None:
    rng = np.random.default_rng(3)
    arms = arms_of(seen(rng, {"optimised": 1.0, "placebo": 2.5, "oracle": 4.0}), rng)
    if absent:
        arms = without(arms, *absent)
        bare = {"excesses": ()}
        arms = [
            a.model_copy(update={"judgements": tuple(j.model_copy(update=bare) for j in a.judgements)}) for a in arms
        ]
    found = decide(arms, RANDOM)
    assert (found.verdict, found.reading) == (Verdict.INVALID, "pipeline bias")


def test_a_generator_that_knows_the_people_excuses_the_model() -> None:
    rng = np.random.default_rng(4)
    arms = arms_of(seen(rng, {"optimised": 2.0, "base": 1.8, "placebo": 1.8, "oracle": 4.0}), rng)
    found = decide(arms, RANDOM)
    assert (found.verdict, found.reading) == (Verdict.NOT_SHOWN, "not beyond controls")


def test_a_leak_without_any_control_is_no_finding(leaking: list[Arm]) -> None:
    found = decide(without(leaking, "base", "placebo"), RANDOM)
    assert (found.verdict, found.reading) == (Verdict.INVALID, "not beyond controls")


def test_one_judge_of_two() -> None:
    rng = np.random.default_rng(5)
    found = decide(arms_of(seen(rng, {"oracle": 4.0}, own={"optimised": 3.0}), rng), RANDOM)
    assert (found.verdict, found.reading) == (Verdict.NOT_SHOWN, "one judge only")
    assert "Only judge-0 sees it" in found.sentence


def test_one_judge_in_all() -> None:
    rng = np.random.default_rng(6)
    found = decide(arms_of(seen(rng, LEAK, judges=1), rng), RANDOM)
    assert (found.verdict, found.reading) == (Verdict.NOT_ESTIMABLE, "one judge only")
    assert "no second judge" in found.sentence


def rise(value: float) -> Rise:
    return Rise(value=value, interval=Interval(low=value - 0.5, high=value + 0.5), starts=48)


@pytest.mark.parametrize(("held_out", "reading"), [(0.2, "attack model fooled"), (2.0, "nothing seen")])
def test_a_score_that_rises_alone_fooled_the_attack_model(silent: list[Arm], held_out: float, reading: str) -> None:
    moved = Transfer(own=rise(4.0), held_out=rise(held_out), ratio=None, position=None)
    arms = [a.model_copy(update={"transfer": moved}) if a.arm == "optimised" else a for a in silent]
    found = decide(arms, RANDOM)
    assert (found.verdict, found.reading) == (Verdict.NOT_SHOWN, reading)


@pytest.mark.parametrize(
    ("split", "blind", "reading"),
    [
        ("not random", None, "confounded"),
        ("unknown", (0.55, 0.7), "confounded"),
        ("unknown", (0.45, 0.58), "many identities"),
    ],
)
def test_a_split_that_was_not_random_needs_a_blind_check(
    leaking: list[Arm], split: str, blind: tuple[float, float] | None, reading: str
) -> None:
    interval = Interval(low=blind[0], high=blind[1]) if blind else None
    card = RANDOM.model_copy(update={"split": split, "blind": 0.5 if blind else None, "blind_interval": interval})
    assert decide(leaking, card).reading == reading


def test_too_few(leaking: list[Arm]) -> None:
    rng = np.random.default_rng(7)
    few = decide(arms_of(seen(rng, LEAK, people=8), rng), RANDOM)
    assert (few.verdict, few.reading) == (Verdict.NOT_ESTIMABLE, "too few")
    assert "8 people in a gallery, 10 are needed (judge-0)" in few.sentence
    faceless = [a.model_copy(update={"faceless": 25}) for a in leaking]
    assert "25 of 48 optimised images have no face" in decide(faceless, RANDOM).sentence
    assert "not asked for" in decide(without(leaking, "optimised"), RANDOM).sentence
    assert "not in the record" in decide([], RANDOM).sentence
    unjudged = [a.model_copy(update={"judgements": ()}) for a in leaking]
    assert "no judge looked" in decide(unjudged, RANDOM).sentence


def test_arms_that_cannot_be_decided_on_are_refused(leaking: list[Arm]) -> None:
    with pytest.raises(UsageError, match="each arm once"):
        decide([*leaking, leaking[0]], RANDOM)
    raw = leaking[0].judgements[0]
    rate = raw.win_rate.model_copy(update={"p_value_holm": None})
    bare = leaking[0].model_copy(update={"judgements": (raw.model_copy(update={"win_rate": rate}),)})
    with pytest.raises(UsageError, match=r"with_holm\(judgements\)"):
        decide([bare], RANDOM)


def test_one_judge_sees_one_gallery() -> None:
    rng = np.random.default_rng(8)
    views = seen(rng, LEAK, judges=1)[0]
    other = cosines(views["base"].values[:, :10], views["base"].values[:, 30:40])
    with pytest.raises(UsageError, match="the same galleries for all arms"):
        judgements(Ruler("judge"), {**views, "base": other}, rng)


def test_false_alarms_of_the_verdict_are_nominal() -> None:
    """Nothing to find but an oracle: leaks are shown, and runs called invalid, in 5 % at most (2 judges).

    With 1,000 runs see the docstring of `decide`.
    """
    rng = np.random.default_rng(9)
    found = [decide(arms_of(seen(rng, {"oracle": 4.0}), rng, 100), RANDOM).verdict for _ in range(80)]
    assert found.count(Verdict.LEAK_SHOWN) <= 4
    assert found.count(Verdict.INVALID) <= 9


def test_the_power_is_what_was_printed() -> None:
    """Leaks of about the smallest win rate that is printed are shown in most runs."""
    rng = np.random.default_rng(10)
    runs = [arms_of(seen(rng, {"optimised": 1.6, "oracle": 4.0}), rng, 100) for _ in range(40)]
    judged = [[j.win_rate for j in arms[0].judgements] for arms in runs]
    printed = np.mean([max(rate.smallest_effect or 1 for rate in rates) for rates in judged])
    assert np.mean([[rate.rate for rate in rates] for rates in judged]) == pytest.approx(printed, abs=0.03)
    assert np.mean([decide(arms, RANDOM).verdict == Verdict.LEAK_SHOWN for arms in runs]) > 0.65
