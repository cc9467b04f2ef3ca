"""The terminal report."""

import io
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from bareface.report import render_text
from bareface.report.text import WIDTH


def test_the_verdict_comes_first_and_everything_asked_for_follows(samples: Any) -> None:
    text = render_text(samples.full)
    lines = text.splitlines()
    assert lines[:3] == [samples.full.title, "", "LEAK SHOWN"]
    assert lines[3].startswith("With the answers alone, an attacker finds 6")
    tables = text[text.index("RECORD GAME") :]
    assert tables.count("bn-distance") == sum(f.attack == "bn-distance" for f in samples.full.findings)
    assert tables.count("failed: 12 GiB of memory asked for, 8 GiB free") == 6
    assert tables.count("class-cosine") == 6
    assert tables.count("With the classification head: the ceiling.") == 3
    assert "Δ blind +0.163 [+0.127, +0.200]; foreign +0.176 [+0.140, +0.213]" in text
    assert "files: result.json, report.html" in text
    assert "again: bareface audit …/gatehouse-r18.safetensors" in text


def test_lines_fit_the_terminal(samples: Any) -> None:
    assert max(map(len, render_text(samples.full).splitlines())) <= WIDTH


def test_too_few_people_are_said_to_be(samples: Any) -> None:
    starved = tuple(samples.starved(f) for f in samples.one_game.findings if f.status == "done")
    text = " ".join(render_text(samples.one_game.model_copy(update={"findings": starved})).split())
    assert "not estimable," in text
    assert "needs n ≥" in text


def test_matched_people_stand_below_the_finding_whose_verdict_rests_on_them(samples: Any) -> None:
    findings = tuple(samples.matched(f) if f.image else f for f in samples.one_game.findings)
    text = " ".join(render_text(samples.one_game.model_copy(update={"findings": findings})).split())
    assert "= per image, matched (360 vs 360 images, 96 vs 96 people, worth 22 vs 31): AUC 0.620 [0.415, 0.789]" in text


def test_markup_and_control_characters_are_shown_not_obeyed(samples: Any) -> None:
    hostile = samples.with_texts(samples.one_game, lambda _: "[red]x[/red]\x1b[2J \u202e[link=file:///a]y")
    screen = io.StringIO()
    Console(file=screen, width=200, force_terminal=True, color_system=None, emoji=False).print(
        render_text(hostile), highlight=False
    )
    assert "[red]x[/red]⟨U+001B⟩[2J ⟨U+202E⟩[link=…/a]y" in screen.getvalue()
    assert "\x1b" not in screen.getvalue()


def test_an_empty_audit_has_a_text(samples: Any) -> None:
    bare = samples.full.model_copy(update={"findings": (), "limits": (), "title": "", "command": ""})
    provenance = bare.provenance.model_copy(update={"files": {}})
    assert "files: none recorded" in render_text(bare.model_copy(update={"provenance": provenance}))


@pytest.mark.parametrize("width", [60, 80, 100])
def test_no_line_is_wider_than_the_terminal(samples: Any, width: int) -> None:
    assert max(map(cell_len, render_text(samples.full, width).splitlines())) <= width
