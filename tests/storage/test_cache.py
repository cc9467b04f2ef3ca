"""Artefacts that several runs share."""

import os
from pathlib import Path

import pytest

from bareface.storage.artefacts import Fit, fit_of, write_artefact
from bareface.storage.cache import Cache


def made(folder: Path, content: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_artefact(folder / "part", content, of="key")
    return folder


@pytest.fixture(params=["links", "copies"])
def cache(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    def refuse(*_: object) -> None:
        raise OSError("no such links here")

    if request.param == "copies":
        monkeypatch.setattr(os, "link", refuse)
    return Cache(tmp_path / "cache")


def test_what_one_run_made_another_has(cache: Cache, tmp_path: Path) -> None:
    cache.keep("trace", "key", made(tmp_path / "one", "answers"))
    cache.lend("trace", "key", tmp_path / "other")
    assert (tmp_path / "other" / "part").read_text() == "answers"
    assert fit_of(tmp_path / "other" / "part", of="key") is Fit.SOUND
    assert (tmp_path / "other" / "part").stat().st_mode & 0o777 == 0o600


def test_what_lies_in_a_run_is_not_exchanged(cache: Cache, tmp_path: Path) -> None:
    cache.keep("trace", "key", made(tmp_path / "one", "answers"))
    cache.lend("trace", "key", made(tmp_path / "other", "own answers"))
    assert (tmp_path / "other" / "part").read_text() == "own answers"


def test_a_damaged_entry_is_exchanged_for_a_sound_one(cache: Cache, tmp_path: Path) -> None:
    home = made(tmp_path / "one", "answers")
    cache.keep("trace", "key", home)
    (kept,) = (tmp_path / "cache").glob("trace/key/part")
    kept.unlink()
    kept.write_text("other words")
    cache.keep("trace", "key", home)
    assert kept.read_text() == "answers"
    assert fit_of(kept, of="key") is Fit.SOUND


def test_locks_and_half_written_files_stay_where_they_are(cache: Cache, tmp_path: Path) -> None:
    home = made(tmp_path / "one", "answers")
    for name in (".lock", ".part.abc.tmp", "backbone.safetensors.unfit"):
        (home / name).write_text("")
    cache.keep("trained", "key", home)
    assert sorted(path.name for path in (tmp_path / "cache" / "trained" / "key").iterdir()) == ["part", "part.sha256"]


def test_a_cache_that_cannot_be_written_is_said_and_no_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    Cache(tmp_path / "file").keep("trace", "key", made(tmp_path / "one", "answers"))
    assert "cannot be kept for other runs" in caplog.text


def test_without_a_cache_nothing_is_lent_or_kept(tmp_path: Path) -> None:
    Cache().keep("trace", "key", made(tmp_path / "one", "answers"))
    Cache().lend("trace", "key", tmp_path / "other")
    assert not (tmp_path / "other").exists()
