"""The call as records show it: by kind of value, never by how a value looks."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import bareface.cli.auditing
import bareface.cli.inverting
from bareface.cli.app import app

NAMES = ("config", "model", "roster", "members", "nonmembers", "heldout", "auxiliary", "public", "foreign", "reference",
         "recogniser", "run")  # fmt: skip
SPOKEN = {
    "attack": "bn-distance", "game": "person", "knowledge": "partial", "selfcheck": "report", "device": "cuda:1",
    "seed": "11",
}  # fmt: skip


def shown(monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    """What a call would be shown as; nothing runs."""
    heard: list[str] = []

    def hear(*_: object, command: str, **__: object) -> bool:
        heard.append(command)
        return False

    monkeypatch.setattr(bareface.cli.auditing, "run_audit", hear)
    monkeypatch.setattr(bareface.cli.inverting, "run_inversion", hear)
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == 0, done.output
    return heard[0]


def test_names_are_replaced_and_words_of_ours_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    words = (
        "audit",
        "--model=anna",
        "--members=berta",
        "--attack",
        "lira:k=3",
        "--fail-if-leak",
        "--seed=3",
        "-o",
        "c",
    )
    assert shown(monkeypatch, *words) == (
        "bareface audit --model <model> --members <members> --attack lira:k=3 --seed 3 --run <run> --fail-if-leak"
    )


def test_an_inversion_likewise(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("invert", "anna", "--target=berta", "--roster", "clara", "--judge", "doris=emma's family", "--skip=oracle",
             "--declare", "licence=frieda", "--generator")  # fmt: skip
    said = (
        "bareface invert <run> --generator {} --judge <judge> --target <target> --roster <roster> --declare <declare>"
    )
    assert shown(monkeypatch, *words, "rendered") == f"{said.format('rendered')} --skip oracle"
    assert shown(monkeypatch, *words, "greta") == f"{said.format('<generator>')} --skip oracle"


@settings(max_examples=40)
@given(
    given_names=st.dictionaries(st.sampled_from(NAMES), st.from_regex(r"\A[zq][zq.:=~\\ /]{1,8}\Z"), min_size=1),
    spoken=st.sets(st.sampled_from(sorted(SPOKEN))),
    glued=st.booleans(),
)
def test_nothing_that_may_be_a_name_is_shown(given_names: Mapping[str, str], spoken: set[str], glued: bool) -> None:
    words = ["audit"]
    for name, value in [*given_names.items(), *((name, SPOKEN[name]) for name in spoken)]:
        if name == "config":
            words.insert(1, value)
        else:
            words += [f"--{name}={value}"] if glued else [f"--{name}", value]
    with pytest.MonkeyPatch.context() as monkeypatch:
        said = shown(monkeypatch, *words)
    assert not [value for value in given_names.values() if value in said]
    assert all(f"<{name}>" in said for name in given_names)
    assert all(f"--{name} {SPOKEN[name]}" in said for name in spoken)
