"""An artefact is used only where it fits the digest beside it."""

import hashlib
import os
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bareface.errors import RunError
from bareface.storage.artefacts import (
    Fit,
    artefact_path,
    fit_of,
    is_sound,
    read_sound,
    refuse_damaged,
    remove_artefact,
    sign,
    write_artefact,
)


def test_it_is_read_as_it_was_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "part"
    assert read_sound(path) is None
    write_artefact(path, "é")
    with artefact_path(path) as temporary:
        temporary.write_bytes(b"second")
    assert read_sound(path) == b"second"
    assert is_sound(path)
    assert not caplog.records


def test_the_digest_is_one_that_sha256sum_reads(tmp_path: Path) -> None:
    write_artefact(tmp_path / "part 1", b"x")
    assert (tmp_path / "part 1.sha256").read_text() == f"{hashlib.sha256(b'x').hexdigest()}  part 1\n"
    subprocess.run(["sha256sum", "--check", "--strict", "part 1.sha256"], cwd=tmp_path, check=True, capture_output=True)


@given(content=st.binary(min_size=1, max_size=64), where=st.integers(0, 200), bit=st.integers(0, 7))
def test_no_flipped_bit_passes(tmp_path_factory: pytest.TempPathFactory, content: bytes, where: int, bit: int) -> None:
    path = tmp_path_factory.mktemp("flips") / "part"
    write_artefact(path, content)
    beside = path.with_name("part.sha256")
    file, place = (path, where) if where < len(content) else (beside, (where - len(content)) % 71)
    changed = bytearray(file.read_bytes())
    changed[place] ^= 1 << bit
    file.write_bytes(changed)
    assert fit_of(path) is Fit.DAMAGED
    assert not is_sound(path)
    assert read_sound(path) is None
    with pytest.raises(RunError, match=r"part: got other bytes than were written; .* Try: make it again"):
        refuse_damaged(path, hint="make it again")


def test_what_is_not_used_is_said_once_for_each_look(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_artefact(tmp_path / "a", b"a")
    (tmp_path / "a").write_bytes(b"b")
    (tmp_path / "b").write_bytes(b"b")
    assert not is_sound(tmp_path / "a")
    assert read_sound(tmp_path / "b") is None
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path / 'a'} does not fit its digest; it is made again",
        f"{tmp_path / 'b'} has no digest beside it; it is made again",
    ]


def test_a_file_of_an_older_version_has_no_digest_and_may_get_one(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"old")
    assert fit_of(tmp_path / "old") is Fit.UNSIGNED
    refuse_damaged(tmp_path / "old", hint="")
    sign(tmp_path / "old")
    assert fit_of(tmp_path / "old") is Fit.SOUND
    remove_artefact(tmp_path / "old")
    assert not list(tmp_path.iterdir())


def test_a_digest_without_its_file_is_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_artefact(tmp_path / "a", b"a")
    (tmp_path / "a").unlink()  # as if killed between the two
    assert fit_of(tmp_path / "a") is Fit.ABSENT
    assert not is_sound(tmp_path / "a")
    assert not caplog.records


@pytest.mark.parametrize("umask", [0o022, 0o000])
def test_artefacts_are_for_their_owner_unless_said_otherwise(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with artefact_path(tmp_path / "private") as temporary:
            assert stat.S_IMODE(temporary.stat().st_mode) == 0o600  # from the first byte on
        write_artefact(tmp_path / "record", b"", private=False)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    open_to_all = 0o666 & ~umask
    assert modes == {
        "private": 0o600, "private.sha256": 0o600, "record": open_to_all, "record.sha256": open_to_all,
    }  # fmt: skip


def test_a_folder_that_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"got a folder that is gone; expected .*/run, as it was when the run began"):
        write_artefact(tmp_path / "run" / "part", b"")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_old_file_with_its_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_artefact(tmp_path / "a", b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RunError, match="no space left on the disk"):
        write_artefact(tmp_path / "a", b"new")
    assert read_sound(tmp_path / "a") == b"old"


def test_a_sound_file_of_something_else_is_made_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_artefact(tmp_path / folder / "part", folder, of=folder)
    assert read_sound(tmp_path / "a" / "part", of="a") == b"a"
    (tmp_path / "a").rename(tmp_path / "c")  # exchanged with their digests
    (tmp_path / "b").rename(tmp_path / "a")
    assert fit_of(tmp_path / "a" / "part", of="a") is Fit.STRAY
    assert fit_of(tmp_path / "a" / "part") is Fit.SOUND  # whoever owns it
    assert read_sound(tmp_path / "a" / "part", of="a") is None
    assert "part belongs to something else; it is made again" in caplog.text
    with pytest.raises(RunError, match="got a file of something else; expected one of this run"):
        refuse_damaged(tmp_path / "a" / "part", hint="", of="a")
    sign(tmp_path / "a" / "part")  # right bytes, and nobody says whose
    assert not is_sound(tmp_path / "a" / "part", of="a")


def test_the_owner_stands_where_sha256sum_takes_it_for_a_comment(tmp_path: Path) -> None:
    write_artefact(tmp_path / "part", b"x", of="a key")
    subprocess.run(["sha256sum", "--check", "--strict", "part.sha256"], cwd=tmp_path, check=True, capture_output=True)


def test_a_pipe_in_the_place_of_an_artefact_is_not_opened(tmp_path: Path) -> None:
    write_artefact(tmp_path / "part", b"x")
    (tmp_path / "part.sha256").unlink()
    os.mkfifo(tmp_path / "part.sha256")
    os.mkfifo(tmp_path / "pipe")
    assert fit_of(tmp_path / "part") is Fit.DAMAGED
    assert fit_of(tmp_path / "pipe") is Fit.DAMAGED
    assert read_sound(tmp_path / "pipe") is None
