"""The batch loop: parts, resume, both views, cache by content."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bareface.errors import RunError, TargetError
from bareface.faces.source import ArrayImages
from bareface.probing.backbone import BackboneProber, batch_size
from bareface.probing.probe import ProbePlan, load_trace, plan, probe
from bareface.probing.prober import Batch
from bareface.settings.spec import ImageSpec
from bareface.targets.target import Target
from bareface.trace import Channel, Trace


def target(seed: int = 0, centres: Tensor | None = None) -> Target:
    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2),
        nn.BatchNorm2d(4),
        nn.PReLU(4),
        nn.Flatten(),
        nn.Linear(4 * 9, 6),
        nn.BatchNorm1d(6),
    )
    return Target("tiny", "custom", net, ImageSpec(8, 8), centres=centres)


def pictures(n: int = 11) -> tuple[ArrayImages, np.ndarray]:
    pixels = torch.randint(0, 256, (n, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    return ArrayImages(pixels), np.array([f"digest-{i}" for i in range(n)])


def probed(tmp_path: Path, model: Target, *, batch_size: int = 4, part_size: int = 6) -> tuple[Trace, ProbePlan]:
    images, digests = pictures()
    prober = BackboneProber(model)
    todo = plan(prober, digests, batch_size=batch_size, part_size=part_size)
    return load_trace(probe(prober, images, todo, tmp_path)), todo


def assert_same(a: Trace, b: Trace, tolerance: float = 1e-5) -> None:
    assert a.image.tolist() == b.image.tolist()
    for channel in a.channels:
        np.testing.assert_allclose(a.channels[channel], b.channels[channel], atol=tolerance, rtol=tolerance)


def test_both_views_are_the_image_and_its_mirror_image(tmp_path: Path) -> None:
    model = target(centres=torch.eye(6)[:2])
    trace, _ = probed(tmp_path, model)
    pixels = pictures()[0].pixels
    with torch.inference_mode():
        expected = torch.stack([model.embed(pixels), model.embed(pixels.flip(-1))], dim=1).numpy()
    np.testing.assert_allclose(trace.channels[Channel.EMBEDDING], expected, atol=1e-5)
    cosine = expected / np.linalg.norm(expected, axis=-1, keepdims=True)
    np.testing.assert_allclose(trace.channels[Channel.CLASS_COSINE], cosine[..., :2].max(-1), atol=1e-5)
    assert [layer.channels for layer in trace.layers] == [4, 6]


@pytest.mark.parametrize("batch_size", [1, 3, 11, 64])
def test_the_batch_size_changes_no_more_than_the_last_bits(tmp_path: Path, batch_size: int) -> None:
    reference, _ = probed(tmp_path, target())
    other, _ = probed(tmp_path, target(), batch_size=batch_size)
    assert_same(reference, other)


def test_a_probe_that_lost_a_part_makes_only_that_part_again(tmp_path: Path) -> None:
    whole, todo = probed(tmp_path, target())
    home = tmp_path / todo.key
    kept = (home / "part-00000.parquet").stat().st_mtime_ns
    (home / "part-00001.parquet").unlink()
    (home / "trace.json").unlink()
    again, _ = probed(tmp_path, target())
    assert_same(whole, again)
    assert (home / "part-00000.parquet").stat().st_mtime_ns == kept


@pytest.mark.parametrize("name", ["part-00001.parquet", "part-00001.parquet.sha256"])
def test_a_damaged_part_is_made_again_alone_and_said(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    whole, todo = probed(tmp_path, target())
    home = tmp_path / todo.key
    kept = (home / "part-00000.parquet").stat().st_mtime_ns
    content = bytearray((home / name).read_bytes())
    content[len(content) // 2] ^= 16
    (home / name).write_bytes(content)
    with pytest.raises(RunError, match=r"got part-00001.parquet damaged; expected a finished trace"):
        load_trace(home)
    again, _ = probed(tmp_path, target())
    assert_same(whole, again)
    assert (home / "part-00000.parquet").stat().st_mtime_ns == kept
    assert caplog.text.count("part-00001.parquet does not fit its digest; it is made again") == 1


def test_a_part_without_a_digest_is_made_again_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _, todo = probed(tmp_path, target())
    (tmp_path / todo.key / "part-00000.parquet.sha256").unlink()
    probed(tmp_path, target())
    assert "part-00000.parquet has no digest beside it; it is made again" in caplog.text


@pytest.mark.parametrize("whole", [True, False], ids=["folders", "parts"])
def test_exchanged_traces_are_made_again_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, whole: bool
) -> None:
    whose = [probed(tmp_path, target(seed)) for seed in (0, 1)]
    first, second = (tmp_path / todo.key for _, todo in whose)
    names = [""] if whole else ["part-00000.parquet", "part-00000.parquet.sha256"]
    for name in names:
        (first / name).rename(tmp_path / "kept")
        (second / name).rename(first / name)
        (tmp_path / "kept").rename(second / name)
    with pytest.raises(RunError, match="of something else; expected a finished trace"):
        load_trace(first)
    for seed, (before, _) in enumerate(whose):
        assert_same(before, probed(tmp_path, target(seed))[0])
    assert "part-00000.parquet belongs to something else; it is made again" in caplog.text


def test_a_copied_trace_is_not_made_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "one").mkdir()
    before, todo = probed(tmp_path / "one" / "trace", target())
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    made = (tmp_path / "two" / "trace" / todo.key / "part-00000.parquet").stat().st_mtime_ns
    assert_same(before, probed(tmp_path / "two" / "trace", target())[0])
    assert (tmp_path / "two" / "trace" / todo.key / "part-00000.parquet").stat().st_mtime_ns == made
    assert not caplog.records


def test_what_was_answered_about_people_is_for_the_owner_alone(tmp_path: Path) -> None:
    _, todo = probed(tmp_path, target())
    assert not [path for path in (tmp_path / todo.key).iterdir() if path.stat().st_mode & 0o077]


def test_a_run_folder_that_vanished_is_not_made_anew(tmp_path: Path) -> None:
    images, digests = pictures()
    prober = BackboneProber(target())
    with pytest.raises(RunError, match="got a folder that is gone"):
        probe(prober, images, plan(prober, digests), tmp_path / "run" / "trace")
    assert not list(tmp_path.iterdir())


def test_the_key_depends_on_the_content_and_not_on_names() -> None:
    _, digests = pictures()
    same, other = BackboneProber(target()), BackboneProber(target(seed=1))
    base = plan(same, digests).key
    assert plan(BackboneProber(target()), digests).key == base
    assert plan(other, digests).key != base
    assert plan(same, digests[::-1]).key != base
    assert plan(same, digests, batch_size=8).key != base


def test_a_model_without_batchnorm_still_gives_its_embedding(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(192, 5))
    trace, _ = probed(tmp_path, Target("plain", "custom", net, ImageSpec(8, 8)))
    assert set(trace.channels) == {Channel.EMBEDDING}
    assert trace.layers == ()


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    model = target()
    model.module[0].weight.data[0] = torch.nan
    with pytest.raises(TargetError, match="tiny: got an embedding that is not finite"):
        probed(tmp_path, model)


def test_an_unfinished_trace_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"got no trace.json; expected a finished trace. Try: probe again"):
        load_trace(tmp_path)


def test_a_trace_that_lost_a_part_is_not_read(tmp_path: Path) -> None:
    _, todo = probed(tmp_path, target())
    (tmp_path / todo.key / "part-00001.parquet").unlink()
    with pytest.raises(RunError, match="got 6 images in the parts; expected 11"):
        load_trace(tmp_path / todo.key)


def test_progress_reaches_the_end(tmp_path: Path) -> None:
    images, digests = pictures()
    seen: list[tuple[int, int]] = []
    prober = BackboneProber(target())
    todo = plan(prober, digests, part_size=4)
    probe(prober, images, todo, tmp_path, lambda done, total: seen.append((done, total)))
    assert seen[-1] == (11, 11)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_channels_can_be_read_alone(tmp_path: Path) -> None:
    _, todo = probed(tmp_path, target())
    trace = load_trace(tmp_path / todo.key, [Channel.BN_DISTANCE, Channel.CLASS_COSINE])
    assert set(trace.channels) == {Channel.BN_DISTANCE}
    assert json.loads((tmp_path / todo.key / "trace.json").read_text())["images"] == 11


@pytest.mark.parametrize(
    ("height", "width", "expected"), [(112, 112, 16), (112, 96, 16), (48, 48, 64), (16, 16, 128), (448, 448, 8)]
)
def test_small_images_go_together(height: int, width: int, expected: int) -> None:
    assert batch_size(ImageSpec(height, width)) == expected
    assert batch_size(ImageSpec(height, width), torch.device("cuda")) == 16 * expected


def test_a_witness_may_be_asked_at_once() -> None:
    images, digests = pictures(3)
    with BackboneProber(target()).asked() as ask:
        assert ask(Batch(digests, images, np.arange(3)))[Channel.EMBEDDING].shape == (3, 2, 6)
