"""The page of a run through the command line: its title, its annexes, older records, what it says of itself."""

import json
from pathlib import Path

import pytest
from command import run

from bareface.records.evidence import read_evidence

TITLE = "gatehouse-r18, release 4"


@pytest.fixture(scope="session")
def small(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three attacks, one on each kind of access, in one game."""
    folder = tmp_path_factory.mktemp("reported") / "run"
    attacks = [word for name in ("bn-distance", "flip-agreement", "class-centre") for word in ("--attack", name)]
    result = run(
        "audit", "--model", world / "target", "--roster", world / "people.csv", "--game", "person", "--title", TITLE,
        "--knowledge", "partial", "--assignment", "randomised", *attacks, "-o", folder,
    )  # fmt: skip
    assert result.exit_code == 0, result.output + repr(result.exception)
    return folder


def test_the_record_says_what_each_attack_had_to_reach_and_where_its_p_values_end(small: Path) -> None:
    findings = read_evidence(small).findings
    assert {f.attack: f.access for f in findings} == {
        "bn-distance": "weights", "flip-agreement": "answers", "class-centre": "head",
    }  # fmt: skip
    assert {f.photos for f in findings} == {1}
    assert all(f.person and f.person.permutations and f.person.permutations >= 500 for f in findings)


def test_the_audit_says_whether_it_would_have_seen_a_leak(small: Path) -> None:
    evidence = read_evidence(small)
    (planted,) = evidence.planted
    assert (planted.game, planted.unit) == ("person", "person")
    assert planted.attack != "class-centre"
    assert sum(planted.said.values()) == sum(planted.said_of_none.values()) == planted.audits == 20
    assert planted.said.get("LEAK SHOWN", 0) > planted.said_of_none.get("LEAK SHOWN", 0)
    assert f"of {planted.audits} planted leaks" in (small / "report.html").read_text()


def test_a_title_is_on_the_page_and_can_be_another_one_there(small: Path, tmp_path: Path) -> None:
    assert f"<h1>{TITLE}</h1>" in (small / "report.html").read_text()
    assert run("report", small, "--title", "release 5", "--html", tmp_path / "page.html").exit_code == 0
    assert "<h1>release 5</h1>" in (tmp_path / "page.html").read_text()
    assert read_evidence(small).title == TITLE


def test_annexes_are_written_beside_the_page(small: Path) -> None:
    wanted = [word for name in ("edpb", "model-card", "summary", "findings") for word in ("--annex", name)]
    result = run("report", small, *wanted)
    assert result.exit_code == 0, result.output
    told = [Path(line) for line in result.stdout.split()]
    assert [path.name for path in told] == [
        "report.html", "annex-edpb.md", "model-card.md", "summary.html", "findings.csv",
    ]  # fmt: skip
    assert all(TITLE in path.read_text() for path in told if path.name in ("annex-edpb.md", "summary.html"))
    assert len(told[-1].read_text().splitlines()) == 1 + 3 * 2


def test_an_unknown_annex_is_refused_with_those_there_are(small: Path) -> None:
    result = run("report", small, "--annex", "gdpr")
    assert result.exit_code == 2
    assert "--annex: got 'gdpr'; expected edpb, model-card, summary, findings" in " ".join(result.stderr.split())


def test_a_record_from_before_all_this_opens_and_keeps_the_head_apart(small: Path, tmp_path: Path) -> None:
    record = json.loads((small / "result.json").read_text())
    del record["planted"]
    for finding in record["findings"]:
        del finding["access"], finding["photos"]
        for part in (finding["image"], finding["person"], *finding["controls"]):
            del part["permutations"]
    (tmp_path / "result.json").write_text(json.dumps(record))
    result = run("report", tmp_path, "--unsealed")
    assert result.exit_code == 0, result.output
    page = (tmp_path / "report.html").read_text()
    assert page.index("With the classification head: the ceiling") < page.index("class-centre · partial")
    assert "No leaks were planted in this audit" in page
    assert "≤ 0" not in page


def test_only_games_that_ran_are_spoken_of_and_the_others_have_their_reason(small: Path) -> None:
    text = " ".join(run("report", small, "--text").output.split())
    assert "The record game: Was this very photo used?: it was left out, though the roles for it are there" in text
    assert "--game record" in text
    short = text[: text.index("NOT ASSESSED")]
    assert "training photos" not in short
