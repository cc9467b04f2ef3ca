"""In short: what is found at which rate, what it takes, what is not shown; only what ran is spoken of."""

from typing import Any

import pytest

from bareface.records import numbers
from bareface.records.evidence import Evidence, Finding
from bareface.report.page import page
from bareface.report.short import in_short
from bareface.vocabulary import GAMES, Game, Verdict


def only(evidence: Evidence, *games: Game, verdict: Verdict | None = None) -> Evidence:
    """The evidence of some games; with every finding of one verdict, if one is given."""
    findings = tuple(f for f in evidence.findings if f.game in games)
    if verdict is not None:
        findings = tuple(f.model_copy(update={"verdict": verdict}) if f.verdict else f for f in findings)
    return evidence.model_copy(update={"findings": findings, "verdict": verdict or evidence.verdict})


def test_a_leak_is_told_with_both_counted_rates_and_the_access(samples: Any) -> None:
    found, takes, _ = in_short(only(samples.full, "record"))
    telling = next(
        f for f in samples.full.findings if (f.game, f.attack, f.knowledge) == ("record", "set-cosine", "partial")
    )
    point = telling.image.operating_points[1]
    true, false = (100 * share.rate for share in (point.true_positive, point.false_positive))
    assert found.startswith(
        f"With the answers alone, an attacker finds {true:.1f} % of the training photos while accusing"
    )
    assert f"accusing {false:.1f} % of the other photos of the same people (record game, set-cosine)" in found
    assert "thresholds chosen on other people" in found
    assert takes.startswith(
        "What it takes: the answers alone, 2 photos of a person, some of the training set known; the "
    )
    assert "least with which a leak is shown is the answers alone, one photo" in takes


def test_with_the_weights_alone_leaking_the_weights_are_what_it_takes(samples: Any) -> None:
    leaks = only(samples.full, "dataset", verdict=Verdict.LEAK_SHOWN)
    weights = tuple(f for f in leaks.findings if f.attack == "bn-distance")
    found, takes, rest = in_short(leaks.model_copy(update={"findings": weights}))
    assert found.startswith("With the weights, an attacker finds ")
    assert takes.startswith("What it takes: the weights, one photo, ")
    assert rest == "What is not shown: what anything beside the 1 attack that ran would find."


def test_on_matched_people_there_are_no_rates_and_none_are_told(samples: Any) -> None:
    leaks = only(samples.full, "dataset", verdict=Verdict.LEAK_SHOWN)
    matched = tuple(samples.matched(f) for f in leaks.findings if f.attack == "bn-distance")
    found, _, _ = in_short(leaks.model_copy(update={"findings": matched}))
    assert "tells training photos from photos of people never trained on with an AUC of 0.620 [0.415, 0.789]" in found
    assert "people matched" in found
    assert "%" not in found


@pytest.mark.parametrize("game", list(GAMES))
def test_not_shown_speaks_of_the_games_that_ran_alone(samples: Any, game: Game) -> None:
    shown = page(only(samples.full, game, verdict=Verdict.NOT_SHOWN))
    told = " ".join((*shown.short, shown.plain.means))
    assert f"{GAMES[game].found} from {GAMES[game].accused}" in told
    assert "person or" not in told
    assert [one for one in GAMES if f"{one} game" in " ".join(shown.short)] == [game]
    others = [one for one in GAMES if one != game and GAMES[one].accused != GAMES[game].accused]
    assert not [one for one in others if GAMES[one].accused in told and GAMES[one].accused not in GAMES[game].accused]


def test_not_shown_says_how_large_a_leak_would_have_been_seen(samples: Any) -> None:
    evidence = only(samples.full, "person", verdict=Verdict.NOT_SHOWN)
    largest = max(f.visible for f in evidence.findings if f.visible)
    said, tried, rest = in_short(evidence)
    assert said.startswith("No attack that ran tells training people (by unseen photos) from people never trained on")
    assert tried == (
        "What was tried: 5 attacks with the answers alone, 1 attack with the weights, with partial or shadow "
        "knowledge, on 2 to 4 photos of a person."
    )
    assert f"an AUC of {numbers.auc(largest, 'ROUND_CEILING')} would have been seen four times in five" in rest


def test_what_needs_the_head_is_spoken_of_nowhere(samples: Any) -> None:
    def to_head(finding: Finding) -> Finding:
        return finding.model_copy(update={"access": "head"}) if finding.attack == "set-cosine" else finding

    changed = samples.full.model_copy(update={"findings": tuple(map(to_head, samples.full.findings))})
    assert "set-cosine" not in " ".join(in_short(changed))


def test_confounded_and_starved_audits_claim_nothing(samples: Any) -> None:
    said, _, rest = in_short(only(samples.full, "dataset", verdict=Verdict.INVALID))
    assert said == (
        "Nothing can be said of what this backbone remembers: the sides of the dataset game cannot be compared."
    )
    assert rest == (
        "What is not shown: in the dataset game, neither a leak nor that there is none, since its sides cannot be "
        "compared."
    )
    starved = only(samples.full, "record")
    few = tuple(samples.starved(f) for f in starved.findings if f.status == "done")
    said, _, _ = in_short(starved.model_copy(update={"findings": few, "verdict": Verdict.NOT_ESTIMABLE}))
    assert said == "Nothing was found and nothing was ruled out: there are too few people."
    silent = tuple(f for f in starved.findings if f.status != "done" and f.access != "head")
    said, tried, _ = in_short(starved.model_copy(update={"findings": silent, "verdict": Verdict.NOT_ESTIMABLE}))
    assert said == "Nothing was found and nothing was ruled out: no attack could be run."
    assert tried == "What was tried: nothing; 1 attack could not be run."


def test_how_many_people_are_needed_is_said_where_it_is_known(samples: Any) -> None:
    findings = only(samples.full, "record", verdict=Verdict.NOT_ESTIMABLE).findings
    needed = [f.image.model_copy(update={"growth_needed": 2.5}) for f in findings if f.image]
    grown = tuple(
        f.model_copy(update={"image": m}) for f, m in zip([f for f in findings if f.image], needed, strict=True)
    )
    said, *_ = in_short(samples.full.model_copy(update={"findings": grown, "verdict": Verdict.NOT_ESTIMABLE}))
    assert said.endswith("too few people. About 240 training people and 240 others would give an answer.")


def test_an_audit_that_asked_nothing_says_nothing(samples: Any) -> None:
    assert in_short(samples.full.model_copy(update={"findings": ()})) == ()
