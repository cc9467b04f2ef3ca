"""`bareface bench`: the list, and mistakes in a call."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bareface.cli.app import app
from bareface.training.defences import defences


def said(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["bench", *arguments])
    return result.exit_code, result.output


def test_the_list_names_every_defence_and_what_it_changes() -> None:
    code, text = said("list")
    assert code == 0
    for name, kind in defences().items():
        line = next(line for line in text.splitlines() if line.startswith(f"{name} "))
        assert kind.sort in line


def test_one_defence_is_explained_with_its_parameters() -> None:
    code, text = said("list", "dp-sgd")
    assert code == 0
    for words in ("What it tests", "Known limits", "noise = 1.5", "unit = image"):
        assert words in text
    assert "Parameters\n  none" in said("list", "folding")[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["list", "moat"], "'moat'"),
        (["defences", "--figure", "f.pdf"], ".png or .svg"),
        (["defences", "--roster", "missing.csv"], "missing.csv"),
    ],
)
def test_mistakes_cost_nothing_and_are_said(arguments: list[str], words: str, tmp_path: Path) -> None:
    code, text = said(*arguments, *(["-o", str(tmp_path / "run")] if arguments[0] == "defences" else []))
    assert code == 2
    assert words in text.replace("\n", " ")
    assert not (tmp_path / "run" / "people").exists()


def test_an_unknown_defence_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    code, text = said("defences", "-o", str(tmp_path), "--defence", "moat")
    assert code == 2
    assert "'moat'" in text
    assert not (tmp_path / "people").exists()
