import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bareface.errors import RosterError
from bareface.faces.decode import decode
from bareface.faces.examine import Examination, Reject, examine, refuse_if_biased
from bareface.rosters.roster import Roster, join, read_folder


def face(seed: int, size: int = 24) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8))


def roster(root: Path, role_of: dict[str, str]) -> Roster:
    return Roster(
        root, tuple(role_of), np.array([name.split("/")[0] for name in role_of]), np.array(list(role_of.values()))
    )


@pytest.fixture
def mixed(tmp_path) -> Roster:
    """Five good images among one of each kind of bad file."""
    (tmp_path / "ada").mkdir()
    (tmp_path / "bo").mkdir()
    for number in range(4):
        face(number).save(tmp_path / "ada" / f"{number}.png")
    face(9).save(tmp_path / "bo" / "顔.jpg")
    (tmp_path / "ada" / "text.jpg").write_text("no image")
    (tmp_path / "ada" / "empty.png").touch()
    (tmp_path / "ada" / "cut.png").write_bytes((tmp_path / "ada" / "0.png").read_bytes()[:300])
    face(5).save(tmp_path / "bo" / "old.gif")
    Image.new("1", (5000, 4000)).save(tmp_path / "bo" / "vast.png")
    found = read_folder(tmp_path, "member")
    gone = {"bo/gone.png": "outside"}
    return roster(tmp_path, dict.fromkeys(found.image, "member") | gone)


def test_nothing_is_lost_and_every_reject_has_its_reason(mixed):
    seen = examine(mixed)
    rejected = {reject.image: reject.reason for reject in seen.rejects}
    assert rejected == {
        "ada/cut.png": "truncated",
        "ada/empty.png": "not an image",
        "ada/text.jpg": "not an image",
        "bo/old.gif": "unsupported format",
        "bo/vast.png": "too large",
        "bo/gone.png": "unreadable",
    }
    assert sorted((*seen.accepted.image, *rejected)) == sorted(mixed.image)
    assert [image for image in mixed.image if image not in rejected] == list(seen.accepted.image)
    assert seen.rejects[-1].role == "outside"
    assert seen.rejects[-1].detail == "No such file or directory"
    assert str(mixed.root) not in str(seen.rejects)


def test_columns_are_aligned_with_the_accepted_images(mixed):
    seen = examine(mixed)
    paths = seen.accepted.paths
    assert seen.digest.tolist() == [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    assert seen.blind.shape == (5, len(seen.blind_names))
    assert seen.blind.dtype == seen.thumbnail.dtype == np.float32
    green = seen.blind[:, seen.blind_names.index("green_mean")]
    assert green == pytest.approx([np.asarray(decode(path))[..., 1].mean() for path in paths], abs=1)


def test_thumbnails_are_unit_vectors_that_ignore_brightness_and_size(tmp_path):
    (tmp_path / "a").mkdir()
    smooth = face(0, 16).resize((64, 64), Image.Resampling.BICUBIC)
    smooth.save(tmp_path / "a" / "0.png")
    smooth.resize((200, 200), Image.Resampling.BICUBIC).point(lambda level: level * 0.5 + 20).save(
        tmp_path / "a" / "1.png"
    )
    face(1, 16).resize((64, 64), Image.Resampling.BICUBIC).save(tmp_path / "a" / "2.png")
    Image.new("RGB", (64, 64), "grey").save(tmp_path / "a" / "3.png")
    thumbnail = examine(read_folder(tmp_path, "member")).thumbnail
    assert thumbnail.shape == (4, 256)
    assert np.linalg.norm(thumbnail, axis=1) == pytest.approx([1, 1, 1, 0], abs=1e-5)
    assert thumbnail.mean(axis=1) == pytest.approx(np.zeros(4), abs=1e-6)
    similarity = thumbnail @ thumbnail.T
    assert similarity[0, 1] > 0.99
    assert abs(similarity[0, 2]) < 0.5


def test_progress_is_reported_row_by_row(mixed):
    seen: list[tuple[int, int]] = []
    examine(mixed, report=lambda done, total: seen.append((done, total)))
    assert seen == [(row + 1, len(mixed)) for row in range(len(mixed))]


def test_every_file_is_opened_once(mixed, monkeypatch):
    opened: list[str] = []
    plain = Path.open
    monkeypatch.setattr(Path, "open", lambda path, *args: opened.append(path.name) or plain(path, *args))
    examine(mixed)
    assert sorted(opened) == sorted(Path(image).name for image in mixed.image if image != "bo/gone.png")


def test_more_images_than_one_block_keep_their_order(tmp_path, monkeypatch):
    monkeypatch.setattr("bareface.faces.examine._BLOCK", 8)
    (tmp_path / "a").mkdir()
    for number in range(30):
        Image.new("L", (8, 8), number).save(tmp_path / "a" / f"{number:02d}.bmp")
    seen = examine(read_folder(tmp_path, "public"))
    assert seen.blind[:, seen.blind_names.index("luma_mean")].tolist() == list(range(30))


def test_a_roster_of_nothing_usable_is_still_an_examination(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "0.jpg").write_text("no")
    seen = examine(read_folder(tmp_path, "member"))
    assert (len(seen.accepted), seen.blind.shape, seen.thumbnail.shape) == (0, (0, 0), (0, 256))
    with pytest.raises(RosterError, match="1 of 1 images unusable"):
        refuse_if_biased(seen)


def examined(members: int, bad_members: int, others: int, bad_others: int) -> Examination:
    roles = ["member"] * members + ["outside"] * others
    accepted = Roster(Path("faces"), tuple(map(str, range(len(roles)))), np.array(roles), np.array(roles))
    rejects = [Reject(f"m{n}", "member", "truncated", "") for n in range(bad_members)]
    rejects += [Reject(f"o{n}", "outside", "not an image", "") for n in range(bad_others)]
    empty = np.zeros((len(roles), 0), np.float32)
    hashes, digest = np.zeros((len(roles), 32), np.uint8), np.array(list(map(str, range(len(roles)))))
    return Examination(accepted, digest, empty, (), empty, hashes, tuple(rejects))


def test_images_of_several_folders_are_called_by_their_whole_paths(tmp_path):
    parts = []
    for name in ("ours", "theirs"):
        (tmp_path / name / "a").mkdir(parents=True)
        (tmp_path / name / "a" / "0.jpg").write_text("no")
        parts.append(read_folder(tmp_path / name, "member"))
    with pytest.raises(RosterError) as caught:
        refuse_if_biased(examine(join(*parts)))
    assert str(caught.value).startswith("the folders of people: got 2 of 2 images unusable")
    assert f" {tmp_path.resolve()}/ours/a/0.jpg (" in str(caught.value)


class TestRefuseIfBiased:
    """Too many rejects, or more on one side."""

    def test_too_many(self):
        with pytest.raises(
            RosterError, match=r"faces: got 11 of 1000 images unusable \(6 truncated, 5 not an image\)"
        ) as caught:
            refuse_if_biased(examined(494, 6, 495, 5))
        assert "expected at most 1.0%" in str(caught.value)

    def test_what_is_unusable_is_named_with_what_to_try(self):
        told = (
            r"copying again \(whole packs\), or leaving out, m0 \(truncated\), m1 \(truncated\), m2 \(truncated\) and 8"
        )
        with pytest.raises(RosterError, match=told):
            refuse_if_biased(examined(494, 6, 495, 5))
        with pytest.raises(RosterError, match=r"unusable are m0 .*, m1 .*, m2 .* and 6 more"):
            refuse_if_biased(examined(991, 9, 1000, 0))

    def test_the_cap_itself_is_allowed(self):
        refuse_if_biased(examined(495, 5, 495, 5))

    def test_one_side_only(self):
        with pytest.raises(
            RosterError, match=r"9 of 1000 member images and 0 of 1000 non-member images unusable \(p = 0\.0038\)"
        ):
            refuse_if_biased(examined(991, 9, 1000, 0))

    def test_a_small_difference_is_chance(self):
        refuse_if_biased(examined(995, 5, 999, 1))

    def test_without_rejects_or_without_a_side(self):
        refuse_if_biased(examined(10, 0, 10, 0))
        refuse_if_biased(examined(999, 1, 0, 0))

    def test_cap_and_roles_are_arguments(self):
        refuse_if_biased(examined(90, 5, 90, 5), max_reject_rate=0.1)
        refuse_if_biased(examined(991, 9, 1000, 0), nonmembers=("heldout",))
