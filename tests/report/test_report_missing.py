"""Not assessed, and why: games, prior knowledge, attacks, rates."""

from typing import Any

import pytest

from bareface.records.evidence import Evidence, RoleCount
from bareface.records.overlap import Hygiene, Partners
from bareface.report.missing import NotAssessed, not_assessed
from bareface.vocabulary import Game


def with_roles(evidence: Evidence, *roles: str) -> Evidence:
    kept = tuple(RoleCount(role=role, people=9, images=30, rejected=0, use="") for role in roles)
    return evidence.model_copy(update={"roles": kept})


def asked(evidence: Evidence, *games: Game) -> Evidence:
    return evidence.model_copy(update={"findings": tuple(f for f in evidence.findings if f.game in games)})


def found(evidence: Evidence, start: str) -> list[NotAssessed]:
    return [one for one in not_assessed(evidence) if one.what.startswith(start)]


def test_two_folders_ask_one_game_and_the_page_says_what_would_ask_the_others(samples: Any) -> None:
    evidence = with_roles(asked(samples.full, "dataset"), "member", "outside")
    record, person = found(evidence, "The record game") + found(evidence, "The person game")
    assert record.what == "The record game: Was this very photo used?"
    assert record.why == "nobody in the role heldout (other photos of training people, under the same names)"
    assert record.asks == person.asks == "--heldout FOLDER"
    assert found(evidence, "The dataset game") == []


def test_a_game_that_was_left_out_is_not_said_to_be_impossible(samples: Any) -> None:
    evidence = with_roles(asked(samples.full, "dataset"), "member", "heldout", "outside")
    (record,) = found(evidence, "The record game")
    assert (record.why, record.asks) == ("it was left out, though the roles for it are there", "--game record")


def test_nobody_with_both_kinds_of_photos_is_another_reason(samples: Any) -> None:
    partners = Partners(paired=1, lone_heldout=8, lone_heldout_images=30, lone_members=8, lone_member_images=30)
    hygiene = Hygiene(rule="", images=1, left_out=0, most=0.01, pictures=(), people=PEOPLE, partners=partners)
    evidence = with_roles(asked(samples.full, "dataset"), "member", "heldout", "outside")
    (record,) = found(evidence.model_copy(update={"hygiene": hygiene}), "The record game")
    assert record.why == "1 people have photos of both kinds"


@pytest.mark.parametrize(
    ("roles", "why", "asks"),
    [
        (("member",), "nobody in the role public or auxiliary, who are known not to be in training",
         "--public FOLDER --knowledge nonmembers"),
        (("member", "auxiliary"), "it was not asked for", "--knowledge nonmembers"),
    ],
)  # fmt: skip
def test_prior_knowledge_that_nobody_had(samples: Any, roles: tuple[str], why: str, asks: str) -> None:
    (one,) = found(with_roles(samples.full, *roles), "An attacker with nonmembers")
    assert (one.why, one.asks) == (why, asks)


def test_shadows_need_auxiliary_people(samples: Any) -> None:
    partial = tuple(f for f in samples.full.findings if f.knowledge == "partial")
    evidence = with_roles(samples.full.model_copy(update={"findings": partial}), "member", "heldout", "outside")
    (one,) = found(evidence, "An attacker with shadow")
    assert one.why == "nobody in the role auxiliary, to train a network of the same kind on"
    assert one.asks == "--auxiliary FOLDER --shadow 1"


def test_attacks_that_gave_no_score_stand_there_with_their_reason_once(samples: Any) -> None:
    (one,) = found(samples.full, "class-cosine")
    assert one.what == "class-cosine in the record, person and dataset games"
    assert one.why == "abstained: the target has no classification head"
    (failed,) = found(samples.full, "gradient-norm")
    assert failed.asks == "the same command, once that is mended"


def test_rates_that_need_more_people_say_how_many(samples: Any) -> None:
    one, tenth = found(samples.full, "True positive rates at")
    assert one.what == "True positive rates at 1 % false positives"
    assert one.why == "299 non-members are needed: the person game has 96 people"
    assert "2,995 non-members are needed: the record game has 360 images" in tenth.why


def test_a_rate_that_one_attack_alone_lacks_is_said_of_that_attack(samples: Any) -> None:
    record = asked(samples.full, "record")
    first, *others = (f for f in record.findings if f.status == "done")
    points = tuple(
        p.model_copy(update={"negatives": 120, "true_positive": None, "false_positive": None})
        if p.nominal_fpr == 0.01
        else p
        for p in first.image.operating_points
    )
    short = first.model_copy(update={"image": first.image.model_copy(update={"operating_points": points})})
    (one, _) = found(record.model_copy(update={"findings": (short, *others)}), "True positive rates at")
    assert one.why == "299 non-members are needed: the record game has 120 images for bn-distance"


def people() -> Any:
    from bareface.records.overlap import SharedPeople

    return SharedPeople(
        status="skipped", reason="", recogniser="", recogniser_sha256="", first_people=0, second_people=0,
        calibration=None, matches=0, first_matched=0, second_matched=0,
    )  # fmt: skip


PEOPLE = people()
