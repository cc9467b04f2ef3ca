"""Code of a user's own: whatever goes wrong in it ends in a sentence."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bareface.cli.app import app
from bareface.errors import TargetError
from bareface.targets.factory import call_factory

BROKEN = """
class Own(Exception):
    pass

def fails():
    return 1 + "a"

def missing():
    return {}["weights"]

def wants(something):
    return something
"""


@pytest.fixture(autouse=True)
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_factory.py").write_text(BROKEN)
    (tmp_path / "broken_module.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("broken_factory:fails", r"got TypeError \(unsupported operand .*\) when it was called"),
        ("broken_factory:missing", r"got KeyError \('weights'\) when it was called"),
        (
            "broken_factory:wants",
            r"got TypeError \(wants\(\) missing 1 required .*; expected a function without arguments",
        ),
        ("json:loads", r"got TypeError \(loads\(\) missing 1 required positional argument: 's'\)"),
        ("broken_module:make", "got division by zero; expected an importable factory"),
    ],
)
def test_a_factory_that_fails_is_a_sentence(reference: str, said: str) -> None:
    with pytest.raises(TargetError, match=said):
        call_factory(reference)


@pytest.mark.parametrize("words", [("audit", "--model", "{}"), ("align", "--detector", "{}")])
@pytest.mark.parametrize("reference", ["json:loads", "broken_factory:fails"])
def test_commands_end_with_a_mistake_and_no_crash(words: tuple[str, ...], reference: str, tmp_path: Path) -> None:
    (tmp_path / "in" / "ada").mkdir(parents=True)
    (tmp_path / "in" / "ada" / "1.jpg").write_bytes(b"x")
    folders = {"audit": ("--members", "in", "--nonmembers", "in", "-o", "run"), "align": ("in", "out")}[words[0]]
    asked = [word.format(reference) for word in words]
    named = [str(tmp_path / word) if word in ("in", "out", "run") else word for word in folders]
    ended = CliRunner().invoke(app, [*asked, *named])
    assert ended.exit_code == 2, ended.output
    assert "TypeError" in ended.stderr
