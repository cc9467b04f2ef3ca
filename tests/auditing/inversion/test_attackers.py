"""Who searches with what: objectives by name, the placebo, the judge lock, the oracle's people."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_audit import SIDE, TERMS, SmallAudit, network

from bareface.auditing.attack_models import kept_attack_models
from bareface.auditing.inversion.arms import ArmResult, ArmRunner
from bareface.auditing.inversion.attacker import attacker_of, held_out_models, placebo_of, rows_in_memory
from bareface.auditing.inversion.audited import Audited, read_audit
from bareface.auditing.inversion.generators import WEIGHTS
from bareface.auditing.inversion.judges import Judge, JudgeBench
from bareface.auditing.inversion.photos import draw_galleries, member_templates
from bareface.auditing.inversion.settings import InversionSettings, weighted_names
from bareface.auditing.inversion.stage import faces_of, scene_for, space_of
from bareface.auditing.progress import silent
from bareface.errors import RunError, UsageError
from bareface.inversion.checkpoints.store import load_generator
from bareface.inversion.objectives.agreement import Agreement
from bareface.inversion.objectives.membership import Membership
from bareface.inversion.objectives.sum import Sum
from bareface.inversion.rendered import RenderedFaces
from bareface.inversion.select import candidates
from bareface.storage.files import sha256_of
from bareface.vocabulary import Role


@pytest.fixture(scope="module")
def audited(audit: SmallAudit) -> Audited:
    return read_audit(audit.run, audit.target, audit.roster, silent)


def workshop(terms: InversionSettings, folder: Path, judge: int = 1) -> ArmRunner:
    scene = scene_for(RenderedFaces(SIDE), terms)
    bench = JudgeBench((Judge(network(judge)),), network(0))
    return ArmRunner(scene, candidates(scene, terms.candidates, terms.seed), terms, bench, folder, silent)


@pytest.mark.parametrize(
    "objective", ["agreement", "bn-distance", "compactness", "membership+0.5*agreement", "2*membership", "class-centre"]
)
def test_every_objective_runs_with_its_placebo(objective: str, audited: Audited, tmp_path: Path) -> None:
    headed = replace(audited, target=replace(audited.target, centres=torch.randn(6, 5)))
    terms = replace(TERMS, objective=objective, restarts=3, steps=1, candidates=6)
    shop = workshop(terms, tmp_path)
    real = attacker_of(headed, shop.scene, shop.pool, terms)
    nobody = placebo_of(real, headed, shop.scene, shop.pool, terms)
    for attacker, name in ((real, "optimised"), (nobody, "placebo")):
        asked = attacker.objective(terms.weighted)
        end = shop.optimised(attacker, asked, shop.selected(attacker, asked, name), name)
        assert faces_of(shop.scene, end).pixels.shape == (3, 3, SIDE, SIDE)
    assert (nobody.network is real.network) == (objective == "2*membership")


def test_terms_of_a_sum_weigh_by_their_spread(audited: Audited, tmp_path: Path) -> None:
    shop = workshop(TERMS, tmp_path)
    attacker = attacker_of(audited, shop.scene, shop.pool, TERMS)
    both = attacker.objective(weighted_names("membership+0.5*agreement"))
    assert isinstance(both, Sum)
    spread = [weight * float(term.score(attacker.ordinary).std()) for weight, term in both.terms]
    assert spread == pytest.approx([1.0, 0.5], rel=1e-3)


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        ("", r"objective: got ''; expected names joined by \+, such as membership\+0\.5\*agreement"),
        ("two*membership", r"got 'two\*membership'"),
        ("agreement+", r"got 'agreement\+'"),
    ],
)
def test_objectives_that_cannot_be_read(objective: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        replace(TERMS, objective=objective)


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        ("nonsense", r"objective: got 'nonsense'; expected one of agreement, bn-distance, "),
        ("template", r"objective: got 'template'; expected one that needs nothing but the target"),
        ("class-centre", r"got small 0, a backbone without its head"),
    ],
)
def test_objectives_that_cannot_be_built(objective: str, message: str, audited: Audited, tmp_path: Path) -> None:
    shop, terms = workshop(TERMS, tmp_path), replace(TERMS, objective=objective)
    with pytest.raises(UsageError, match=message):
        attacker_of(audited, shop.scene, shop.pool, terms).objective(terms.weighted)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"restarts": 0}, "inversion, restarts: got 0; expected 1 to 100000"),
        ({"candidates": 5}, "got 5 for 20 restarts; expected at least as many as restarts"),
        ({"split": "perhaps"}, "split: got 'perhaps'; expected random, not random or unknown"),
        ({"skip": ("optimised",)}, "skip: got 'optimised'; expected one of select, placebo, oracle"),
        ({"knowledge": "none"}, "knowledge: got 'none'; expected partial or shadow"),
        ({"search": "guess"}, "search: got 'guess'; expected gradient or evolution"),
        ({"starts": "best"}, "starts: got 'best'; expected selected or random"),
        ({"queries": 0}, "queries: got 0; expected 1 to"),
    ],
)
def test_terms_out_of_bounds(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        replace(TERMS, **wrong)  # type: ignore[arg-type]


def test_attack_models_that_were_not_kept_are_named(audited: Audited, tmp_path: Path) -> None:
    shop, terms = workshop(TERMS, tmp_path), replace(TERMS, attack="embedding-norm")
    with pytest.raises(UsageError, match=r"no attack models of embedding-norm .* one of bn-distance \(partial\), bn-"):
        attacker_of(audited, shop.scene, shop.pool, terms)
    with pytest.raises(UsageError, match="expected an audit that fitted attack models"):
        attacker_of(replace(audited, kept=()), shop.scene, shop.pool, terms)


def test_a_judge_takes_no_part(audited: Audited, tmp_path: Path) -> None:
    shop = workshop(TERMS, tmp_path)
    attacker = attacker_of(audited, shop.scene, shop.pool, TERMS)
    informed = Sum(((1.0, attacker.objective(TERMS.weighted)), (0.1, Agreement(network(1)))))
    start = shop.untouched()
    with pytest.raises(
        UsageError, match=r"selection, select arm: got the judge small 1; expected models of the attack"
    ):
        shop.selected(attacker, informed, "select")
    with pytest.raises(UsageError, match="search, optimised arm: got the judge small 1"):
        shop.optimised(attacker, informed, start, "optimised")
    assert not list(tmp_path.iterdir())


def test_the_placebo_learned_nothing_true(audited: Audited) -> None:
    kept = audited.models("bn-distance", "partial")
    permuted = audited.permuted(kept, seed=1)
    assert len(permuted.models) == len(kept.models) == 5
    assert not np.allclose(permuted.models[0].weights[0], kept.models[0].weights[0])
    again, other = audited.permuted(kept, seed=1), audited.permuted(kept, seed=2)
    np.testing.assert_allclose(again.models[0].weights[0], permuted.models[0].weights[0])
    assert not np.allclose(other.models[0].weights[0], permuted.models[0].weights[0])


def test_the_rebuilt_models_say_of_photos_what_stage_1_said(audited: Audited, tmp_path: Path) -> None:
    """The held-out models' logits of real images: by the objective on pixels, and by the audit's trace."""
    kept = held_out_models(audited, TERMS)
    assert kept is not None
    assert kept.attack == "bn-distance-variance"
    members, strangers = audited.real_logits(kept)
    assert (len(members), len(strangers)) == (48, 48)
    plain = replace(TERMS, objective="agreement")
    assert held_out_models(audited, plain) == audited.models("bn-distance", "partial")
    assert held_out_models(replace(audited, kept=()), TERMS) is None
    shadow = replace(kept, knowledge="shadow")
    assert [len(side) for side in audited.real_logits(shadow)] == [0, 0]
    shop = workshop(TERMS, tmp_path)
    attacker = attacker_of(audited, shop.scene, shop.pool, TERMS)
    assert isinstance(attacker.membership(shadow), Membership)
    assert attacker.membership(shadow).models[0].mean.tolist() != attacker.membership(kept).models[0].mean.tolist()


def test_models_that_images_cannot_be_scored_by_are_passed_over(audited: Audited) -> None:
    first, second = audited.models("bn-distance-variance", "partial"), audited.models("bn-distance", "partial")
    terms = replace(TERMS, attack="embedding-norm")
    sets = replace(second, attack="subject-compactness", parameters={"k": 2})
    gone = replace(second, attack="of-a-package-that-is-gone", parameters={})
    wide = replace(first, models=tuple(replace(one, used=np.ones(99, bool)) for one in first.models))
    assert held_out_models(replace(audited, kept=(sets, gone, wide, second)), terms) == second
    assert held_out_models(replace(audited, kept=(sets, gone, wide)), terms) is None


def test_the_oracle_takes_the_people_in_turn(audited: Audited, tmp_path: Path) -> None:
    terms = replace(TERMS, restarts=15, steps=12, rate=0.1)
    shop = workshop(terms, tmp_path)
    attacker = attacker_of(audited, shop.scene, shop.pool, terms)
    galleries = draw_galleries(audited.examination.accepted, 2, 0)
    templates = member_templates(audited.target, galleries)
    assert templates.shape == (12, 5)
    made = shop.oracle(attacker, templates)
    assert sorted(set(made.start)) == sorted(made.start)
    start = ArmResult(shop.pool[list(made.start)], made.start, "", 0)

    def nearness(arm: ArmResult) -> float:
        directions = attacker.apart.directions(shop.scene.plainly(arm.latents, range(15)))
        return float((directions @ templates.T).detach().amax(1).mean())

    assert nearness(start) > nearness(shop.untouched())
    assert made.objective == "template"


def test_galleries_and_calibration_people_are_strangers_to_each_other(audited: Audited) -> None:
    roster = audited.examination.accepted
    found = draw_galleries(roster, None, seed=0)
    assert found.rows.training.shape == found.rows.decoy.shape == (12, 3)
    assert set(roster.role[found.rows.training.ravel()]) == {"member"}
    assert set(roster.role[found.rows.decoy.ravel()]) == {"outside"}
    assert found.calibration is not None
    assert set(roster.role[found.calibration.templates.ravel()]) == {"auxiliary"}
    few = np.flatnonzero((roster.role != Role.AUXILIARY) | (roster.subject < "p00033"))
    cut = draw_galleries(roster.take(few), None, seed=0)
    assert (cut.people, cut.reason) == (8, "")  # one less than the nine who calibrate
    fewer = np.flatnonzero((roster.role != Role.AUXILIARY) | (roster.subject < "p00028"))
    kept = draw_galleries(roster.take(fewer), None, seed=0)
    assert (kept.people, kept.calibration, kept.reason) == (12, None, "4 calibration people for galleries of 12")
    alone = draw_galleries(roster.take(roster.rows("member", "outside")), None, seed=0)
    assert (alone.people, alone.reason) == (12, "nobody in the roles auxiliary or public")
    assert (
        draw_galleries(roster, 4, seed=0).reason == "nobody with more than 4 photos in the roles auxiliary and public"
    )


def test_spaces_and_siblings() -> None:
    made = RenderedFaces(SIDE)
    assert space_of(made, TERMS) == "z"
    with pytest.raises(UsageError, match="latent space: got 'w'; expected one of z"):
        space_of(made, replace(TERMS, space="w"))
    assert scene_for(made, replace(TERMS, objective="compactness")).variation is not None


def test_views_are_the_images_themselves_where_nothing_is_augmented() -> None:
    made = RenderedFaces(SIDE)
    augmented, plain = (scene_for(made, replace(TERMS, augment=augment)) for augment in (True, False))
    latents = candidates(plain, 3, 0)
    still = plain.plainly(latents, range(3))
    for scene, same in ((plain, True), (augmented, False)):
        views = scene.look(latents, range(3), range(3), 0, 5)
        assert torch.equal(views.windows[:, :, :1], still.windows) is same


def test_judges_see_whole_images_of_a_search_that_looked_at_partial_ones() -> None:
    scene = scene_for(load_generator(WEIGHTS), replace(TERMS, objective="agreement", upto=16))
    latents = candidates(scene, 2, 0)
    with torch.no_grad():
        assert scene.render(latents).shape == (2, 3, 16, 16)
    assert faces_of(scene, ArmResult(latents, (0, 1), "", 0)).pixels.shape == (2, 3, 64, 64)


def test_memory_bounds_the_rows() -> None:
    few, many = rows_in_memory(network(0), 8, 10**9), rows_in_memory(network(0), 2, 10**9)
    assert 1 < few < many
    assert rows_in_memory(network(0), 2, 64) == 64


def test_starts_and_searches_of_another_inversion_are_not_gone_on_with(
    audited: Audited, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    terms = replace(TERMS, objective="agreement", restarts=3, steps=1, candidates=6)
    shops = []
    for name, seed in (("one", terms.seed), ("two", terms.seed + 1)):
        (tmp_path / name).mkdir()
        shops.append(workshop(replace(terms, seed=seed), tmp_path / name))
    one, two = (attacker_of(audited, shop.scene, shop.pool, terms) for shop in shops)
    starts = [
        shop.selected(who, who.objective(terms.weighted), "optimised")
        for shop, who in zip(shops, (one, two), strict=True)
    ]
    shops[0].optimised(one, one.objective(terms.weighted), starts[0], "optimised")
    shutil.rmtree(tmp_path / "two")
    (tmp_path / "one").rename(tmp_path / "two")
    again = shops[1].selected(two, two.objective(terms.weighted), "optimised")
    assert again.start == starts[1].start
    assert "starts-optimised.json belongs to something else; it is made again" in caplog.text
    with pytest.raises(RunError, match="got the state of another search"):
        shops[1].optimised(two, two.objective(terms.weighted), again, "optimised")


def test_attack_models_of_another_run_are_not_read(audit: SmallAudit, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(audit.run, run)
    assert kept_attack_models(run / "attack_models", sha256_of(run / "config.json"))
    with pytest.raises(RunError, match=r"\.npz: got a file of something else; expected one of this run"):
        kept_attack_models(run / "attack_models", "another configuration")
