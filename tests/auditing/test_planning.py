"""A plan says what an audit would be about and could show; how long it takes is measured, and no test looks at that."""

from pathlib import Path

import pytest
from command import run
from small_audit import SIDE, SmallAudit, small_audit

from bareface.auditing.audit import AuditInputs
from bareface.auditing.planning import plan_audit
from bareface.auditing.settings import AuditSettings, attacks_named
from bareface.errors import RosterError
from bareface.report.planning import duration, plan_text, size
from bareface.rosters.roster import write_manifest
from bareface.settings.recipe import Recipe, ShadowSettings
from bareface.settings.sampling import SampleSettings
from bareface.settings.spec import ImageSpec
from bareface.stats.power import smallest_effect
from bareface.targets.build import build
from bareface.targets.store import save_target
from bareface.targets.target import Target

RECIPE = Recipe(spec=ImageSpec(height=SIDE, width=SIDE), embedding_size=8, epochs=3, warmup_epochs=0, batch_size=16)


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> SmallAudit:
    return small_audit(tmp_path_factory.mktemp("small"))


def test_what_would_be_done_and_what_could_be_shown(audited: SmallAudit) -> None:
    attacks = attacks_named("bn-distance", "class-centre", "lira")
    settings = AuditSettings(attacks=attacks, games=("dataset",), shadow=ShadowSettings(count=3, train=RECIPE))
    plan = plan_audit(AuditInputs(audited.target, audited.roster), settings)
    stages = {one.stage: one for one in plan.stages}
    assert {"examining images", "self-check", "training shadows", "probing", "attacks", "statistics"} <= set(stages)
    assert all(one.seconds > 0 for one in plan.stages)
    assert plan.seconds == pytest.approx(sum(one.seconds for one in plan.stages))
    assert "3 epochs of 22 images" in stages["training shadows"].what  # 11 of 16 people, two photos each
    prices = {one.attack: one for one in plan.attacks}
    assert (prices["bn-distance"].seconds or 0) > 0
    assert prices["class-centre"].seconds is None
    assert "expected the classification head" in prices["class-centre"].why
    (visible,) = plan.visible
    assert (visible.game, visible.inside, visible.outside) == ("dataset", 12, 12)
    assert visible.smallest_effect == pytest.approx(smallest_effect((25 / (12 * 144)) ** 0.5, 6, crossfit=True))
    text = plan_text(plan)
    assert "160 images of 40 people, about" in text
    assert "dataset game: 12 people inside, 12 outside; the smallest effect that would show: an AUC per person" in text
    assert "to cut:" in text


def test_a_plan_of_a_sample_is_about_the_sample(audited: SmallAudit) -> None:
    settings = AuditSettings(attacks=attacks_named("bn-distance"), games=("dataset",), sample=SampleSettings(people=5))
    plan = plan_audit(AuditInputs(audited.target, audited.roster), settings)
    assert (plan.images, plan.people) == (60, 15)
    assert plan.disk < plan_audit(AuditInputs(audited.target, audited.roster), AuditSettings()).disk


def test_nobody_in_question_is_an_error(audited: SmallAudit) -> None:
    nobody = AuditInputs(audited.target, audited.roster.with_role("public"))
    with pytest.raises(RosterError, match="got nobody in question; expected images in the roles of a game"):
        plan_audit(nobody, AuditSettings())


def test_times_and_sizes_are_said_as_people_say_them() -> None:
    assert [duration(one) for one in (0.25, 12, 119, 600, 9000)] == ["0.2 s", "12 s", "119 s", "10 min", "2.5 h"]
    assert [size(one) for one in (3 << 20, 5 << 30)] == ["3 MB", "5.0 GB"]


def test_the_command_leaves_nothing_behind(audited: SmallAudit, tmp_path: Path) -> None:
    spec = ImageSpec(SIDE, SIDE)
    save_target(Target("tiny", "ir-tiny", build("ir-tiny", spec=spec, embedding_size=8), spec), tmp_path / "target")
    write_manifest(audited.roster, audited.roster.root / "people.csv")
    config = tmp_path / "audit.yaml"
    config.write_text(f"model: target\nroster: {audited.roster.root / 'people.csv'}\nattacks: [bn-distance]\n")
    before = {path.name for path in tmp_path.iterdir()}
    ended = run("plan", config, "--people", "6")
    assert ended.exit_code == 0, ended.output
    assert "72 images of 18 people" in ended.stdout
    assert {path.name for path in tmp_path.iterdir()} == before
