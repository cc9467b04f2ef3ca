"""How leakage grows, at toy size: points are kept, rows appear, nothing is trained twice."""

from pathlib import Path

import numpy as np
import pytest

from bareface.streams import stream
from bareface.training.batches import epoch_batches
from benchmarks.growth import study as growth
from benchmarks.growth.recency import correlated, positions
from benchmarks.growth.shown import tables
from benchmarks.growth.study import axes, base_of, main

WORDS = ["--people", "12", "--epochs", "2", "--size", "16", "--axis", "augmentation", "--value", "flip"]


def test_a_point_is_grown_once_and_shown_whenever(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growth, "ATTACKS", growth.ATTACKS[:2])
    main([*WORDS, "--run", str(tmp_path)])
    first = capsys.readouterr().out
    rows = [line.split(" | ") for line in first.splitlines() if line.startswith("| augmentation | flip")]
    assert [row[4:6] for row in rows[:3]] == [["dataset", "image"], ["dataset", "person"], ["person", "person"]]
    assert [row[2] for row in rows[3:]] == ["correlation", "AUC, last tenth against first"]
    assert all("-" not in row[6:] for row in rows[:3]), "both attacks answer at this size"
    assert (tmp_path / "growth.png").stat().st_size > 10_000
    assert (tmp_path / "growth.md").read_text() == first

    def nothing(*_: object, **__: object) -> None:
        raise AssertionError("trained or audited again")

    monkeypatch.setattr(growth, "train_backbone", nothing)
    monkeypatch.setattr(growth, "conduct", nothing)
    main([*WORDS, "--run", str(tmp_path)])
    assert capsys.readouterr().out == first
    main([*WORDS[:-4], "--run", str(tmp_path), "--axis", "margin", "--done"])
    shown = capsys.readouterr().out
    assert "| margin | 0.3* |" in shown, "the base is a point of every axis, and two epochs teach little"
    assert "| margin | 0.1" not in shown, "only what is there"


def test_points_differ_from_the_base_in_what_the_axis_says() -> None:
    base = base_of(growth.arguments([]))
    found = axes(base)
    assert {name for name, points in found.items() if base in points.values()} == set(list(found)[:7])
    assert found["people"]["50"].beside(base) == "people=50"
    assert found["scale"]["8"].beside(base) == "scale=8.0"
    assert base.beside(base) == "base"
    # 2 images of 100 people are 7 steps an epoch, 4 images 13: 13 x 80 is about 7 x 149.
    assert found["images"]["2"].training.epochs == 149
    assert found["images"]["32"].training.epochs == 10


def test_positions_are_those_of_the_batches_of_the_last_epoch() -> None:
    recipe = base_of(growth.arguments(["--epochs", "3"])).training
    batches = epoch_batches(70, recipe, 3)
    position = positions(70, recipe)
    assert [set(position[rows]) for rows in batches] == [{0.0}, {0.5}, {1.0}]


def test_correlation_is_of_ranks_and_its_interval_of_people() -> None:
    x, person = np.arange(40.0), np.repeat([f"p{n}" for n in range(20)], 2)
    whole = correlated(x, np.exp(x / 10), person, stream(0, "test"))
    assert whole is not None
    assert whole[0] == pytest.approx(1)
    assert whole[1].low == pytest.approx(1)
    assert correlated(x, np.ones(40), person, stream(0, "test")) is None
    noise = correlated(x, stream(1, "noise").normal(size=40), person, stream(0, "test"))
    assert noise is not None
    assert noise[1].low < noise[0] < noise[1].high
    assert noise[1].high - noise[1].low > 0.3, "40 images leave much open"


def test_tables_without_any_point_are_heads() -> None:
    assert len(tables([], ["bn-distance"]).splitlines()) == 7
