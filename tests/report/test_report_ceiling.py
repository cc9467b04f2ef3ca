"""The head is the ceiling: its rows stand apart, last, and count nowhere; sentence and badges count the same."""

import re
from typing import Any

from bareface.auditing.assemble import summary
from bareface.records.evidence import Evidence, Finding, apart_from_head
from bareface.report import render_text
from bareface.report.page import page
from bareface.stats.overall import overall, verdicts_by_game
from bareface.vocabulary import Verdict


def with_head(evidence: Evidence, *attacks: str) -> Evidence:
    """The evidence as if these attacks read the head, with the sentence that an audit would write."""

    def changed(finding: Finding) -> Finding:
        return finding.model_copy(update={"access": "head"}) if finding.attack in attacks else finding

    findings = tuple(map(changed, evidence.findings))
    counted = apart_from_head(findings)
    verdict = overall(verdicts_by_game(counted))
    return evidence.model_copy(update={"findings": findings, "verdict": verdict, "sentence": summary(verdict, counted)})


def test_what_reads_the_head_stands_last_and_apart(samples: Any) -> None:
    for game in page(with_head(samples.full, "set-cosine", "class-cosine")).games:
        inside = {row.attack for group in game.groups for row in group.rows}
        assert not inside & {"set-cosine", "class-cosine"}
        assert {row.attack for row in game.ceiling} == {"set-cosine", "class-cosine"}
        assert [row.attack for row in game.rows][-4:] == [row.attack for row in game.ceiling]
        assert {row.access for row in game.ceiling} == {"head"}


def test_sentence_and_badges_count_the_same(samples: Any) -> None:
    for attacks in ((), ("set-cosine",), ("set-cosine", "own-centroid", "view-agreement")):
        evidence = with_head(samples.full, *attacks)
        shown = page(evidence)
        told, of = map(int, re.findall(r"^(\d+) of (\d+) findings", evidence.sentence)[0])
        badges = {tally.game: {badge.word: times for badge, times in tally.badges} for tally in shown.tallies}
        carrying = [
            counts for counts in badges.values() if evidence.verdict.value in counts and "INVALID" not in counts
        ]
        assert told == sum(counts[evidence.verdict.value] for counts in carrying)
        assert of == sum(sum(counts.values()) for counts in carrying)


def test_a_leak_through_the_head_alone_ranks_nobody(samples: Any) -> None:
    evidence = with_head(samples.full, "own-centroid")
    for block in page(evidence).exposures:
        assert "own-centroid" not in {group.attack for group in block.groups}
    alone = tuple(e for e in evidence.exposures if e.attack == "own-centroid")
    assert page(evidence.model_copy(update={"exposures": alone})).exposures == ()


def test_where_the_head_alone_was_asked_it_counts(samples: Any) -> None:
    only = tuple(f for f in samples.full.findings if f.attack == "own-centroid")
    evidence = with_head(samples.full.model_copy(update={"findings": only}), "own-centroid")
    shown = page(evidence)
    assert all(game.groups and not game.ceiling for game in shown.games)
    assert evidence.verdict is Verdict.LEAK_SHOWN
    assert shown.short[0].startswith("With the classification head, an attacker ")


def test_every_row_says_its_access(samples: Any) -> None:
    rows = [row for game in page(samples.full).games for row in game.rows]
    assert {(row.attack, row.access) for row in rows} >= {
        ("bn-distance", "weights"), ("flip-agreement", "answers"), ("class-cosine", "head"),
    }  # fmt: skip
    assert "bn-distance," in render_text(samples.full)
    older = tuple(f.model_copy(update={"access": None}) for f in samples.full.findings)
    unknown = page(samples.full.model_copy(update={"findings": older}))
    assert {row.access for game in unknown.games for row in game.rows} == {"not recorded"}
