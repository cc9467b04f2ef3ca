"""Training: it learns, it can be killed, it refuses to mix runs."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bareface.errors import RunError, TargetError, UsageError
from bareface.faces.source import ArrayImages
from bareface.settings.recipe import Recipe
from bareface.settings.spec import ImageSpec
from bareface.storage.artefacts import SUFFIX
from bareface.storage.folders import LOCK, held
from bareface.targets.target import Target
from bareface.training import checkpoints
from bareface.training.train import TrainStep, train

REPOSITORY = Path(__file__).parents[2]
RECIPE = Recipe(
    spec=ImageSpec(16, 16, "GRAY"),
    embedding_size=8,
    epochs=5,
    batch_size=8,
    warmup_epochs=1,
    shift=1,
    contrast=0.2,
    seed=3,
)
LABELS = np.repeat(np.arange(4), 5)[:-3]  # 17 images: the last batch of one joins the one before


def four_people() -> ArrayImages:
    """Noisy copies of one pattern per person."""
    torch.manual_seed(0)
    patterns = torch.randint(0, 256, (4, 3, 16, 16))
    noisy = patterns[torch.from_numpy(LABELS)] + torch.randint(-30, 31, (len(LABELS), 3, 16, 16))
    return ArrayImages(noisy.clamp(0, 255).to(torch.uint8))


def run(folder: Path, recipe: Recipe = RECIPE, report: Callable[[TrainStep], None] | None = None) -> Target:
    return train(four_people(), LABELS, recipe, folder, report=report)


def stop_at(epoch: int, step: int) -> Callable[[TrainStep], None]:
    def report(progress: TrainStep) -> None:
        if (progress.epoch, progress.step) == (epoch, step):
            raise KeyboardInterrupt

    return report


def interrupted(folder: Path, epoch: int = 4, step: int = 2) -> Path:
    """A folder whose run was interrupted there."""
    with pytest.raises(KeyboardInterrupt):
        run(folder, report=stop_at(epoch, step))
    return folder


def names(folder: Path) -> list[str]:
    """What lies in a folder, less its lock and the digests of its artefacts."""
    return sorted(path.name for path in folder.iterdir() if path.name != LOCK and path.suffix != SUFFIX)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    run(folder)
    return folder


def assert_same_end(folder: Path, undisturbed: Path) -> None:
    assert names(folder) == names(undisturbed)
    for name in ("backbone.safetensors", "head.safetensors", "training.json"):
        assert (folder / name).read_bytes() == (undisturbed / name).read_bytes()


def test_it_learns_the_people(tmp_path: Path) -> None:
    easy = replace(
        RECIPE, epochs=12, embedding_size=32, learning_rate=0.05, scale=16.0, margin=0.2, shift=0, contrast=0.0
    )
    target = run(tmp_path, easy)
    with torch.inference_mode():
        embeddings = torch.nn.functional.normalize(target.embed(four_people().pixels))
    assert target.centres is not None
    assert ((embeddings @ target.centres.T).argmax(1).numpy() == LABELS).all()
    history = json.loads((tmp_path / "training.json").read_text())["history"]
    assert [record["epoch"] for record in history] == list(range(1, 13))
    assert history[-1]["loss"] < history[0]["loss"] / 2
    assert history[-1]["accuracy"] == 1


def test_a_finished_folder_holds_the_backbone_and_its_head_apart(undisturbed: Path) -> None:
    assert names(undisturbed) == [
        "backbone.json",
        "backbone.safetensors",
        "head.safetensors",
        "training.json",
    ]
    target = run(undisturbed)
    assert target.module.training is False
    assert not any("head" in name or "momentum" in name for name in target.module.state_dict())


def test_a_finished_folder_is_returned_without_a_step(undisturbed: Path) -> None:
    seen: list[TrainStep] = []
    assert run(undisturbed, report=seen.append).sha256 == run(undisturbed).sha256
    assert seen == []


def test_every_step_is_reported_and_every_image_used(tmp_path: Path) -> None:
    steps: list[TrainStep] = []
    run(tmp_path, replace(RECIPE, epochs=3), steps.append)
    assert [(s.epoch, s.step, s.steps, s.images) for s in steps] == [
        (epoch, step, 2, images) for epoch in (1, 2, 3) for step, images in ((1, 8), (2, 9))
    ]
    assert all(s.images_per_second > 0 and 0 <= s.hits <= s.images for s in steps)
    # One epoch of linear warm-up to 0.1, then half a cosine over the other four steps.
    half_cosine = [0.1 * (1 + np.cos(np.pi * k / 4)) / 2 for k in range(4)]
    assert [s.learning_rate for s in steps] == pytest.approx([0.05, 0.1, *half_cosine])


def draw_from_torch(step: TrainStep) -> None:
    torch.rand(step.step)


def test_the_global_torch_generator_has_no_say(tmp_path: Path, undisturbed: Path) -> None:
    torch.manual_seed(99)
    run(tmp_path, report=draw_from_torch)
    assert_same_end(tmp_path, undisturbed)


def test_another_seed_is_another_backbone(tmp_path: Path, undisturbed: Path) -> None:
    assert run(tmp_path, replace(RECIPE, seed=4)).sha256 != run(undisturbed).sha256


def test_an_interrupted_run_ends_where_an_undisturbed_one_does(tmp_path: Path, undisturbed: Path) -> None:
    interrupted(tmp_path)
    assert names(tmp_path) == [f"checkpoint-000{k}.{kind}" for k in (2, 3) for kind in ("json", "safetensors")]
    seen: list[TrainStep] = []
    run(tmp_path, report=seen.append)
    assert seen[0].epoch == 4
    assert_same_end(tmp_path, undisturbed)


KILLED = """
import sys
sys.path[:0] = [{repository!r}, {tests!r}]
import time, torch
torch.set_num_threads({threads})
from pathlib import Path
from test_train import run

def told(step):
    print(step.epoch, step.step, flush=True)
    if (step.epoch, step.step) == (3, 1):
        time.sleep(10**6)  # until it is killed

run(Path({folder!r}), report=told)
"""


def test_a_killed_process_resumes_byte_for_byte(tmp_path: Path, undisturbed: Path) -> None:
    script = KILLED.format(
        repository=str(REPOSITORY),
        tests=str(Path(__file__).parent),
        folder=str(tmp_path),
        threads=torch.get_num_threads(),
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "3 1\n" in process.stdout, "it should have come to epoch 3"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "training.json").exists()
    (tmp_path / ".checkpoint-0009.json.abc.tmp").write_text("left by a killed writer")
    run(tmp_path)
    assert_same_end(tmp_path, undisturbed)


@pytest.mark.parametrize("damage", ["checkpoint-0003.safetensors", "checkpoint-0003.json"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path: Path, undisturbed: Path, damage: str) -> None:
    interrupted(tmp_path)
    whole = (tmp_path / damage).read_bytes()
    (tmp_path / damage).write_bytes(whole[: len(whole) // 2])
    seen: list[TrainStep] = []
    run(tmp_path, report=seen.append)
    assert seen[0].epoch == 3
    assert_same_end(tmp_path, undisturbed)


def test_weights_that_lost_their_record_are_ignored(tmp_path: Path, undisturbed: Path) -> None:
    interrupted(tmp_path)
    (tmp_path / "checkpoint-0003.json").unlink()
    (tmp_path / "checkpoint-0003.safetensors").write_bytes(b"a process killed between the two files")
    run(tmp_path)
    assert_same_end(tmp_path, undisturbed)


def test_with_no_sound_checkpoint_it_begins_again(tmp_path: Path, undisturbed: Path) -> None:
    interrupted(tmp_path)
    for path in tmp_path.glob("*.safetensors"):
        path.write_bytes(b"")
    run(tmp_path)
    assert_same_end(tmp_path, undisturbed)


def test_stopped_between_the_backbone_and_its_record(
    tmp_path: Path, undisturbed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(path: Path) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(checkpoints, "sha256_of", stop)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path)
    assert "backbone.safetensors" in names(tmp_path)
    assert "training.json" not in names(tmp_path)
    seen: list[TrainStep] = []
    run(tmp_path, report=seen.append)
    assert seen == []
    assert_same_end(tmp_path, undisturbed)


def test_a_finished_folder_loses_checkpoints_that_a_kill_left_behind(tmp_path: Path, undisturbed: Path) -> None:
    shutil.copytree(undisturbed, tmp_path, dirs_exist_ok=True)
    (tmp_path / "checkpoint-0005.safetensors").write_bytes(b"the head lies here")
    run(tmp_path)
    assert_same_end(tmp_path, undisturbed)


def test_momentum_may_be_off(tmp_path: Path) -> None:
    recipe = replace(RECIPE, momentum=0.0)
    run(tmp_path / "whole", recipe)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "stopped", recipe, stop_at(4, 1))
    run(tmp_path / "stopped", recipe)
    assert_same_end(tmp_path / "stopped", tmp_path / "whole")


@pytest.mark.parametrize("finished", [True, False])
def test_another_recipe_is_refused_by_the_field_that_differs(tmp_path: Path, undisturbed: Path, finished: bool) -> None:
    folder = undisturbed if finished else interrupted(tmp_path)
    before = names(folder)
    with pytest.raises(RunError) as raised:
        run(folder, replace(RECIPE, learning_rate=0.05, seed=9))
    assert str(raised.value) == (
        f"{folder}: got a run with learning_rate = 0.1; expected learning_rate = 0.05. "
        "Try: another folder; this one goes on only with the recipe and the images it began with."
    )
    assert names(folder) == before


def other_labels() -> tuple[ArrayImages, NDArray[np.int64], str]:
    return four_people(), LABELS[::-1].copy(), ""


def other_pixels() -> tuple[ArrayImages, NDArray[np.int64], str]:
    return ArrayImages(four_people().pixels.flip(3)), LABELS, ""


def other_ids() -> tuple[ArrayImages, NDArray[np.int64], str]:
    return four_people(), LABELS, "another roster"


@pytest.mark.parametrize("other", [other_labels, other_pixels, other_ids])
def test_other_images_or_labels_are_refused(
    undisturbed: Path, other: Callable[[], tuple[ArrayImages, NDArray[np.int64], str]]
) -> None:
    images, labels, ids = other()
    with pytest.raises(RunError, match="got a run with images and labels = "):
        train(images, labels, RECIPE, undisturbed, image_ids=ids)


@pytest.mark.parametrize(
    "name", ["backbone.safetensors", "backbone.json", "head.safetensors", "training.json", "training.json.sha256"]
)
def test_a_finished_folder_with_other_bytes_is_made_again_and_said(
    tmp_path: Path, undisturbed: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(undisturbed, tmp_path, dirs_exist_ok=True)
    flipped = flip(tmp_path / name)
    assert run(tmp_path).sha256 == run(undisturbed).sha256
    assert f"{name.removesuffix(SUFFIX)} does not fit its digest; it is made again" in caplog.text
    for path in undisturbed.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()
    if name.startswith("backbone.safe"):  # somebody may have put these weights there
        assert (tmp_path / f"{name}.unfit").read_bytes() == flipped


def flip(path: Path) -> bytes:
    """Flip a bit in the middle of a file; returns its bytes now."""
    changed = bytearray(path.read_bytes())
    changed[len(changed) // 2] ^= 4
    path.write_bytes(changed)
    return bytes(changed)


def test_a_head_that_was_taken_away_stays_away(tmp_path: Path, undisturbed: Path) -> None:
    shutil.copytree(undisturbed, tmp_path, dirs_exist_ok=True)
    (tmp_path / "head.safetensors").unlink()
    seen: list[TrainStep] = []
    assert run(tmp_path, report=seen.append).centres is None
    assert seen == []


def test_a_record_of_an_older_version_without_a_digest_is_believed(tmp_path: Path, undisturbed: Path) -> None:
    shutil.copytree(undisturbed, tmp_path, dirs_exist_ok=True)
    (tmp_path / f"training.json{SUFFIX}").unlink()
    seen: list[TrainStep] = []
    run(tmp_path, report=seen.append)
    assert seen == []


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    with held(tmp_path), pytest.raises(RunError, match="got a folder that another process is using"):
        run(tmp_path)


def test_a_folder_that_vanishes_ends_the_training(tmp_path: Path) -> None:
    folder = tmp_path / "run"

    def remove(step: TrainStep) -> None:
        if step.epoch == 2 and folder.exists():
            shutil.rmtree(folder)

    with pytest.raises(RunError, match="got a folder that is gone"):
        run(folder, report=remove)
    assert not folder.exists()


def test_what_shows_people_is_for_its_owner_alone(tmp_path: Path, undisturbed: Path) -> None:
    interrupted(tmp_path)
    faces = [undisturbed / "head.safetensors", *tmp_path.glob("checkpoint-*.safetensors")]
    assert len(faces) == 3
    assert not [path for path in faces if path.stat().st_mode & 0o077]


def test_a_backbone_of_unknown_origin_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "backbone.safetensors").write_bytes(b"somebody's work")
    with pytest.raises(RunError, match="got a backbone without a record of its training"):
        run(tmp_path)
    assert (tmp_path / "backbone.safetensors").read_bytes() == b"somebody's work"


def test_a_folder_that_cannot_be_written_is_found_out_before_the_first_step(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    seen: list[TrainStep] = []
    with pytest.raises(RunError, match="expected a folder that can be written"):
        run(tmp_path / "file" / "run", report=seen.append)
    assert seen == []


def test_interrupted_twice_after_all_checkpoints_were_damaged(tmp_path: Path, undisturbed: Path) -> None:
    interrupted(tmp_path)
    for path in tmp_path.glob("*.json"):
        path.write_bytes(b"")
    interrupted(tmp_path, epoch=2)
    seen: list[TrainStep] = []
    run(tmp_path, report=seen.append)
    assert seen[0].epoch == 2
    assert_same_end(tmp_path, undisturbed)


def test_a_loss_that_is_no_longer_finite_says_when(tmp_path: Path) -> None:
    with pytest.raises(TargetError) as raised:
        run(tmp_path, replace(RECIPE, learning_rate=100.0, weight_decay=1.0, epochs=20))
    message = str(raised.value)
    assert message.startswith("training: got a loss of nan in epoch ")
    assert message.endswith("expected a finite loss. Try: a lower learning rate.")
    assert "at learning rate " in message


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (LABELS[:-1], "labels: got shape (16,); expected (17,): one for each image."),
        (np.zeros(17, np.int64), "labels: got 1 different numbers, 0 to 0; expected at least two people"),
        (LABELS + 1, "labels: got 4 different numbers, 1 to 4; expected at least two people, numbered 0, 1, 2"),
    ],
)
def test_labels_that_do_not_fit(tmp_path: Path, labels: NDArray[np.int64], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        train(four_people(), labels, RECIPE, tmp_path)
    assert str(raised.value).startswith(message)


def test_no_images_at_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="labels: got 0 different numbers; expected at least two people"):
        train(
            ArrayImages(torch.zeros((0, 3, 16, 16), dtype=torch.uint8)),
            np.zeros(0, np.int64),
            RECIPE,
            tmp_path,
        )


def test_images_of_another_size(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="images: got 16x16 pixels; expected 32x16, the input of the recipe"):
        run(tmp_path, replace(RECIPE, spec=ImageSpec(32, 16, "GRAY")))
