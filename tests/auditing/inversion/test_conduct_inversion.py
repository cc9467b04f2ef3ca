"""A whole inversion: five comparable arms, a record, and the same again after a kill."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
import torch
from alike import assert_alike
from small_audit import TERMS, SmallAudit, network

import bareface
from bareface.auditing.inversion.arms import ORDER
from bareface.auditing.inversion.audited import read_audit
from bareface.auditing.inversion.conduct import Inversion, conduct_inversion
from bareface.auditing.inversion.generators import SHIPPED, open_generator
from bareface.auditing.inversion.judges import Judge
from bareface.auditing.progress import silent
from bareface.errors import CheckpointError, RosterError, RunError, TargetError, UsageError
from bareface.inversion.gan.lesson import pass_through, pupil
from bareface.inversion.rendered import RenderedFaces
from bareface.inversion.stylegan2.generator import StyleGAN2Generator
from bareface.inversion.stylegan2.network import StyleGAN2, initialise
from bareface.records.inversion import InversionRecord
from bareface.records.inversion_file import read_inversion
from bareface.report.json import inversion_schema
from bareface.synthetic import IDENTITY_SIZE
from bareface.vocabulary import Role


def numbers(record: InversionRecord) -> dict[str, object]:
    """The record less what a clock says."""
    plain = json.loads(record.model_dump_json())
    for name in ("started", "seconds"):
        del plain["provenance"][name]
    return plain


def copied(audit: SmallAudit, tmp_path: Path) -> SmallAudit:
    """The same audit in a folder without an inversion."""
    run = shutil.copytree(audit.run, tmp_path / "run", ignore=shutil.ignore_patterns("inversion"))
    return replace(audit, run=Path(run))


def test_five_arms_of_one_size_from_one_pool(inversion: Inversion) -> None:
    arms = {arm.arm: arm for arm in inversion.record.arms}
    assert tuple(arms) == ORDER
    assert {arm.status for arm in arms.values()} == {"done"}
    assert {arm.images for arm in arms.values()} == {TERMS.restarts}
    assert {arms[name].passes for name in ("optimised", "placebo", "oracle")} == {2 + 13 + 2}
    assert (arms["base"].passes, arms["select"].passes) == (0, 2)
    starts = {name: made.start for name, made in inversion.arms.items()}
    assert starts["base"] == tuple(range(TERMS.restarts))
    assert set(starts["optimised"]) == set(starts["select"])
    assert all(len(set(rows)) == TERMS.restarts and max(rows) < TERMS.candidates for rows in starts.values())
    assert arms["base"].score is not None
    assert arms["select"].score is not None
    assert arms["optimised"].score is not None
    assert arms["base"].score < arms["select"].score < arms["optimised"].score


def test_each_arm_stands_before_two_judges(inversion: Inversion) -> None:
    record = inversion.record
    assert [judge.name for judge in record.judges] == ["small 1", "small 2"]
    for arm in record.arms:
        assert [judgement.judge for judgement in arm.judgements] == ["small 1", "small 2"]
        assert all(j.win_rate.p_value_holm is not None and j.win_rate.images == TERMS.restarts for j in arm.judgements)
        assert {d.gallery for j in arm.judgements for d in j.distributions} == {"training", "decoy"}
    assert {hits.rule for hits in record.arms[0].judgements[0].hits} == {"plain", "robust"}
    assert record.galleries.people == 12
    assert record.galleries.images_per_person == 2
    assert record.galleries.split == "random"
    assert record.galleries.blind is not None
    tenth, hundredth, _ = record.judges[0].thresholds
    assert tenth.value is not None
    assert hundredth.reason == "32 photos of strangers, 299 are needed"
    assert [(found.arm, found.hits.fpir) for found in record.consensus] == [(name, 0.1) for name in ORDER]


def test_the_score_is_read_by_models_that_took_no_part(inversion: Inversion) -> None:
    transfers = {arm.arm: arm.transfer for arm in inversion.record.arms}
    assert transfers["base"] is None
    optimised, placebo = transfers["optimised"], transfers["placebo"]
    assert optimised is not None
    assert optimised.own is not None
    assert optimised.own.value > 0.5
    assert optimised.held_out is not None
    assert optimised.position is not None
    assert placebo is not None
    assert placebo.own is not None
    assert placebo.own.value < optimised.own.value
    path = inversion.record.arms[0].trajectory
    assert path is not None
    assert path.step == tuple(range(13))
    assert path.passes[0] == 3
    assert path.median[-1] > path.median[0]


def test_the_record_is_in_the_folder_and_faces_are_not(inversion: Inversion, audit: SmallAudit) -> None:
    home = audit.run / "inversion"
    assert read_inversion(home) == inversion.record
    jsonschema.validate(json.loads((home / "inversion.json").read_text()), json.loads(inversion_schema()))
    assert home.stat().st_mode & 0o077 == 0
    assert not [path for path in home.rglob("*") if path.suffix in (".png", ".jpg", ".html")]
    text = (home / "inversion.json").read_text()
    assert not [word for word in ("p00003", "faces/", str(audit.run)) if word in text]


@pytest.mark.parametrize("stage", ["searching, placebo arm", "judging"])
def test_killed_in_the_middle_it_comes_to_the_same(
    stage: str, inversion: Inversion, audit: SmallAudit, tmp_path: Path
) -> None:
    own, searched = copied(audit, tmp_path), []

    def killer(now: str, done: int, total: int) -> None:
        if now == stage and (done >= 11 or stage != "searching, placebo arm"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        conduct_inversion(own.brought(), TERMS, own.run, progress=killer)
    assert not (own.run / "inversion" / "inversion.json").exists()

    def witness(now: str, done: int, total: int) -> None:
        searched.append((now, done))

    again = conduct_inversion(own.brought(), TERMS, own.run, progress=witness)
    assert_alike(numbers(again.record), numbers(inversion.record))
    assert ("selecting, select arm", 0) not in searched
    if stage == "searching, placebo arm":
        assert min(done for now, done in searched if now == stage) == 9


def test_another_inversion_needs_another_folder_or_fresh(inversion: Inversion, audit: SmallAudit) -> None:
    with pytest.raises(RunError, match=r"got steps = 13; expected steps = 12, as this run folder was begun.*--fresh"):
        conduct_inversion(audit.brought(), replace(TERMS, steps=13), audit.run)
    with pytest.raises(RunError, match="got judges = "):
        conduct_inversion(audit.brought(judges=(Judge(network(5)),)), TERMS, audit.run)


def test_arms_may_be_left_out(audit: SmallAudit, tmp_path: Path) -> None:
    terms = replace(TERMS, steps=1, skip=("select", "placebo", "oracle"), objective="agreement")
    made = conduct_inversion(audit.brought(), terms, audit.run, home=tmp_path / "own")
    arms = {arm.arm: arm for arm in made.record.arms}
    assert {name for name, arm in arms.items() if arm.status == "skipped"} == {"select", "placebo", "oracle"}
    assert arms["placebo"].reason == "nobody asked for it"
    assert read_inversion(tmp_path / "own") == made.record
    assert "no oracle shows that this pipeline can see anything" in made.record.sentence


@pytest.mark.parametrize("objective", ["membership+agreement", "compactness"])
def test_through_the_generator_in_the_box(audit: SmallAudit, tmp_path: Path, objective: str) -> None:
    generator, source = open_generator(SHIPPED, size=16, kept=tmp_path)
    terms = replace(TERMS, steps=4, restarts=8, skip=("placebo", "oracle"), objective=objective)
    brought = replace(audit.brought(), generator=generator, generator_source=source)
    made = conduct_inversion(brought, terms, audit.run, home=tmp_path / "own")
    arms = {arm.arm: arm for arm in made.record.arms}
    assert (arms["optimised"].status, arms["optimised"].images) == ("done", 8)
    assert not torch.equal(made.arms["optimised"].latents.values, made.arms["select"].latents.values)
    assert made.record.generator.name == "rendered-faces-64"


def test_through_a_generator_whose_z_holds_the_person(audit: SmallAudit) -> None:
    """It is searched in z, and its siblings are further photos of the same person."""
    network = initialise(StyleGAN2(pupil((8, 8, 8))), 0).eval()
    pass_through(network)
    generator = StyleGAN2Generator("pupil", network, person=IDENTITY_SIZE)
    terms = replace(TERMS, steps=2, restarts=4, skip=("placebo", "oracle"), objective="compactness")
    brought = replace(audit.brought(), generator=generator, generator_source="a test")
    made = conduct_inversion(brought, terms, audit.run, home=audit.run.parent / "pupil")
    assert made.record.generator.space == "z"
    assert {arm.arm: arm.status for arm in made.record.arms}["optimised"] == "done"


def test_the_target_may_not_judge_itself(audit: SmallAudit) -> None:
    judges = (Judge(network(1)), Judge(replace(audit.target, name="innocent")))
    with pytest.raises(UsageError, match="judge innocent: got the audited backbone itself"):
        conduct_inversion(audit.brought(judges=judges), TERMS, audit.run)


def test_without_decoys_nothing_is_measured(audit: SmallAudit) -> None:
    without = audit.roster.take(audit.roster.rows(Role.MEMBER, Role.AUXILIARY))
    with pytest.raises(RosterError, match=r"got nobody in the role outside; expected decoys, people never trained on"):
        conduct_inversion(audit.brought(roster=without), TERMS, audit.run)


def test_other_people_or_another_target_than_audited_are_refused(audit: SmallAudit, tmp_path: Path) -> None:
    fewer = audit.roster.take(torch.arange(len(audit.roster) - 1).numpy())
    with pytest.raises(RosterError, match="got other people or roles than the audit was made of"):
        conduct_inversion(audit.brought(roster=fewer), TERMS, audit.run)
    with pytest.raises(UsageError, match=r"got an audit of the target [0-9a-f]{12}.*; expected one of small 7"):
        conduct_inversion(audit.brought(target=network(7)), TERMS, audit.run)
    with pytest.raises(RunError, match=r"got no result\.json; expected the folder of a finished audit"):
        conduct_inversion(audit.brought(), TERMS, tmp_path)


class Broken(RenderedFaces):
    """A renderer that lies in one way."""

    how = ""

    def render(self, latents: object, upto: int | None = None) -> torch.Tensor:
        images = super().render(latents, upto)  # type: ignore[arg-type]
        wrong = {"size": images[:, :, :8], "range": 255 * images, "nan": images / 0 * 0, "same": 0 * images}
        return wrong[self.how]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("size", r"images of shape \(16, 3, 8, 16\); expected \(16, 3, 16, 16\).*declare the true size"),
        ("range", r"got pixels from .* to 2\d\d; expected values in \[0, 1\].*declare the generator's value range"),
        ("nan", r"got NaN or infinite pixels in 16 of 16 images"),
        ("same", r"got 16 images that are all the same; expected another face for each latent"),
    ],
)
def test_a_generator_that_lies_is_found_out_at_once(how: str, message: str, audit: SmallAudit) -> None:
    broken = Broken(16)
    object.__setattr__(broken, "how", how)
    before = sorted((audit.run / "inversion").glob("*"))
    with pytest.raises(TargetError, match=message):
        conduct_inversion(audit.brought(generator=broken), TERMS, audit.run)
    assert sorted((audit.run / "inversion").glob("*")) == before


def test_the_audit_is_read_back_with_its_head(audit: SmallAudit) -> None:
    headed = replace(audit.target, centres=torch.randn(12, 5))
    assert read_audit(audit.run, headed, audit.roster, silent).target.centres is not None


def test_one_call_from_python_says_the_same(inversion: Inversion, audit: SmallAudit, tmp_path: Path) -> None:
    """`bareface.invert` with objects; siblings change what is looked at; a name that nobody knows is refused."""
    brought = audit.brought()
    asked = {name: value for name, value in TERMS.settings().items() if name not in ("objective", "seed")}
    asked |= {"skip": ("placebo", "oracle")}
    run = copied(audit, tmp_path).run
    record = bareface.invert(
        audit.target, audit.roster, brought.judges, run=run, generator=brought.generator, seed=TERMS.seed, **asked
    )
    scores = {arm.arm: arm.score for arm in inversion.record.arms}
    made = {arm.arm: arm.score for arm in record.arms if arm.status == "done"}
    assert made == {name: scores[name] for name in ("optimised", "base", "select")}
    asked |= {"siblings": 1, "steps": 2}
    again = bareface.invert(
        audit.target, audit.roster, [network(1)], run=run, generator="rendered", home=tmp_path / "siblings",
        objective="agreement+embedding-norm", **asked,
    )  # fmt: skip
    assert [judge.trained_on for judge in again.judges] == ["unknown"]
    assert again.arms[0].score != record.arms[0].score
    with pytest.raises(CheckpointError, match="nonsense: got no such file"):
        bareface.invert(audit.target, audit.roster, [], run=run, generator="nonsense")


def test_searches_may_begin_at_random_faces(audit: SmallAudit, tmp_path: Path) -> None:
    terms = replace(TERMS, starts="random", skip=("placebo", "oracle"))
    made = conduct_inversion(audit.brought(), terms, audit.run, home=tmp_path)
    assert sorted(made.arms["optimised"].start) == list(made.arms["base"].start) == list(range(terms.restarts))
    assert set(made.arms["select"].start) != set(made.arms["base"].start)
