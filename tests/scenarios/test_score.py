"""Everybody scored by a finished audit, through the command line: who stands out, how often, and going on."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command import run
from embedded import people_with_longer_members
from typer.testing import Result

from bareface.auditing import scoring

MEMBERS, STRANGERS, UNKNOWN, PHOTOS = 30, 110, 6, 4
EVERYBODY = MEMBERS + STRANGERS + UNKNOWN


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Members whose embeddings are longer, strangers, and three of each kind whom no audit knows."""
    folder = tmp_path_factory.mktemp("score")
    people_with_longer_members(folder, MEMBERS, STRANGERS, UNKNOWN, PHOTOS)
    for name in ("leaky", "quiet"):
        audited = run(
            "audit", "--model", folder / f"{name}.npy", "--roster", folder / "people.csv", "--attack", "embedding-norm",
            "--game", "dataset", "--selfcheck", "skip", "--assignment", "randomised",
            "--foreign", folder / "foreign.npy", "-o", folder / f"run-{name}",
        )  # fmt: skip
        assert audited.exit_code == 0, audited.output
    return folder


def score(home: Path, out: Path, *more: str | Path, model: str = "leaky", images: Path | None = None) -> Result:
    return run("score", home / f"run-{model}", "--images", images or home / "faces", "--out", out, *more)


def table(out: Path, kind: str) -> pa.Table:
    return pa.concat_tables([pq.read_table(path) for path in sorted(out.glob(f"{kind}-*.parquet"))])


@pytest.fixture(scope="module")
def scored(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("scored") / "scores"
    ended = score(home, out)
    assert ended.exit_code == 0, ended.output
    assert "Person by person: embedding-norm in the dataset game with partial knowledge" in ended.stdout
    return out


def test_trained_people_whom_no_audit_knew_stand_out(scored: Path) -> None:
    people = {row["person"]: row for row in table(scored, "people").to_pylist()}
    assert len(people) == EVERYBODY
    unknown = [people[f"p{number:05d}"] for number in range(MEMBERS + STRANGERS, EVERYBODY)]
    assert not any(row["in_audit"] for row in unknown)
    strangers, trained = unknown[: UNKNOWN // 2], unknown[UNKNOWN // 2 :]
    assert max(row["fpr"] for row in trained) <= 0.02 < min(row["fpr"] for row in strangers)
    assert {row["photos"] for row in people.values()} == {row["used"] for row in people.values()} == {PHOTOS}


def test_a_person_gets_the_p_value_that_a_query_gives(home: Path, scored: Path) -> None:
    people = {row["person"]: row["fpr"] for row in table(scored, "people").to_pylist()}
    for number in (0, MEMBERS + 3, MEMBERS + STRANGERS, EVERYBODY - 1):
        name = f"p{number:05d}"
        asked = run("query", home / "run-leaky", "--photos", home / "faces" / name, "--json", "--fpr", "0.1")
        assert people[name] == pytest.approx(json.loads(asked.stdout)["p_value"])


def test_rates_of_strangers_are_those_of_chance(scored: Path) -> None:
    """Strangers of the audit are judged without themselves: their rates are spread evenly over 0..1."""
    rows = table(scored, "images").to_pylist()
    rates = np.array([row["fpr"] for row in rows if MEMBERS <= int(row["person"][1:]) < MEMBERS + STRANGERS])
    assert all(row["in_audit"] == (int(row["person"][1:]) < MEMBERS + STRANGERS) for row in rows)
    assert abs(rates.mean() - 0.5) < 0.05
    assert abs((rates <= 0.1).mean() - 0.1) < 0.04


def test_everybody_is_ranked_and_counted(scored: Path) -> None:
    ranking = pq.read_table(scored / "ranking.parquet")
    assert ranking["rank"].to_pylist() == list(range(1, EVERYBODY + 1))
    fpr = ranking["fpr"].to_numpy()
    assert (np.diff(fpr) >= 0).all()
    record = json.loads((scored / "scoring.json").read_text())
    at = {one["fpr"]: one for one in record["by_person"]["standing_out"]}
    assert at[0.1]["count"] == int((fpr <= 0.1).sum())
    assert at[0.01]["reachable"]
    assert not at[0.001]["reachable"]
    assert (record["images"], record["people"], record["rejected"]) == (EVERYBODY * PHOTOS, EVERYBODY, 0)


def test_scores_are_for_their_owner_alone(scored: Path) -> None:
    named = [path for path in scored.iterdir() if path.suffix == ".parquet"]
    assert named
    assert {path.stat().st_mode & 0o777 for path in named} == {0o600}


def test_it_goes_on_where_it_was_and_mends_what_is_damaged(
    home: Path, scored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(scoring, "SHARD", 100)
    out = tmp_path / "scores"
    assert score(home, out).exit_code == 0
    parts = sorted(out.glob("people-*.parquet"))
    assert len(parts) == 6
    whole = {path: path.read_bytes() for path in out.glob("*.parquet")}
    content = bytearray(parts[1].read_bytes())
    content[len(content) // 2] ^= 1
    parts[1].write_bytes(content)
    parts[2].unlink()
    dates = {path: path.stat().st_mtime_ns for path in out.glob("images-*.parquet")}
    assert score(home, out).exit_code == 0
    assert "people-00001.parquet does not fit its digest; it is made again" in caplog.text
    assert {path: path.read_bytes() for path in out.glob("*.parquet")} == whole
    made_again = [path.name for path, date in dates.items() if path.stat().st_mtime_ns != date]
    assert sorted(made_again) == ["images-00001.parquet", "images-00002.parquet"]
    assert table(out, "people").equals(table(scored, "people")), "shards change no number"


def test_a_shorter_list_leaves_no_parts_of_a_longer_one(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "SHARD", 100)
    out = tmp_path / "scores"
    assert score(home, out).exit_code == 0
    monkeypatch.setattr(scoring, "SHARD", 300)
    assert score(home, out, images=home / "people.csv").exit_code == 0
    assert len(table(out, "people")) == MEMBERS + STRANGERS
    assert not list(out.glob("*-00002.parquet*"))


def test_what_cannot_be_used_is_listed_and_copies_count_once(home: Path, tmp_path: Path) -> None:
    person = shutil.copytree(home / "faces" / "p00000", tmp_path / "photos" / "somebody")
    (person / "copy.png").write_bytes((person / "000.png").read_bytes())
    (person / "broken.png").write_bytes(b"\x89PNG no picture")
    ended = score(home, tmp_path / "scores", images=tmp_path / "photos")
    assert ended.exit_code == 0, ended.output
    (reject,) = table(tmp_path / "scores", "rejects").to_pylist()
    assert (reject["image"], reject["person"]) == ("somebody/broken.png", "somebody")
    (row,) = table(tmp_path / "scores", "people").to_pylist()
    assert (row["photos"], row["used"]) == (PHOTOS + 1, PHOTOS)
    assert "1 of which cannot be used" in ended.stdout


def test_without_a_leak_there_are_no_scores(home: Path, tmp_path: Path) -> None:
    ended = score(home, tmp_path / "scores", model="quiet")
    assert ended.exit_code == 3
    assert "No scores: the audit shows no leak" in ended.stdout
    assert not (tmp_path / "scores").exists()


def test_a_game_that_does_not_exist_is_said(home: Path, tmp_path: Path) -> None:
    ended = score(home, tmp_path / "scores", "--game", "chess")
    assert ended.exit_code == 2
    assert "UsageError --game: got chess; expected record or person or dataset" in ended.stderr
