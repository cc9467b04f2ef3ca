"""Code of a user's own: whatever goes wrong in it ends in a sentence."""

from pathlib import Path

import pytest
from PIL import Image
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

def own():
    raise Own("mine")

def later():
    def detect(image):
        raise Own("later")
    return detect

def odd():
    return lambda image: "five"

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
        ("broken_factory:own", r"got Own \(mine\) when it was called"),
        ("json:loads", r"got TypeError \(loads\(\) missing 1 required positional argument: 's'\)"),
        ("broken_module:make", r"got ZeroDivisionError \(division by zero\); expected an importable factory"),
    ],
)
def test_a_factory_that_fails_is_a_sentence(reference: str, said: str) -> None:
    with pytest.raises(TargetError, match=said):
        call_factory(reference)


@pytest.mark.parametrize("words", [("audit", "--model", "{}"), ("align", "--detector", "{}")])
@pytest.mark.parametrize("reference", ["json:loads", "broken_factory:fails"])
def test_commands_end_with_a_mistake_and_no_crash(words: tuple[str, ...], reference: str, tmp_path: Path) -> None:
    for person in ("in/ada", "others/eve"):
        (tmp_path / person).mkdir(parents=True)
        Image.new("RGB", (20, 20)).save(tmp_path / person / "1.png")
    folders = {"audit": ("--members", "in", "--nonmembers", "others", "-o", "run"), "align": ("in", "out")}[words[0]]
    asked = [word.format(reference) for word in words]
    named = [str(tmp_path / word) if word in ("in", "others", "out", "run") else word for word in folders]
    ended = CliRunner().invoke(app, [*asked, *named])
    assert ended.exit_code == 2, ended.output
    assert "TypeError" in ended.stderr


@pytest.mark.parametrize(("name", "said"), [("later", r"Own (later)"), ("odd", "a str; expected five landmarks")])
def test_a_detector_that_fails_is_a_sentence(name: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    Image.new("RGB", (20, 20)).save(tmp_path / "in" / "1.png")
    words = ["align", str(tmp_path / "in"), str(tmp_path / "out"), "--detector", f"broken_factory:{name}"]
    ended = CliRunner().invoke(app, words)
    assert ended.exit_code == 2, ended.output
    assert said in ended.output
