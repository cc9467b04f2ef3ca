"""Five-point alignment against least squares, a slow sampler and torch's, and as a command."""

import csv
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from command import run
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image
from torch.nn.functional import grid_sample

from bareface.errors import RosterError, UsageError
from bareface.faces.align import Similarity, align, similarity, warp
from bareface.faces.aligning import align_folder, photos_in, read_landmarks
from bareface.faces.template import TEMPLATES

ARCFACE = TEMPLATES["112x112"]


def turned(points: np.ndarray, degrees: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    angle = np.radians(degrees)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return scale * points @ rotation.T + shift


class TestSimilarity:
    """The closed form."""

    @given(seed=st.integers(0, 10_000), n=st.integers(2, 8), spread=st.sampled_from([1e-2, 1.0, 1e3]))
    def test_it_is_the_least_squares_solution(self, seed: int, n: int, spread: float) -> None:
        rng = np.random.default_rng(seed)
        source, target = rng.normal(0, spread, (n, 2)) + 50, rng.normal(0, 30, (n, 2))
        # x' = a x - b y + c, y' = b x + a y + d: four unknowns, 2n equations.
        ones, zeros = np.ones(n), np.zeros(n)
        x, y = source.T
        system = np.concatenate([np.stack([x, -y, ones, zeros], 1), np.stack([y, x, zeros, ones], 1)])
        a, b, c, d = np.linalg.lstsq(system, target.T.ravel(), rcond=None)[0]
        expected = np.array([[a, -b, c], [b, a, d]])
        found = similarity(source, target).matrix
        assert np.allclose(found, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())

    @given(degrees=st.floats(-180, 180), scale=st.floats(0.05, 20), x=st.floats(-500, 500), y=st.floats(-500, 500))
    def test_a_similarity_is_found_again(self, degrees: float, scale: float, x: float, y: float) -> None:
        found = similarity(turned(ARCFACE.points, degrees, scale, (x, y)), ARCFACE.points)
        assert found.scale == pytest.approx(1 / scale)
        assert np.allclose(found(turned(ARCFACE.points, degrees, scale, (x, y))), ARCFACE.points)
        assert np.allclose(found.inverse(found([[3.0, 4.0]])), [[3.0, 4.0]])

    @pytest.mark.parametrize(
        ("source", "target", "message"),
        [
            ([[1, 2]], [[1, 2]], "got 1 and 1 points; expected equally many, two or more"),
            ([[1, 2], [3, 4]], [[1, 2]], "got 2 and 1 points"),
            ([[1, 2], [1, 2]], [[1, 2], [3, 4]], "points that are all the same; expected points apart"),
            ([[1, 2, 3], [1, 2, 3]], [[1, 2], [3, 4]], r"an array of shape \(2, 3\); expected points \(n, 2\)"),
            ([[1, np.nan], [1, 2]], [[1, 2], [3, 4]], "coordinates that are no numbers"),
        ],
    )
    def test_what_is_no_pair_of_patterns_is_refused(self, source: object, target: object, message: str) -> None:
        with pytest.raises(UsageError, match=message):
            similarity(source, target)  # type: ignore[arg-type]


def slow_warp(image: np.ndarray, back: Similarity, height: int, width: int) -> np.ndarray:
    """Pixel by pixel; outside is black."""
    out = np.zeros((height, width, image.shape[2]))
    for row in range(height):
        for column in range(width):
            ((x, y),) = back([[column, row]])
            for v in (int(np.floor(y)), int(np.floor(y)) + 1):
                for u in (int(np.floor(x)), int(np.floor(x)) + 1):
                    if 0 <= v < image.shape[0] and 0 <= u < image.shape[1]:
                        out[row, column] += (1 - abs(x - u)) * (1 - abs(y - v)) * image[v, u]
    return out


class TestWarp:
    """Sampling."""

    @settings(max_examples=30)
    @given(seed=st.integers(0, 10_000), degrees=st.floats(-180, 180), scale=st.floats(0.3, 3))
    def test_it_agrees_with_a_slow_sampler_and_with_torch(self, seed: int, degrees: float, scale: float) -> None:
        rng = np.random.default_rng(seed)
        image = rng.integers(0, 256, (9, 13, 3), dtype=np.uint8)
        corners = np.array([[0.0, 0.0], [5.0, 0.0]])
        back = similarity(corners, turned(corners, degrees, scale, tuple(rng.uniform(-3, 9, 2))))
        found = warp(image, back, 7, 6)
        assert found.shape == (7, 6, 3)
        assert np.abs(found - slow_warp(image, back, 7, 6)).max() <= 0.5 + 1e-9
        rows, columns = np.indices((7, 6))
        x, y = back(np.stack([columns.ravel(), rows.ravel()], 1)).T.reshape(2, 7, 6)
        grid = torch.from_numpy(np.stack([2 * x / 12 - 1, 2 * y / 8 - 1], -1)[None])
        pixels = torch.from_numpy(image).double().permute(2, 0, 1)[None]
        other = grid_sample(pixels, grid, mode="bilinear", padding_mode="zeros", align_corners=True)
        assert np.abs(found - other[0].permute(1, 2, 0).numpy()).max() <= 0.5 + 1e-6

    def test_an_aligned_face_keeps_its_pixels(self) -> None:
        image = np.random.default_rng(0).integers(0, 256, (112, 112, 3), dtype=np.uint8)
        assert (align(image, ARCFACE.points, ARCFACE) == image).all()
        narrow = align(image, ARCFACE.points, TEMPLATES["112x96"])
        assert (narrow == image[:, 8:104]).all()

    def test_what_is_outside_is_black(self) -> None:
        white = np.full((20, 20, 3), 255, dtype=np.uint8)
        face = align(white, ARCFACE.points, ARCFACE)
        assert face[:20, :20].min() == 255
        assert face[20:].max() == face[:, 20:].max() == 0


@given(degrees=st.floats(-180, 180), scale=st.floats(0.5, 3), yaw=st.floats(-60, 60))
def test_turned_heads_are_aligned(degrees: float, scale: float, yaw: float) -> None:
    assume(abs(yaw) < 60)
    depth = np.array([10.0, 10.0, 32.0, 14.0, 14.0])
    centred = ARCFACE.points - ARCFACE.points.mean(0)
    seen = np.stack([np.cos(np.radians(yaw)) * centred[:, 0] + np.sin(np.radians(yaw)) * depth, centred[:, 1]], 1)
    image = np.zeros((8, 8, 3), dtype=np.uint8)
    assert align(image, turned(seen, degrees, scale, (90, 80)), ARCFACE).shape == (112, 112, 3)


@pytest.mark.parametrize(
    ("landmarks", "message"),
    [
        (ARCFACE.points[[1, 0, 2, 4, 3]], "got a mirrored face; expected left and right as in the picture"),
        (ARCFACE.points[:, ::-1], "got a mirrored face"),
        (ARCFACE.points[[0, 2, 1, 3, 4]], r"points that miss the template by 1\d\.\d pixels"),
        (ARCFACE.points * 1e-4, "pixels at scale 1e"),
        (ARCFACE.points[:4], r"an array of shape \(4, 2\); expected five points x, y in pixels"),
        (ARCFACE.points + 1e9, "a landmark that is in no picture"),
        (ARCFACE.points * np.nan, "a landmark that is in no picture"),
        (np.zeros((5, 2)), "got a mirrored face"),
    ],
)
def test_points_that_are_no_face_are_refused(landmarks: np.ndarray, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        align(np.zeros((8, 8, 3), dtype=np.uint8), landmarks, ARCFACE)


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Three photos with five dots where the landmarks are, a broken one, and the table."""
    rows = [["image", *(f"{axis}{n}" for n in range(5) for axis in "xy")]]
    for number, degrees in enumerate((0, 25, -40)):
        points = turned(ARCFACE.points - 56, degrees, 2.5, (200, 220))
        picture = np.zeros((440, 400, 3), dtype=np.uint8)
        for (x, y), colour in zip(points, np.eye(5, 3, dtype=np.uint8) * 200 + 55, strict=True):
            picture[int(y) - 9 : int(y) + 10, int(x) - 9 : int(x) + 10] = colour
        name = f"photos/ada/{number}.jpg" if number else f"photos/bo/{number}.png"
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(tmp_path / name, quality=95)
        rows.append([name.removeprefix("photos/"), *(f"{value:.3f}" for value in points.ravel())])
    (tmp_path / "photos/bo/broken.png").write_bytes(b"no picture")
    rows.append(["bo/broken.png", *rows[1][1:]])
    with (tmp_path / "points.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return tmp_path


def dots_are_at_the_template(path: Path) -> bool:
    face = np.asarray(Image.open(path)).astype(int)
    colours = np.eye(5, 3, dtype=int) * 200 + 55
    at = [face[round(y), round(x)] for x, y in ARCFACE.points]
    return face.shape == (112, 112, 3) and bool(np.abs(np.subtract(at, colours)).max() < 30)


def test_a_folder_is_aligned_and_nothing_is_lost(album: Path) -> None:
    result = run("align", album / "photos", album / "faces", "--landmarks", album / "points.csv")
    assert result.exit_code == 0, result.output
    assert "3 faces of 112x112 pixels" in result.output
    assert "1 photos were not aligned" in result.output
    assert all(map(dots_are_at_the_template, (album / "faces").rglob("*.png")))
    assert sorted(p.relative_to(album / "faces").as_posix() for p in (album / "faces").rglob("*.png")) == [
        "ada/1.png", "ada/2.png", "bo/0.png",
    ]  # fmt: skip
    assert (
        album / "faces/unaligned.csv"
    ).read_text() == "image,reason\nbo/broken.png,not an image (no known signature)\n"


def test_landmarks_may_come_from_a_function(album: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (album / "dots.py").write_text(
        "import numpy as np\n"
        "def make():\n"
        "    def five(image):\n"
        "        if image.shape[0] < 100: return None\n"
        "        colours = np.eye(5, 3) * 200 + 55\n"
        "        near = [np.argwhere(abs(image - c).max(2) < 30)[:, ::-1] for c in colours[:3]]\n"
        "        dark = np.argwhere(abs(image - 55.0).max(2) < 30)[:, ::-1]\n"
        "        middle = dark.mean(0); eyes = near[1].mean(0) - near[0].mean(0)\n"
        "        side = ((dark - middle) @ eyes) > 0\n"
        "        return [*(n.mean(0) for n in near), dark[~side].mean(0), dark[side].mean(0)]\n"
        "    return five\n"
    )
    Image.new("RGB", (20, 20)).save(album / "photos" / "small.png")
    monkeypatch.syspath_prepend(str(album))
    result = run("align", album / "photos", album / "faces", "--detector", "dots:make")
    sys.modules.pop("dots")
    assert result.exit_code == 0, result.output
    assert "3 faces" in result.output
    assert "small.png,no face found" in (album / "faces/unaligned.csv").read_text()
    assert all(map(dots_are_at_the_template, (album / "faces").rglob("*.png")))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["faces", "--landmarks", "{a}/points.csv", "--detector", "a:b"], "both landmarks and a detector"),
        (["faces", "--landmarks", "{a}/points.csv", "--face", "largest"], "a choice where others say which face it is"),
        (["faces", "--detector", "a:b", "--face", "central"], "a choice where others say which face it is"),
        (["faces", "--detector", "os.path:nonsense"], "no attribute 'nonsense'; expected an importable factory"),
        (["faces", "--detector", "no_such:thing"], "No module named 'no_such'; expected an importable factory"),
        (["faces", "--detector", "builtins:input"], "got EOFError (EOF when reading a line) when it was called"),
        (["faces", "--detector", "nonsense"], "expected package.module:factory"),
        (["faces", "--detector", "pathlib:Path"], "a PosixPath returned; expected a function from an image"),
        (["photos", "--landmarks", "{a}/points.csv"], "the folder of the photos; expected another folder"),
        (["faces", "--landmarks", "{a}/nothing.csv"], "no such file; expected a CSV of image and ten numbers"),
    ],
)
def test_mistakes_in_the_call_are_told(album: Path, arguments: list[str], message: str) -> None:
    words = [word.format(a=album) for word in arguments]
    result = run("align", album / "photos", album / words[0], *words[1:])
    assert result.exit_code == 2
    assert message in result.output


def test_no_face_at_all_is_a_mistake(album: Path) -> None:
    table = album / "points.csv"
    table.write_text("bo/broken.png" + ",1" * 10 + "\n" + "bo/gone.png" + ",1" * 10 + "\n")
    result = run("align", album / "photos", album / "faces", "--landmarks", table)
    assert result.exit_code == 2
    assert "none of 2 photos aligned, most often because of:" in result.output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,a,b,c,d,e,f,g,h,i,j\n", "got no rows"),
        ("a.png,1,2\n", "line 1: got another number of cells; expected 11 cells"),
        ("a.png" + ",1" * 9 + ",x\n", "line 1: got the landmark 'x'; expected a number of pixels"),
        ("a.png" + ",1" * 9 + ",nan\n", "line 1: got the landmark 'nan'"),
        ("../a.png" + ",1" * 10 + "\n", "line 1: got image '../a.png'; expected a path inside the folder of photos"),
        (("a.png" + ",1" * 10 + "\n") * 2, "got 1 images listed more than once"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "points.csv").write_text(text)
    with pytest.raises(RosterError, match=message):
        read_landmarks(tmp_path / "points.csv")


def test_a_table_needs_no_names_and_may_hold_zeros(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("a.png" + ",0" * 10 + "\n")
    assert read_landmarks(tmp_path / "points.csv")["a.png"].tolist() == [[0, 0]] * 5


def test_two_photos_never_become_one_file(tmp_path: Path) -> None:
    points = {"a.png": ARCFACE.points, "a.jpg": ARCFACE.points}
    with pytest.raises(UsageError, match=r"'a\.png' and 'a\.jpg', which would become one file"):
        list(align_folder(tmp_path, tmp_path / "out", points, ARCFACE))


def test_a_folder_without_photos_is_said(tmp_path: Path) -> None:
    with pytest.raises(RosterError, match="got no images"):
        photos_in(tmp_path)
    with pytest.raises(RosterError, match="got no such folder"):
        photos_in(tmp_path / "gone")
