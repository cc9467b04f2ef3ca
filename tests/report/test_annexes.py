"""Annexes: a table for the file, a block for a model card, a page to sign, a CSV; each from the record alone."""

import csv
import io
import re
from typing import Any

import pytest
import yaml
from pages import Reader

from bareface.records.evidence import Evidence
from bareface.report.annexes import ANNEXES
from bareface.report.annexes.edpb import edpb_markdown
from bareface.report.annexes.model_card import model_card_markdown
from bareface.report.annexes.summary import summary_html
from bareface.report.annexes.table import findings_csv
from bareface.report.short import in_short
from bareface.vocabulary import Verdict


def test_the_questions_of_the_opinion_have_what_was_run_the_result_and_the_limit(samples: Any) -> None:
    text = edpb_markdown(samples.full)
    rows = [re.split(r"(?<!\\) \| ", line.strip("| ")) for line in text.splitlines() if line.startswith("| ")]
    assert rows[0] == ["question", "what was run", "result", "limit"]
    assert {len(row) for row in rows} == {4}
    by_question = {row[0]: row for row in rows[2:]}
    record = next(row for question, row in by_question.items() if "a given photo" in question)
    assert record[1] == "6 attacks with partial and shadow knowledge"
    assert record[2].startswith("LEAK SHOWN: 9 of 12 findings; most telling set-cosine")
    dataset = next(row for question, row in by_question.items() if "stand out" in question)
    assert dataset[2].startswith("INVALID: 2 of 12")
    assert [row[1] for row in rows if "Attribute inference" in row[0] or "Whether faces" in row[0]] == ["not run"] * 2
    assert "of 20 planted leaks of an AUC of 0.641 per person, 17 were called LEAK SHOWN" in text
    assert samples.full.target.sha256 in text


def test_the_opinion_is_named_and_nothing_is_claimed_about_the_law(samples: Any) -> None:
    text = edpb_markdown(samples.full)
    assert "Opinion 28/2024" in text
    assert "It is no legal assessment" in text
    assert not re.search(r"complian|anonymous|GDPR|lawful", text)
    assert re.findall(r"\b20\d\d\b", text) == ["2024", "2025"]  # the Opinion's number, and the day of the run


def test_a_game_that_was_not_asked_is_in_the_table_as_such(samples: Any) -> None:
    text = edpb_markdown(samples.one_game)
    (record,) = [line for line in text.splitlines() if "a given photo" in line]
    assert "| not run | - | it was left out" in record


def test_a_model_card_begins_with_metadata_that_is_yaml(samples: Any) -> None:
    card = model_card_markdown(samples.full)
    _, front, body = card.split("---\n", 2)
    (model,) = yaml.safe_load(front)["model-index"]
    assert model["name"] == "gatehouse-r18"
    assert [one["task"]["type"] for one in model["results"]] == ["membership-inference"] * 3
    record = {metric["type"]: metric["value"] for metric in model["results"][0]["metrics"]}
    telling = next(
        f for f in samples.full.findings if (f.attack, f.game, f.knowledge) == ("set-cosine", "record", "partial")
    )
    assert record["roc_auc"] == round(telling.image.auc, 3)
    assert record["tpr_at_fpr_0.01"] == round(telling.image.operating_points[1].true_positive.rate, 3)
    assert record["verdict"] == "LEAK SHOWN"
    assert body.startswith("\n## Privacy")
    assert "Not assessed:" in body


def test_no_metadata_claims_a_certainty_that_was_not_measured(samples: Any) -> None:
    first = next(f for f in samples.full.findings if f.status == "done")
    near = first.model_copy(update={"image": first.image.model_copy(update={"auc": 0.99997})})
    front = model_card_markdown(samples.full.model_copy(update={"findings": (near,)})).split("---\n")[1]
    assert yaml.safe_load(front)["model-index"][0]["results"][0]["metrics"][0]["value"] == 0.999


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_page_to_sign_holds_what_is_said_in_short_and_room_for_a_name(samples: Any, verdict: Verdict) -> None:
    evidence = samples.full.model_copy(update={"verdict": verdict})
    read = Reader(summary_html(evidence))
    assert read.open == []
    assert verdict in read.text
    assert all(sentence in read.text for sentence in in_short(evidence))
    for words in ("Decision", "signature", "Not assessed", samples.full.target.sha256):
        assert words in read.text
    assert not {"script", "img", "link", "form"} & {tag for tag, _ in read.tags}


def rows_of(evidence: Evidence) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(findings_csv(evidence))))


def test_every_finding_is_in_the_table_with_the_numbers_of_the_record(samples: Any) -> None:
    rows = rows_of(samples.full)
    named = {(r["game"], r["knowledge"], r["attack"]) for r in rows}
    assert named == {(f.game, f.knowledge, f.attack) for f in samples.full.findings}
    first = next(f for f in samples.full.findings if f.status == "done")
    row = next(r for r in rows if (r["attack"], r["game"], r["unit"]) == (first.attack, first.game, "image"))
    assert float(row["auc"]) == first.image.auc
    assert float(row["auc_low"]) == first.image.auc_interval.low
    assert float(row["tpr_at_0.01"]) == first.image.operating_points[1].true_positive.rate
    assert row["tpr_at_0.001"] == ""  # too few people: unknown, never zero
    assert {r["counts"] for r in rows if r["attack"] == "class-cosine"} == {"ceiling"}
    assert {r["reason"] for r in rows if r["status"] == "failed"} == {"12 GiB of memory asked for, 8 GiB free"}


def test_matched_people_have_a_row_of_their_own(samples: Any) -> None:
    first = samples.matched(next(f for f in samples.full.findings if f.game == "dataset" and f.image))
    units = {r["unit"]: r for r in rows_of(samples.full.model_copy(update={"findings": (first,)}))}
    assert list(units) == ["image", "person", "image, matched"]
    assert units["image, matched"]["auc"] == "0.62"


@pytest.mark.parametrize("start", ["=1+1", "+x", "-x", "@x"])
def test_no_cell_is_a_formula(samples: Any, start: str) -> None:
    first = samples.full.findings[0].model_copy(update={"title": start})
    assert {r["attack"] for r in rows_of(samples.full.model_copy(update={"findings": (first,)}))} == {f"'{start}"}


@pytest.mark.parametrize("name", list(ANNEXES))
def test_hostile_text_stays_text_and_no_folder_gets_out(samples: Any, name: str) -> None:
    hostile = samples.with_texts(samples.one_game, lambda _: "</td><script>x</script> | `a` /home/ann/x.jpg \u202e")
    text = ANNEXES[name][1](hostile)
    assert "/home/ann" not in text
    assert "\u202e" not in text
    if name != "findings":
        page = text.split("---\n", 2)[-1] if name == "model-card" else text  # before it stands YAML: data, not markup
        assert not re.search(r"(?<!\\)<script", page)
    assert ANNEXES[name][1](samples.full.model_copy(update={"findings": (), "cards": (), "exposures": ()}))
