"""`bareface pairs` and `bareface verify`, as a person calls them."""

import json
import os
from pathlib import Path

import pytest
from command import run

SHARED = Path(os.environ.get("BAREFACE_SHARED", Path(__file__).resolve().parents[3] / "shared"))


def test_from_a_roster_to_numbers(world: Path, tmp_path: Path) -> None:
    drawn = run("pairs", world / "people.csv", "-o", tmp_path / "p.csv", "--same", 60, "--different", 400, "--folds", 4)
    assert drawn.exit_code == 0, drawn.output
    assert "60 same-person and 400 different-people pairs of 144 images in 4 folds" in drawn.output
    told = run(
        "verify", tmp_path / "p.csv", "--model", world / "target", "--images", world, "--far", 0.1, "--far", 0.01
    )
    assert told.exit_code == 0, told.output
    assert "TAR at FAR 10 %" in told.output
    assert "TAR at FAR 1 %" in told.output
    assert "not estimable" not in told.output.split("TAR at FAR 1 %")[1].split("\n")[0]
    again = run("verify", tmp_path / "p.csv", "--model", world / "target", "--images", world, "--json")
    record = json.loads(again.stdout)
    assert record["result"]["same"] == 60
    assert [p["true_positive"] is None for p in record["result"]["tar"]] == [False, True, True]
    assert str(world) not in again.stdout


def test_too_few_pairs_for_a_rate_give_words_instead(world: Path, tmp_path: Path) -> None:
    run("pairs", world / "people.csv", "-o", tmp_path / "p.csv", "--same", 20, "--different", 40, "--folds", 2)
    told = run("verify", tmp_path / "p.csv", "--model", world / "target", "--images", world)
    assert "TAR at FAR 1 %    not estimable: 40 different-people pairs, at least 299 are needed" in told.output


def test_more_pairs_than_there_are_is_said(world: Path, tmp_path: Path) -> None:
    drawn = run("pairs", world / "people.csv", "-o", tmp_path / "p.csv", "--role", "member", "--folds", 2)
    assert "(wanted were 3,000 and 3,000; some folds have no more)" in drawn.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pairs", "{world}/people.csv", "-o", "p.csv", "--role", "friend"], "no image in the role friend"),
        (["pairs", "{world}/faces", "-o", "p.csv", "--role", "member"], "the role member of a folder or pack"),
        (["pairs", "{world}/nothing", "-o", "p.csv"], "no such file"),
        (["verify", "{world}/nothing.txt", "--model", "{world}/target"], "no such file"),
        (["verify", "{world}/people.csv", "--model", "{world}/target"], "expected a column first"),
        (["verify", "{world}/people.csv", "--model", "{world}/nothing"], "no such file"),
    ],
)
def test_mistakes_are_told(world: Path, arguments: list[str], message: str) -> None:
    result = run(*(word.format(world=world) for word in arguments))
    assert result.exit_code == 2
    assert message in result.output


@pytest.mark.shared
@pytest.mark.skipif(not (SHARED / "checkpoints").is_dir(), reason="the real faces and checkpoints are not here")
def test_a_real_backbone_on_real_faces(tmp_path: Path) -> None:
    drawn = run(
        "pairs", SHARED / "faces" / "lfw-protocol.csv", "-o", tmp_path / "p.csv", "--same", 30, "--different", 30,
        "--folds", 10,
    )  # fmt: skip
    assert drawn.exit_code == 0
    told = run(
        "verify", tmp_path / "p.csv", "--model", SHARED / "checkpoints" / "casia-068.ckpt",
        "--images", SHARED / "faces", "--json",
    )  # fmt: skip
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["result"]["auc"] >= 0.95  # 60 pairs are a glimpse; on 6,000 it is .996
