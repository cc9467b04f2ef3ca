"""A finished run that is asked again: at once where nothing is missing, and further where something is."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_audit import SIDE, SmallAudit, small_audit

from bareface.auditing.audit import AuditInputs, conduct
from bareface.auditing.settings import AuditSettings, attacks_named
from bareface.errors import RunError
from bareface.records.evidence import Evidence, Finding
from bareface.rosters.assignment import Shares, draw, seal
from bareface.settings.recipe import Recipe, ShadowSettings
from bareface.settings.sampling import SampleSettings
from bareface.settings.spec import ImageSpec

SPEC = ImageSpec(height=SIDE, width=SIDE)
RECIPE = Recipe(spec=SPEC, embedding_size=8, epochs=1, warmup_epochs=0, batch_size=16)
USUAL = ("bn-distance", "bn-distance-variance")


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> SmallAudit:
    return small_audit(tmp_path_factory.mktemp("small"))


class Stages:
    """Which stages were reported."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def __call__(self, stage: str, done: int, total: int) -> None:
        self.seen.add(stage)


def asked(audited: SmallAudit, run: Path, *names: str, stages: Stages | None = None, **more: Any) -> Evidence:
    given = {"games": ("dataset",), "selfcheck": "report"}
    cache, fresh = more.pop("cache", None), more.pop("fresh", False)
    settings = AuditSettings(attacks=attacks_named(*names), **{**given, **more})
    brought = AuditInputs(audited.target, audited.roster, command="bareface audit")
    return conduct(brought, settings, run, progress=stages or Stages(), cache=cache, fresh=fresh)


def numbers(evidence: Evidence) -> dict[str, Any]:
    """What stands in the findings, whatever their order."""

    def key(one: Finding) -> str:
        return f"{one.game} {one.knowledge} {one.label}"

    return {key(one): one.model_dump() for one in evidence.findings}


def dates(folder: Path, pattern: str) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.glob(pattern)}


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_the_same_question_is_answered_from_the_record(
    audited: SmallAudit, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = asked(audited, tmp_path / "run", *USUAL)
    stages = Stages()
    assert asked(audited, tmp_path / "run", *USUAL, stages=stages) == first
    assert not stages.seen
    assert "is finished, and nothing that it was made of has changed; --fresh computes it again" in caplog.text


@pytest.mark.parametrize("file", ["scores.parquet", "people.parquet.sha256", "trace/*/part-00000.parquet"])
def test_a_run_that_lost_or_changed_a_file_computes_it_again(audited: SmallAudit, tmp_path: Path, file: str) -> None:
    first = asked(audited, tmp_path / "run", *USUAL)
    (path, *_) = sorted((tmp_path / "run").glob(file))
    before = path.read_bytes()
    flip(path)
    stages = Stages()
    assert numbers(asked(audited, tmp_path / "run", *USUAL, stages=stages)) == numbers(first)
    assert "attacks" in stages.seen
    assert path.read_bytes() == before


def test_a_changed_image_is_seen(audited: SmallAudit, tmp_path: Path) -> None:
    home = small_audit(tmp_path / "own")
    asked(home, tmp_path / "run", *USUAL)
    (picture, other) = home.roster.paths[:2]
    picture.write_bytes(other.read_bytes())
    stages = Stages()
    asked(home, tmp_path / "run", *USUAL, stages=stages, max_shared_rate=0.01)
    assert "examining images" in stages.seen


def test_one_more_attack_probes_nothing_and_gives_the_numbers_of_asking_at_once(
    audited: SmallAudit, tmp_path: Path
) -> None:
    asked(audited, tmp_path / "run", "bn-distance")
    before = dates(tmp_path / "run", "trace/*/part-*.parquet")
    grown = asked(audited, tmp_path / "run", "bn-distance-variance")
    assert [one.attack for one in grown.findings] == list(USUAL)
    assert dates(tmp_path / "run", "trace/*/part-*.parquet") == before
    assert grown.command == "bareface audit <run>/audit.yaml --run <run>"
    assert numbers(grown) == numbers(asked(audited, tmp_path / "at once", *USUAL))


def test_what_was_asked_stays_asked(audited: SmallAudit, tmp_path: Path) -> None:
    whole = asked(audited, tmp_path / "run", *USUAL)
    assert asked(audited, tmp_path / "run", "bn-distance") == whole
    kept = json.loads((tmp_path / "run" / "config.json").read_text())
    assert [attack["name"] for attack in kept["attacks"]] == list(USUAL)


def test_knowledge_and_shadows_grow_and_only_missing_shadows_are_trained(audited: SmallAudit, tmp_path: Path) -> None:
    run = tmp_path / "run"
    asked(audited, run, "bn-distance")
    stages = Stages()
    asked(audited, run, "bn-distance", stages=stages, shadow=ShadowSettings(count=1, train=RECIPE))
    assert {"training shadows", "probing shadow 0"} <= stages.seen
    before = dates(run, "shadows/shadow-0/*.safetensors")
    grown = asked(audited, run, "bn-distance", shadow=ShadowSettings(count=2, train=RECIPE))
    assert dates(run, "shadows/shadow-0/*.safetensors") == before
    assert (run / "shadows" / "shadow-1" / "backbone.safetensors").exists()
    assert {one.knowledge for one in grown.findings} == {"partial", "shadow"}
    more = asked(audited, run, "bn-distance", knowledge=("nonmembers",))
    assert {one.knowledge for one in more.findings} == {"partial", "shadow", "nonmembers"}


def test_shadows_of_another_recipe_are_refused(audited: SmallAudit, tmp_path: Path) -> None:
    asked(audited, tmp_path / "run", "bn-distance", shadow=ShadowSettings(count=1, train=RECIPE))
    other = ShadowSettings(count=1, train=RECIPE, people_in_training=0.5)
    with pytest.raises(RunError, match=r"got shadow = .*; expected shadow = .*only their number may grow"):
        asked(audited, tmp_path / "run", "bn-distance", shadow=other)


def test_what_a_run_is_about_does_not_grow(audited: SmallAudit, tmp_path: Path) -> None:
    asked(audited, tmp_path / "run", "bn-distance")
    with pytest.raises(RunError, match=r"got folds = 4; expected folds = 5, as this run folder was begun"):
        asked(audited, tmp_path / "run", "bn-distance", "embedding-norm", folds=4)


def parts(run: Path) -> Iterator[Path]:
    yield from sorted(run.glob("trace/*/part-*.parquet"))


def test_another_run_takes_answers_and_shadows_from_the_cache(
    audited: SmallAudit, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shadow, cache = ShadowSettings(count=1, train=RECIPE), tmp_path / "cache"
    first = asked(audited, tmp_path / "first", "bn-distance", shadow=shadow, cache=cache)
    stages = Stages()
    second = asked(audited, tmp_path / "second", "bn-distance", shadow=shadow, cache=cache, stages=stages)
    assert numbers(second) == numbers(first)
    assert "training shadows" not in stages.seen
    (one, *_), (other, *_) = parts(tmp_path / "first"), parts(tmp_path / "second")
    assert one.samefile(other)
    assert one.stat().st_mode & 0o777 == 0o600
    assert not caplog.records


def test_a_damaged_cache_is_mended_and_said(
    audited: SmallAudit, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = tmp_path / "cache"
    first = asked(audited, tmp_path / "first", "bn-distance", cache=cache)
    (kept, *_) = sorted(cache.glob("*/trace/*/part-*.parquet"))
    whole = kept.read_bytes()
    flip(kept)
    second = asked(audited, tmp_path / "second", "bn-distance", cache=cache)
    assert numbers(second) == numbers(first)
    assert "part-00000.parquet does not fit its digest; it is made again" in caplog.text
    assert kept.read_bytes() == whole
    caplog.clear()
    asked(audited, tmp_path / "third", "bn-distance", cache=cache)
    assert not caplog.records


def test_a_sample_is_drawn_and_said(audited: SmallAudit, tmp_path: Path) -> None:
    evidence = asked(audited, tmp_path / "run", "bn-distance", sample=SampleSettings(people=8, photos=3))
    counts = {one.role: (one.people, one.of_people, one.images, one.of_images) for one in evidence.sample}
    assert counts["member"] == (8, 12, 24, 48)
    kept = {one.role: (one.people, one.images) for one in evidence.roles}
    assert kept == dict.fromkeys(("member", "outside", "auxiliary"), (8, 24))
    assert any("drawn at random: auxiliary 8 of 16 people (24 of 64 images)" in limit for limit in evidence.limits)
    with pytest.raises(RunError, match="got sample = None; expected sample = "):
        asked(audited, tmp_path / "run", "bn-distance")


def test_a_sealed_draw_is_checked_as_a_whole_and_sampled(audited: SmallAudit, tmp_path: Path) -> None:
    shares = Shares(members=0.5, heldout=0.5)
    split = draw(audited.roster, shares, seed=4)
    settings = AuditSettings(attacks=attacks_named("bn-distance"), selfcheck="report", sample=SampleSettings(people=10))
    brought = AuditInputs(audited.target, split, seal=seal(split, shares, seed=4))
    evidence = conduct(brought, settings, tmp_path / "run")
    assert evidence.assignment is not None
    assert (evidence.assignment.how, evidence.assignment.sealed) == ("randomised", True)
    assert {one.role: one.people for one in evidence.roles} == {"member": 10, "heldout": 10, "outside": 10}


def test_an_attack_whose_code_changed_is_computed_again(
    audited: SmallAudit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = tmp_path / "written_by_somebody.py"
    code.write_text("first")
    (attack,) = attacks_named("bn-distance")
    monkeypatch.setattr(sys.modules[type(attack).__module__], "__file__", str(code))
    asked(audited, tmp_path / "run", "bn-distance")
    code.write_text("then something else")
    stages = Stages()
    asked(audited, tmp_path / "run", "bn-distance", stages=stages)
    assert "attacks" in stages.seen


def test_whoever_starts_over_takes_nothing_from_the_cache_and_mends_it(
    audited: SmallAudit, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = tmp_path / "cache"
    first = asked(audited, tmp_path / "run", "bn-distance", cache=cache)
    (kept, *_) = sorted(cache.glob("*/trace/*/part-*.parquet"))
    whole = kept.read_bytes()
    kept.unlink()
    kept.write_bytes(b"something else")
    assert numbers(asked(audited, tmp_path / "run", "bn-distance", cache=cache, fresh=True)) == numbers(first)
    assert kept.read_bytes() == whole
    assert not caplog.records
