"""Faces of raw photos in place of the photos: nothing is lost, nothing is done twice, nothing lands elsewhere."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bareface.errors import RosterError
from bareface.faces.cutting import TEMPLATE, examine_photos
from bareface.faces.decode import decode
from bareface.faces.detection.finder import FoundFace
from bareface.faces.examine import examine
from bareface.rosters.roster import Roster


class FakeFinder:
    """A face in the middle unless the photo is dark; two of them where it is bright."""

    choice = "central"

    def __init__(self, way: str = "one") -> None:
        self.asked = 0
        self.networks = type("N", (), {"sha256": way})()

    def __call__(self, photo: Image.Image) -> FoundFace | None:
        self.asked += 1
        bright = float(np.asarray(photo).mean())
        return None if bright < 50 else FoundFace(TEMPLATE.points + 20, 2 if bright > 200 else 1)


@pytest.fixture
def photos(tmp_path: Path) -> Roster:
    names = ["ada/1.jpg", "ada/2.png", "bo/1.jpg", "bo/dark.png", "bo/text.jpg"]
    for number, name in enumerate(names):
        low, high = {0: (60, 120), 1: (210, 255), 3: (0, 40)}.get(number, (60, 200))
        pixels = np.random.default_rng(number).integers(low, high, (150, 160, 3), dtype=np.uint8)
        (tmp_path / "raw" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "raw" / name)
    (tmp_path / "raw" / "bo/text.jpg").write_text("no photo")
    subject = np.array([name.split("/")[0] for name in names])
    return Roster(tmp_path / "raw", tuple(names), subject, np.array(["member"] * 2 + ["outside"] * 3))


def test_every_photo_has_a_face_or_a_reason(photos: Roster, tmp_path: Path) -> None:
    found = examine_photos(photos, FakeFinder(), tmp_path / "faces")  # type: ignore[arg-type]
    assert found.accepted.image == ("ada/1.jpg", "ada/2.png", "bo/1.jpg")
    assert found.accepted.root == tmp_path / "faces"
    assert {one.image: (one.role, one.reason) for one in found.rejects} == {
        "bo/dark.png": ("outside", "no face found"), "bo/text.jpg": ("outside", "not an image"),
    }  # fmt: skip
    assert found.several == ("ada/2.png",)
    for row, path in enumerate(found.accepted.paths):
        assert (np.asarray(decode(path)) == np.asarray(decode(photos.paths[row]))[20:132, 20:132]).all()
    again = examine(found.accepted)
    assert (again.digest == found.digest).all()
    assert (again.hashes == found.hashes).all()


def test_blind_features_know_the_photo(photos: Roster, tmp_path: Path) -> None:
    found, plain = examine_photos(photos, FakeFinder(), tmp_path / "faces"), examine(photos)  # type: ignore[arg-type]
    assert found.blind_names == plain.blind_names
    named = dict(zip(found.blind_names, found.blind[0], strict=True))
    assert named["format_jpeg"] == 1
    assert (named["width"], named["height"]) == (160, 150)
    native = [name for name in found.blind_names if name.startswith(("native", "jpeg"))]
    columns = [found.blind_names.index(name) for name in native]
    assert (found.blind[0][columns] == plain.blind[0][columns]).all()


def test_a_face_is_looked_for_once_unless_photo_or_way_change(photos: Roster, tmp_path: Path) -> None:
    first = examine_photos(photos, FakeFinder(), tmp_path / "faces")  # type: ignore[arg-type]
    finder = FakeFinder()
    second = examine_photos(photos, finder, tmp_path / "faces")  # type: ignore[arg-type]
    assert finder.asked == 1  # of the one that has no face
    assert (second.digest == first.digest).all()
    assert second.several == first.several
    (tmp_path / "faces/ada/1.jpg").write_bytes(b"damaged")
    Image.open(photos.paths[0]).rotate(180).save(photos.paths[2])
    finder = FakeFinder()
    third = examine_photos(photos, finder, tmp_path / "faces")  # type: ignore[arg-type]
    assert finder.asked == 3
    assert (third.digest[:2] == first.digest[:2]).all()
    assert third.digest[2] != first.digest[2]
    finder = FakeFinder("another")
    examine_photos(photos, finder, tmp_path / "faces")  # type: ignore[arg-type]
    assert finder.asked == 4


def test_no_face_is_written_outside_of_its_folder(photos: Roster, tmp_path: Path) -> None:
    out = Roster(photos.root, ("../elsewhere.jpg",), np.array(["ada"]), np.array(["member"]))
    with pytest.raises(RosterError, match=r"image '\.\./elsewhere\.jpg'; expected a path inside the folder of photos"):
        examine_photos(out, FakeFinder(), tmp_path / "faces")  # type: ignore[arg-type]
