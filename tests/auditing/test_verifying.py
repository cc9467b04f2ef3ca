"""A model on pairs, against InsightFace's protocol written out from its description."""

import io
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from bareface.auditing.verifying import read_paired_images, verify
from bareface.errors import ImageError, TargetError
from bareface.faces.pairs import PairList, write_pairs
from bareface.probing.backbone import BackboneProber
from bareface.probing.recorded import TableProber
from bareface.settings.spec import ImageSpec
from bareface.targets.table import EmbeddingTable
from bareface.targets.target import Target

SIDE, PEOPLE = 12, 40


def toy() -> Target:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        net = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE * SIDE, 16))
    return Target("toy", "toy", net, ImageSpec(SIDE, SIDE))


def photos() -> tuple[np.ndarray, np.ndarray]:
    """(images, SIDE, SIDE, 3) noisy photos of people, four of each, and who is on them."""
    rng = np.random.default_rng(5)
    face = rng.integers(40, 216, (PEOPLE, SIDE, SIDE, 3))
    noise = rng.normal(0, 55, (PEOPLE, 4, SIDE, SIDE, 3))
    pixels = np.clip(face[:, None] + noise, 0, 255).astype(np.uint8)
    return pixels.reshape(-1, SIDE, SIDE, 3), np.repeat(np.arange(PEOPLE), 4)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


@pytest.fixture
def pack(tmp_path: Path) -> tuple[Path, np.ndarray, np.ndarray]:
    """A `.bin` file of 200 pairs in blocks of 10 + 10, the rows of the images, and the truth."""
    pixels, person = photos()
    rng = np.random.default_rng(6)
    rows, same = [], []
    for block in range(10):
        inside = np.flatnonzero(person // 4 == block)
        for number in range(20):
            pairs = [(i, j) for i in inside for j in inside if i < j and (person[i] == person[j]) == (number < 10)]
            rows.append(pairs[rng.integers(len(pairs))])
            same.append(number < 10)
    files = [png(pixels[row]) for pair in rows for row in pair]
    (tmp_path / "toy.bin").write_bytes(pickle.dumps((files, same), protocol=2))
    return tmp_path / "toy.bin", np.array(rows), np.array(same)


def insightface(target: Target, pixels: np.ndarray, rows: np.ndarray, same: np.ndarray) -> list[float]:
    """Accuracy of each fold: embeddings of image and flip summed, squared distances, thresholds 0, .01, ..., 3.99."""
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    with torch.inference_mode():
        summed = (target.embed(images) + target.embed(images.flip(3))).double().numpy()
    unit = summed / np.linalg.norm(summed, axis=1, keepdims=True)
    distance = ((unit[rows[:, 0]] - unit[rows[:, 1]]) ** 2).sum(1)
    accuracies = []
    for held_out in np.array_split(np.arange(len(same)), 10):
        others = np.setdiff1d(np.arange(len(same)), held_out)
        grid = np.arange(0, 4, 0.01)
        right = [((distance[others] < t) == same[others]).mean() for t in grid]
        accuracies.append(((distance[held_out] < grid[int(np.argmax(right))]) == same[held_out]).mean())
    return accuracies


def test_a_pack_gives_insightfaces_numbers(pack: tuple[Path, np.ndarray, np.ndarray]) -> None:
    path, rows, same = pack
    target, paired = toy(), read_paired_images(path)
    record = verify(BackboneProber(target), paired.sized(SIDE, SIDE), paired)
    expected = insightface(target, photos()[0], rows, same)
    # Ours are exact thresholds, theirs lie on a grid: a pair of a fold of twenty may fall between.
    ours = [fold.accuracy for fold in record.result.folds]
    assert np.abs(np.subtract(ours, expected)).max() <= 0.1
    assert record.result.accuracy == pytest.approx(np.mean(expected), abs=0.02)
    assert 0.7 < record.result.accuracy < 1
    assert record.images == len(np.unique(rows))
    assert record.in_several_folds == 0


def test_without_the_mirror_image_the_numbers_are_others(pack: tuple[Path, np.ndarray, np.ndarray]) -> None:
    paired = read_paired_images(pack[0])
    both, alone = (verify(BackboneProber(toy()), paired.sized(SIDE, SIDE), paired, flip=f) for f in ("sum", "none"))
    assert both.result.auc != alone.result.auc


def listed(tmp_path: Path) -> Path:
    """The photos as files and all pairs within blocks of four people as a table."""
    pixels, person = photos()
    for row, image in enumerate(pixels):
        (tmp_path / f"{row}.png").write_bytes(png(image))
    first, second = np.triu_indices(len(person), 1)
    kept = person[first] // 4 == person[second] // 4
    first, second = first[kept].astype(np.intp), second[kept].astype(np.intp)
    names = tuple(f"{row}.png" for row in range(len(person)))
    fold = (person[first] // 4).astype(np.intp)
    write_pairs(PairList(names, first, second, person[first] == person[second], fold), tmp_path / "pairs.csv")
    return tmp_path / "pairs.csv"


def test_a_list_of_files_and_a_table_of_embeddings_agree(tmp_path: Path) -> None:
    paired, target = read_paired_images(listed(tmp_path)), toy()
    asked = verify(BackboneProber(target), paired.sized(SIDE, SIDE), paired)
    images = paired.sized(SIDE, SIDE).load(np.arange(len(paired.digest)))
    with torch.inference_mode():
        views = torch.stack([target.embed(images), target.embed(images.flip(3))], dim=1).numpy()
    rows = {digest: row for row, digest in enumerate(paired.digest.tolist())}
    table = TableProber(EmbeddingTable("written", rows, ("image", "flip"), views, "0" * 64), rows)
    assert verify(table, paired.sized(SIDE, SIDE), paired).result == asked.result
    one_view = TableProber(EmbeddingTable("written", rows, ("image",), views[:, :1], "0" * 64), rows)
    with pytest.raises(TargetError, match=r"answers without the view flip; .* Try: the other way to compare, --flip"):
        verify(one_view, paired.sized(SIDE, SIDE), paired)
    assert verify(one_view, paired.sized(SIDE, SIDE), paired, flip="none").result.auc > 0.8


def test_a_missing_image_stops_it(tmp_path: Path) -> None:
    path = listed(tmp_path)
    (tmp_path / "7.png").unlink()
    with pytest.raises(ImageError, match=r"7\.png.*[Nn]o such file"):
        read_paired_images(path)


def test_a_zero_embedding_has_no_cosine(tmp_path: Path) -> None:
    paired = read_paired_images(listed(tmp_path))
    target = toy()
    for parameter in target.module.parameters():
        nn.init.zeros_(parameter)
    with pytest.raises(TargetError, match="got 160 of 160 embeddings that are zero; expected vectors with a direction"):
        verify(BackboneProber(target), paired.sized(SIDE, SIDE), paired)
