"""The bench of defences: a tiny world from end to end, and the arithmetic behind its tables."""

import json
import math
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import binom

from bareface.auditing.audit import AuditInputs, conduct
from bareface.auditing.own_models import Shadow
from bareface.auditing.settings import AuditSettings, attacks_named
from bareface.bench.bench import every_defence, make_defence, read_trial, run_bench
from bareface.bench.empirical import epsilon_at_least
from bareface.bench.figure import write_figure
from bareface.bench.record import SCHEMA_VERSION, BenchRecord, DefenceTrial, Leak, Utility
from bareface.bench.summary import lines, pooled
from bareface.bench.table import markdown
from bareface.bench.trial import attacks_on
from bareface.bench.world import TRAINING, RenderedPeople, World, rendered_world, world_of
from bareface.errors import RosterError, RunError, UsageError
from bareface.records.evidence import Control, Finding, Interval, Measurement, OperatingPoint
from bareface.rosters.roster import Roster
from bareface.settings.recipe import ShadowSettings
from bareface.settings.spec import ImageSpec
from bareface.stats.intervals import share
from bareface.storage.artefacts import write_artefact
from bareface.targets.build import build
from bareface.targets.target import Target
from bareface.training.defences import defences
from bareface.training.defences.norm_removal import NormRemoval

TINY = replace(TRAINING, spec=ImageSpec(height=16, width=16, order="GRAY"), embedding_size=8, epochs=1, warmup_epochs=0)
GROUPS = (
    RenderedPeople("member", 6, 3), RenderedPeople("outside", 6, 3), RenderedPeople("auxiliary", 9, 3),
    RenderedPeople("public", 6, 3),
    RenderedPeople("verification", 22, 2),
)  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return rendered_world(tmp_path_factory.mktemp("people"), lambda *_: None, groups=GROUPS, training=TINY)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


ASKED = ("none", "folding", "embedding-noise:queries=1", "posterior-rounding", "group-norm")


@pytest.fixture(scope="module")
def bench(world: World, run: Path) -> BenchRecord:
    return run_bench(world, ASKED, [3], run, lambda *_: None)


def leaks(trial: DefenceTrial) -> dict[str, Leak]:
    return {leak.attack: leak for leak in trial.leaks if leak.knowledge == "partial"}


def test_every_defence_is_on_the_bench_and_none_twice() -> None:
    names = [make_defence(text).name for text in every_defence() if text != "none"]  # type: ignore[union-attr]
    assert set(names) == set(defences())
    assert len(set(every_defence())) == len(every_defence())


def test_each_defence_is_met_by_the_attacks_that_suit_it(bench: BenchRecord) -> None:
    plain, folded, noisy, rounded, grouped = (leaks(trial) for trial in bench.trials)
    black = {"embedding-norm", "flip-agreement", "subject-compactness (k=3)"}
    assert set(plain) == black | {"bn-distance", "class-centre"}
    assert set(folded) == black | {"bn-distance", "estimated-distance"}
    assert folded["bn-distance"].auc is None
    assert "BatchNorm layers with running statistics" in folded["bn-distance"].reason
    assert folded["estimated-distance"].auc is not None
    assert set(noisy) == black  # answers alone
    assert "class-centre" in rounded
    assert grouped["estimated-distance"].auc is not None
    assert all(leak.control in ("blind", "foreign") for leak in plain.values())
    assert {leak.knowledge for trial in bench.trials for leak in trial.leaks} == {"partial", "shadow"}


def test_what_only_moves_a_statistic_or_the_head_leaves_the_others_untouched(bench: BenchRecord) -> None:
    plain, folded, _, rounded, _ = (leaks(trial) for trial in bench.trials)
    for name in ("flip-agreement", "subject-compactness (k=3)"):
        assert folded[name].auc == pytest.approx(plain[name].auc, abs=0.02)
        assert rounded[name].auc == pytest.approx(plain[name].auc, abs=1e-3)
    assert bench.trials[1].utility.auc == pytest.approx(bench.trials[0].utility.auc, abs=1e-3)


def test_a_finished_trial_is_read_and_not_run_again(world: World, run: Path, bench: BenchRecord) -> None:
    path = run / "seed-3" / "defences" / "folding" / "trial.json"
    trial = json.loads(path.read_text()) | {"seconds": 12345.0}
    owner = path.with_name("trial.json.sha256").read_text().splitlines()[1].removeprefix("# of ")
    write_artefact(path, json.dumps(trial), of=owner)
    again = run_bench(world, ("folding",), [3], run, lambda *_: None)
    assert [one.seconds for one in again.trials] == [12345.0]
    path.with_name("broken.json").write_text('{"defence": "folding"}')
    with pytest.raises(RunError, match=r"a trial of this version.*delete it"):
        read_trial(path.with_name("broken.json"))


def test_a_run_folder_belongs_to_one_world(world: World, run: Path, bench: BenchRecord) -> None:
    other = World(world.name, world.roster, world.strangers, replace(TINY, epochs=2))
    with pytest.raises(RunError, match="training"):
        run_bench(other, ("none",), [3], run, lambda *_: None)


def test_table_and_figure_show_every_defence_in_its_group(bench: BenchRecord, tmp_path: Path) -> None:
    table = markdown(bench)
    assert table.index("### partial knowledge") < table.index("### shadow knowledge")
    for words in (
        "| none |",
        "| folding |",
        "| embedding-noise (queries=1) |",
        "Changes of a statistic",
        "Changes of answers",
    ):
        assert words in table
    rows = [line for line in table.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {11}
    write_figure(bench, "partial", tmp_path / "f.svg")
    write_figure(bench, "partial", tmp_path / "f.png")
    svg = (tmp_path / "f.svg").read_text()
    assert "folding" in svg
    assert (tmp_path / "f.png").read_bytes().startswith(b"\x89PNG")


def test_attacks_follow_what_is_released() -> None:
    net = Target("t", "ir-tiny", build("ir-tiny", spec=ImageSpec(16, 16), embedding_size=8), ImageSpec(16, 16))
    assert attacks_on(None, net) == ("bn-distance", "embedding-norm", "flip-agreement", "subject-compactness:k=3")
    assert attacks_on(NormRemoval(), net, ("flip-agreement",)) == (
        "embedding-norm", "flip-agreement", "subject-compactness:k=3",
    )  # fmt: skip


def test_a_mistake_in_a_defence_is_named() -> None:
    assert make_defence("none") is None
    assert make_defence("dp-sgd:noise=2.5").title() == "dp-sgd (noise=2.5)"  # type: ignore[union-attr]
    with pytest.raises(UsageError, match="defence dropout, parameter probability"):
        make_defence("dropout:probability=1.5")
    with pytest.raises(UsageError, match="'moat'"):
        make_defence("moat")


def test_a_missing_package_is_found_out_before_anything_is_trained(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opacus.accountants", None)
    with pytest.raises(UsageError, match=r"bareface\[dp\]"):
        run_bench(world, ("none", "dp-sgd"), [3], tmp_path / "run", lambda *_: None)
    assert not (tmp_path / "run").exists()


def test_a_world_needs_all_roles(world: World) -> None:
    nobody = world.roster.take(world.roster.role != "public")
    with pytest.raises(RosterError, match="nobody in the role public"):
        world_of(nobody, TINY, "w")
    assert world_of(world.roster, TINY, "w").strangers.role.tolist() == ["outside"] * 18


def test_a_shadows_people_are_two_thirds_of_the_auxiliary_ones(world: World) -> None:
    people = world.shadow_roster(1)
    assert {role: count for role, (count, _) in people.head_count().items()} == {"member": 6, "outside": 3}
    assert len(np.unique(people.subject[people.role == "member"])) == 6


def test_a_shadow_of_other_images_is_refused(world: World, tmp_path: Path) -> None:
    torch.manual_seed(0)
    spec = ImageSpec(16, 16)
    net = Target("t", "ir-tiny", build("ir-tiny", spec=spec, embedding_size=8), spec)
    wrong = world.shadow_roster(1)
    wrong = Roster(wrong.root, wrong.image[::-1], wrong.subject[::-1], wrong.role[::-1])
    attacks = attacks_named("embedding-norm")
    settings = AuditSettings(
        attacks=attacks, games=("dataset",), shadow=ShadowSettings(), selfcheck="skip", max_shared_rate=1.0
    )
    with pytest.raises(UsageError, match="a shadow of other images"):
        conduct(AuditInputs(net, world.roster, shadows=(Shadow(net, wrong),)), settings, tmp_path / "run")


# Arithmetic


def point(hits: int, alarms: int, n: int = 400) -> OperatingPoint:
    return OperatingPoint(
        nominal_fpr=0.01, positives=n, negatives=n, negatives_needed=299,
        true_positive=share(hits, n), false_positive=share(alarms, n),
    )  # fmt: skip


def finding(*points: OperatingPoint) -> Finding:
    image = Measurement(
        unit="image", members=400, nonmembers=400, abstained_members=0, abstained_nonmembers=0, member_people=100,
        nonmember_people=100, auc=0.5, auc_interval=None, p_value=None, p_value_holm=None, smallest_effect=None,
        operating_points=points, roc_fpr=(), roc_tpr=(),
    )  # fmt: skip
    return Finding(
        attack="a", parameters={}, game="dataset", knowledge="partial", status="done", reason="", image=image,
        person=None, controls=(), verdict=None, sentence="",
    )  # fmt: skip


def test_epsilon_is_ruled_out_by_exact_bounds_of_both_rates() -> None:
    found = epsilon_at_least([finding(point(200, 4))], delta=0.0)
    tail = 0.05 / 4
    grid = np.linspace(0, 1, 200_001)
    low = grid[np.searchsorted(binom.sf(199, 400, grid), tail)]  # the rate at which 200 hits or more have that chance
    high = grid[len(grid) - 1 - np.searchsorted(binom.cdf(4, 400, grid)[::-1], tail)]
    assert found == pytest.approx(math.log(low / high), abs=2e-3)
    assert epsilon_at_least([finding(point(200, 4))], delta=0.1) < found
    assert epsilon_at_least([finding(point(200, 4), point(3, 4))], delta=0.0) < found  # shared out among the points


def test_chance_rules_out_no_epsilon_and_silence_neither() -> None:
    assert epsilon_at_least([finding(point(4, 4))], delta=0.0) == 0.0
    assert epsilon_at_least([], delta=0.0) == 0.0
    assert epsilon_at_least([finding(point(0, 200))], delta=0.0) == 0.0


def test_an_attack_that_is_always_wrong_about_non_members_counts_too() -> None:
    # Nobody is missed: TNR / FNR rules out as much as TPR / FPR does in the mirrored case.
    mirrored = epsilon_at_least([finding(point(400, 200))], delta=0.0)
    assert mirrored == pytest.approx(epsilon_at_least([finding(point(200, 0))], delta=0.0))


def test_pooling_keeps_the_error_of_the_people_and_divides_that_of_the_seeds() -> None:
    half = Interval(low=0.6, high=0.8)
    one = pooled([(0.7, half)])
    assert (one.value, one.low, one.high) == pytest.approx((0.7, 0.6, 0.8))
    same = pooled([(0.7, half)] * 3)
    assert (same.low, same.high) == pytest.approx((0.6, 0.8))
    apart = pooled([(0.6, half), (0.7, half), (0.8, half)])
    assert apart.value == pytest.approx(0.7)
    assert apart.high - apart.value == pytest.approx(1.959964 * math.sqrt((0.1 / 1.959964) ** 2 + 0.01 / 3))


def trial(defence: str, reach: str, excesses: dict[str, float]) -> DefenceTrial:
    utility = Utility(auc=0.9, auc_interval=Interval(low=0.85, high=0.95), same=9, different=9, tar=())
    found = tuple(
        Leak(
            attack=name, knowledge="partial", auc=0.5 + value, auc_interval=None, person_auc=None,
            person_auc_interval=None, control="blind", control_auc=0.5, excess=value,
            excess_interval=Interval(low=value - 0.05, high=value + 0.05), tpr=None, fpr=None, verdict=None,
        )
        for name, value in excesses.items()
    )  # fmt: skip
    return DefenceTrial(
        schema_version=SCHEMA_VERSION, bareface="0", defence=defence, sort="none", reach=reach, seed=1, utility=utility,
        leaks=found, guarantee={"epsilon": 8.0, "delta": 1e-3} if defence == "dp-sgd" else {}, epsilon_at_least=0.5,
        seconds=1.0,
    )  # type: ignore[arg-type]  # fmt: skip


def test_what_is_left_compares_the_largest_headless_leaks() -> None:
    plain = trial("none", "nothing", {"flip-agreement": 0.2, "subject-compactness (k=3)": 0.4, "class-centre": 0.5})
    other = trial("dp-sgd", "weights", {"flip-agreement": 0.1, "subject-compactness (k=3)": 0.05, "class-centre": 0.5})
    bench = BenchRecord(schema_version=SCHEMA_VERSION, bareface="0", world="w", trials=(plain, other))
    first, second = lines(bench, "partial")
    assert first.left == 1.0
    assert second.left == pytest.approx(0.25)  # the head is no part of it
    assert second.excess["person"].value == pytest.approx(0.05)
    assert "statistics" not in second.excess
    assert "| dp-sgd | 1 | 8 | 0.001 | 0.50 |" in markdown(bench)
    assert "| 25 % |" in markdown(bench)


@pytest.mark.parametrize(
    ("aucs", "stronger"), [({"blind": 0.6, "foreign": 0.7, "bn-swap": 0.9}, "foreign"), ({"bn-swap": 0.9}, None)]
)
def test_the_stronger_control_is_one_that_nothing_of_the_target_can_reach(
    aucs: dict[str, float], stronger: str | None
) -> None:
    make: Callable[..., Control] = lambda kind, auc: Control(  # noqa: E731
        kind=kind, status="done", what="", auc=auc, auc_interval=None, difference=0.1, difference_interval=None
    )
    found = Leak.stronger(tuple(make(kind, auc) for kind, auc in aucs.items()))
    assert (found and found.kind) == stronger
