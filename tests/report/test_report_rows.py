"""Cells: a number with its interval, or the reason why there is none."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bareface.records.evidence import Control, Finding, Interval, OperatingPoint, Share
from bareface.report.cells import Cell
from bareface.report.page import page
from bareface.report.rows import finding_badge, finding_row, nominal_fprs, rate_rows
from bareface.stats.sentences import measured


def first(samples: Any, **wanted: str) -> Finding:
    return next(f for f in samples.full.findings if all(getattr(f, k) == v for k, v in wanted.items()))


def row(finding: Finding) -> Any:
    return finding_row(finding, nominal_fprs([finding]))


def test_a_measured_finding_shows_numbers_with_intervals(samples: Any) -> None:
    shown = row(first(samples, attack="bn-distance", game="dataset", knowledge="partial"))
    image, person = shown.units
    assert str(image.auc) == "0.683 [0.640, 0.726]"
    assert image.counts == ("360 vs 360 images", "96 vs 96 people")
    assert str(image.points[0]) == "29.7 % 107/360 [25.0, 34.8]"
    assert str(image.points[2]) == "not estimable, needs n ≥ 2,995 non-members"
    assert str(person.points[1]) == "not estimable, needs n ≥ 299 non-members"
    assert image.p.value == "0.002"
    assert image.smallest.value == "0.542"
    assert shown.parameters == "b = channels, flip = concat"
    assert str(shown.controls[0]) == "0.520 [0.489, 0.551] Δ +0.163 [+0.127, +0.200]"


def test_images_without_a_score_are_counted(samples: Any) -> None:
    shown = row(first(samples, attack="set-cosine", game="dataset", knowledge="partial"))
    assert shown.units[0].counts[-1] == "no score for 3 + 1"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("abstained", "abstained: the target has no classification head"),
        ("failed", "failed: 12 GiB of memory asked for, 8 GiB free"),
    ],
)
def test_what_did_not_run_says_why(samples: Any, status: str, expected: str) -> None:
    shown = row(first(samples, status=status))
    assert str(shown.absence) == expected
    assert shown.badge.word == status
    assert shown.units == ()


def test_a_missing_reason_is_admitted(samples: Any) -> None:
    silent = first(samples, status="failed").model_copy(update={"reason": ""})
    assert str(row(silent).absence) == "failed: no reason given"


def test_too_few_people_leave_no_number(samples: Any) -> None:
    shown = row(samples.starved(first(samples, status="done", game="person")))
    assert str(shown.units[0].auc) == "not estimable, 3 people on one side; needs at least 10"
    assert {cell.value for unit in shown.units for cell in (*unit.points, unit.p, unit.smallest)} == {"not estimable"}
    assert str(shown.controls[0]) == "skipped, nothing to compare with"


def test_no_person_is_measured_where_everybody_is_on_both_sides(samples: Any) -> None:
    person = row(first(samples, status="done", game="record")).units[1]
    assert person.missing == "not measured, each person is on both sides of this game"


def test_a_measurement_that_is_gone_is_said_to_be(samples: Any) -> None:
    finding = first(samples, status="done", game="person").model_copy(update={"image": None})
    assert row(finding).units[0].missing == "not measured, the record holds nothing"


def test_a_done_finding_without_verdict_is_not_estimable(samples: Any) -> None:
    finding = first(samples, status="done").model_copy(update={"verdict": None})
    assert finding_badge(finding).word == "NOT ESTIMABLE"


def test_p_without_correction_says_so(samples: Any) -> None:
    finding = first(samples, status="done", game="record")
    image = finding.image.model_copy(update={"p_value_holm": None, "p_value": 0.0004})  # type: ignore[union-attr]
    assert str(row(finding.model_copy(update={"image": image})).units[0].p) == "< 0.001 not adjusted"


def control(**change: Any) -> Control:
    half = Interval(low=0.4, high=0.6)
    values = {"kind": "blind", "status": "done", "what": "", "auc": 0.5, "auc_interval": half}
    return Control(**{**values, "difference": 0.1, "difference_interval": half, **change})


@pytest.mark.parametrize(
    ("controls", "expected"),
    [
        ((), "not run"),
        ((control(auc=None),), "not estimable, no reason given"),
        ((control(difference=None),), "0.500 [0.400, 0.600] Δ not estimable"),
        ((control(difference_interval=None, auc_interval=None),), "0.500 no interval Δ +0.100 no interval"),
    ],
)
def test_a_control_is_never_blank(samples: Any, controls: tuple[Control, ...], expected: str) -> None:
    finding = first(samples, status="done").model_copy(update={"controls": controls})
    assert str(row(finding).controls[0]) == expected


def test_a_rate_nobody_asked_for_says_so(samples: Any) -> None:
    finding = first(samples, status="done")
    assert str(finding_row(finding, (0.05,)).units[0].points[0]) == "not asked"


@given(st.integers(1, 5000), st.data())
def test_a_counted_rate_keeps_its_counts(trials: int, data: Any) -> None:
    events = data.draw(st.integers(0, trials))
    share = Share(events=events, trials=trials, interval=Interval(low=0, high=1))
    point = OperatingPoint(
        nominal_fpr=0.1,
        positives=trials,
        negatives=trials,
        negatives_needed=29,
        true_positive=share,
        false_positive=None,
    )
    finding = FINDING.model_copy(update={"image": FINDING.image.model_copy(update={"operating_points": (point,)})})
    (rate,) = rate_rows(finding)
    assert f"{events:,}/{trials:,}" in str(rate.true_positive)
    assert str(rate.false_positive) == "not estimable, needs n ≥ 29 non-members"
    assert (rate.true_positive.value == "0.0 %") == (events == 0)
    assert (rate.true_positive.value == "100.0 %") == (events == trials)


def empty_finding() -> Any:
    image = {
        "unit": "image", "members": 1, "nonmembers": 1, "abstained_members": 0, "abstained_nonmembers": 0,
        "member_people": 1, "nonmember_people": 1, "auc": None, "auc_interval": None, "p_value": None,
        "p_value_holm": None, "smallest_effect": None, "operating_points": (), "roc_fpr": (), "roc_tpr": (),
    }  # fmt: skip
    values = {"attack": "a", "parameters": {}, "game": "record", "knowledge": "partial", "status": "done"}
    return Finding.model_validate(
        {**values, "reason": "", "image": image, "person": None, "controls": (), "verdict": None, "sentence": ""}
    )


FINDING = empty_finding()


def test_a_cell_in_one_line() -> None:
    assert str(Cell("0.8", ("[0.7, 0.9]",))) == "0.8 [0.7, 0.9]"
    assert str(Cell("not asked", (), "unknown")) == "not asked"


def test_everything_asked_for_is_on_the_page(samples: Any) -> None:
    shown = page(samples.full)
    rows = [(game.game, row.knowledge, row.attack) for game in shown.games for row in game.rows]
    asked = [(f.game, f.knowledge, f.attack) for f in samples.full.findings]
    assert sorted(rows) == sorted(asked)
    with_head = sum(f.access == "head" for f in samples.full.findings)
    assert with_head == 6
    assert sum(times for tally in shown.tallies for _, times in tally.badges) == len(asked) - with_head


def test_an_attack_without_a_card_is_still_listed(samples: Any) -> None:
    shown = page(samples.full.model_copy(update={"cards": samples.full.cards[1:]}))
    card = next(card for card in shown.cards if card.attack == "bn-distance")
    assert "left no description" in card.sections[0][1][0]
    assert card.asked[0] == "record game, partial and shadow knowledge"


def test_rejects_are_grouped_by_reason(samples: Any) -> None:
    rejects = {(r.role, r.reason): (r.images, r.which) for r in page(samples.full).rejects}
    assert rejects["public", "smaller than 16 x 16"] == (12, "40, 41, 42, 43, 44, 45, 46, 47 and 4 more")
    assert rejects["member", "no JPEG, PNG, WEBP or BMP"] == (1, "201")


def test_people_are_ranked_under_each_attack(samples: Any) -> None:
    block = page(samples.full).exposures[0]
    for column, group in enumerate(block.groups):
        ranks = [e.rank for e in samples.full.exposures if (e.game, e.attack) == (block.game, group.attack)]
        assert list(group.ranks) == sorted(ranks, reverse=True)
        assert len(group.top) == 20
        assert block.places[0][column] == group.top[0]


def test_when_the_record_holds_the_most_exposed_only_the_page_says_so(samples: Any) -> None:
    ranked = sorted((e for e in samples.full.exposures if e.game == "person"), key=lambda e: -e.rank)
    only = tuple(e for e in ranked if e.attack == "bn-distance")[:30]
    (block,) = page(samples.full.model_copy(update={"exposures": only})).exposures
    assert block.hidden.startswith("bn-distance: the record holds the 30 most exposed of 96 people, so that bars below")
    assert block.groups[0].high == "3 of 96 people (3.1 %)"
    assert page(samples.full).exposures[0].hidden == ""


def test_an_attack_that_did_not_run_is_not_explained_twice(samples: Any) -> None:
    failed = first(samples, status="failed")
    assert row(failed.model_copy(update={"sentence": failed.reason})).sentence == ""
    assert row(failed.model_copy(update={"sentence": "Another try may work."})).sentence == "Another try may work."


def test_long_layer_tables_are_cut_and_say_so(samples: Any) -> None:
    layers = samples.full.layers[:1] * 450
    block = page(samples.full.model_copy(update={"layers": layers})).layers[0]
    assert (len(block.rows), block.hidden) == (200, 250)


def test_what_was_measured_on_matched_people_is_a_row_of_its_own(samples: Any) -> None:
    finding = samples.matched(first(samples, attack="bn-distance", game="dataset", knowledge="partial"))
    image, _, matched = row(finding).units
    assert matched.unit == "per image, matched"
    assert matched.counts == ("360 vs 360 images", "96 vs 96 people", "worth 22 vs 31")
    assert str(matched.auc) == "0.620 [0.415, 0.789]"
    assert {str(point) for point in matched.points} == {"not counted, weighted"}
    assert image.auc != matched.auc


@pytest.mark.parametrize(("p", "shown"), [(1 / 501, "≤ 0.084"), (2 / 501, "0.084"), (0.5, "0.084")])
def test_row_and_sentence_show_a_p_value_at_the_resolution_as_a_bound(samples: Any, p: float, shown: str) -> None:
    finding = first(samples, status="done", game="record")
    change = {"p_value": p, "p_value_holm": 0.0833, "permutations": 500}
    image = finding.image.model_copy(update=change)  # type: ignore[union-attr]
    assert row(finding.model_copy(update={"image": image})).line.p.value == shown
    assert measured(image).endswith(f"Holm p {shown if shown.startswith('≤') else '= ' + shown}")


def test_a_line_holds_what_the_verdict_rests_on(samples: Any) -> None:
    person = first(samples, attack="bn-distance", game="person", knowledge="partial")
    line = row(person).line
    assert str(line.auc) == str(row(person).units[1].auc)
    dataset = samples.matched(first(samples, attack="bn-distance", game="dataset", knowledge="partial"))
    line = row(dataset).line
    assert str(line.auc) == "0.620 [0.415, 0.789]"
    assert str(line.rate) == "not counted, weighted"


def test_layers_say_where_members_lie_farther(samples: Any) -> None:
    farther = tuple(s.model_copy(update={"auc": 0.4}) for s in samples.full.layers if s.game == "record")
    block = page(samples.full.model_copy(update={"layers": farther})).layers[0]
    assert "members lie closer than non-members in 0 of 22 layers and farther in 22; from 0.400" in block.sentence
    assert block.sentence.startswith("Separation AUC over 22 BatchNorm layers, above 0.5 where members lie closer")


def test_rates_stand_beside_who_is_accused_at_the_same_threshold(samples: Any) -> None:
    image = row(first(samples, attack="bn-distance", game="dataset", knowledge="partial")).units[0]
    assert [cell.kind for cell in image.accused] == ["number", "number", "unknown"]
    assert str(image.accused[2]) == "not estimable"
