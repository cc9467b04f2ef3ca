"""The page: complete, inert, self-contained, reproducible, accessible."""

import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import Reader

from bareface.records.evidence import write_evidence
from bareface.report import html as report_html
from bareface.report import plots, render_html
from bareface.vocabulary import Verdict

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "long-" * 60,
    "\u202esafe [red]bold[/red] {{ 7 * 7 }} {% raw %} {# x #}",
    "סוד مرحبا 漢字 $x_{1$ \"'><svg onload=alert(1)>",
    "</svg></style><style>*{display:none}</style><!--",
)


@pytest.fixture(scope="module")
def hostile(samples: Any) -> Any:
    turn = iter(range(10**9))
    return samples.with_texts(samples.one_game, lambda _: HOSTILE[next(turn) % len(HOSTILE)])


@pytest.fixture(scope="module")
def full(full_html: str) -> Reader:
    return Reader(full_html)


def assert_inert(page: str) -> None:
    read = Reader(page)
    assert read.open == []
    assert not {"script", "img", "link", "iframe", "object", "form", "base"} & {t for t, _ in read.tags}
    assert all(not name.startswith("on") for _, attributes in read.tags for name in attributes)
    loads = [a[n] for _, a in read.tags for n in ("src", "href", "action", "data", "poster") if n in a]
    assert all((target or "").startswith("#") for target in loads)
    assert "url(" not in page
    assert "@import" not in page
    assert "http-equiv" in page


def test_the_page_is_complete(samples: Any, full: Reader) -> None:
    for finding in samples.full.findings:
        assert finding.attack in full.text
        assert finding.sentence in full.text
        assert finding.reason in full.text
    for words in (*samples.full.limits, *samples.full.notes, samples.full.sentence, samples.full.target.sha256):
        assert words in full.text
    assert "not estimable" in full.text
    assert "p-" in full.text


def test_the_sections_come_in_order(full_html: str) -> None:
    order = ["verdict", "short", "meaning", "missing", "findings", "planted", "asked", "layers", "roc", "people"]
    places = [full_html.index(f' id="{name}"') for name in (*order, "input", "limits", "again")]
    assert places == sorted(places)


def test_no_cell_is_blank(full: Reader) -> None:
    assert len(full.cells) > 1000
    assert all(cell.strip() for cell in full.cells)


def test_the_page_loads_nothing_and_runs_nothing(full_html: str) -> None:
    assert_inert(full_html)
    assert "default-src 'none'" in full_html
    assert not re.search(r"https?:", full_html)
    assert len(full_html.encode()) < 1_000_000


def test_no_folder_reaches_the_page(full_html: str) -> None:
    assert "/srv" not in full_html
    assert "an na" not in full_html
    assert "…/gatehouse-r18.safetensors" in full_html


def test_the_page_can_be_read_without_eyes(full: Reader, full_html: str) -> None:
    tags = Counter(tag for tag, _ in full.tags)
    assert tags["h1"] == tags["main"] == tags["header"] == tags["footer"] == tags["nav"] == 1
    assert all(cell.get("scope") for cell in full.all("th"))
    assert tags["caption"] == tags["table"]
    pictures = [a for a in full.all("div") if a.get("role") == "img"]
    assert len(pictures) == tags["figure"] == 3 + 2 + 2 + 2
    assert all(re.search(r"\d", picture["aria-label"] or "") for picture in pictures)
    ids = Counter(a["id"] for _, a in full.tags if "id" in a)
    assert max(ids.values()) == 1
    assert {(a["href"] or "#")[1:] for _, a in full.tags if "href" in a} <= set(ids)
    assert {a["aria-labelledby"] for _, a in full.tags if "aria-labelledby" in a} <= set(ids)


def test_colours_come_from_the_page(full_html: str) -> None:
    drawings = re.findall(r'<div class="drawing".*?</svg>', full_html, re.DOTALL)
    assert len(drawings) == 9
    for drawing in drawings:
        assert "currentColor" in drawing
        assert not re.search(r"#0[01]0[12][0-9a-f]{2}\b", drawing)
        assert "<text" in drawing


def test_hostile_text_is_only_text(hostile: Any) -> None:
    page = render_html(hostile)
    assert_inert(page)
    read = Reader(page)
    for words in (*HOSTILE[:3], *HOSTILE[4:], HOSTILE[3].replace("\u202e", "⟨U+202E⟩")):
        assert words in read.text
    assert "\u202e" not in page
    assert "7 * 7" in read.text


ANY_TEXT = st.text(max_size=40) | st.sampled_from(HOSTILE) | st.text(alphabet="<>&\"'{}%#/[]\\ab", max_size=20)


@settings(max_examples=25)
@given(st.lists(ANY_TEXT, min_size=3, max_size=7))
def test_no_text_changes_the_structure_of_the_page(samples: Any, texts: list[str]) -> None:
    turn = iter(range(10**9))
    changed = samples.with_texts(samples.one_game, lambda old: texts[next(turn) % len(texts)] or old)
    stand_ins = {name: lambda *_: "<svg></svg>" for name in ("forest", "separation", "roc", "ranks")}
    with patch.multiple(plots, **stand_ins):
        page = render_html(changed)
    assert_inert(page)


def test_the_template_never_switches_escaping_off() -> None:
    folder = Path(report_html.__file__).parent
    template = (folder / "templates" / "report.html.j2").read_text()
    assert not re.search(r"\|\s*safe|autoescape|Markup", template)
    calls = [f for f in folder.rglob("*.py") for _ in re.finditer(r"Markup\(", f.read_text())]
    assert [f.name for f in calls] == ["html.py"]


RENDER = """
import hashlib, sys
from pathlib import Path
from bareface.records.evidence import read_evidence
from bareface.report import render_html, render_text
evidence = read_evidence(Path(sys.argv[1]))
render_text(evidence)
assert "matplotlib" not in sys.modules, "text needs no figures"
page = render_html(evidence)
heavy = {"torch", "sklearn", "matplotlib.pyplot"} & set(sys.modules)
assert not heavy, heavy
sys.stdout.write(hashlib.sha256(page.encode()).hexdigest())
"""


def test_equal_evidence_gives_equal_bytes_in_another_process(samples: Any, tmp_path: Path) -> None:
    evidence = samples.one_game.model_copy(update={"findings": samples.one_game.findings[-3:]})
    write_evidence(evidence, tmp_path)
    environment = {**os.environ, "PYTHONHASHSEED": "3", "PYTHONPATH": str(Path(report_html.__file__).parents[2])}
    command = [sys.executable, "-c", RENDER, str(tmp_path)]
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert shown.stderr == ""
    assert shown.stdout == hashlib.sha256(render_html(evidence).encode()).hexdigest()


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_has_words_for_everybody(samples: Any, verdict: Verdict) -> None:
    bare = {"verdict": verdict, "findings": (), "layers": (), "exposures": (), "cards": (), "foreign": None}
    empty = {"roles": (), "rejects": (), "limits": (), "notes": (), "command": "", "title": ""}
    read = Reader(render_html(samples.full.model_copy(update={**bare, **empty})))
    assert verdict in read.text
    assert "What to do:" in read.text
    for absence in ("No attack was asked for", "No layer was measured", "No curve could be drawn", "No person was"):
        assert absence in read.text
    assert all(cell.strip() for cell in read.cells)


def test_an_audit_of_too_few_people_renders(samples: Any) -> None:
    findings = tuple(samples.starved(f) if f.status == "done" else f for f in samples.one_game.findings)
    change = {"findings": findings, "layers": (), "exposures": (), "verdict": Verdict.NOT_ESTIMABLE}
    read = Reader(render_html(samples.one_game.model_copy(update=change)))
    assert "needs n ≥ 29" in read.text
    assert all(cell.strip() for cell in read.cells)
