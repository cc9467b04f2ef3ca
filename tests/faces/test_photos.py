"""Large photos, HEIC, and faces cut out of photos of any size."""

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bareface.errors import UsageError
from bareface.faces.align import align
from bareface.faces.decode import PIXEL_CAP, Flaw, FlawedImage, picture_of
from bareface.faces.detection.finder import FoundFace
from bareface.faces.photos import JPEG_CAP, OTHER_CAP, cut_out, found_and_cut, photo_of
from bareface.faces.template import TEMPLATES

TEMPLATE = TEMPLATES["112x112"]


def file_of(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def quarters(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Red, green, blue and white, so that it is seen how it is turned."""
    small = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]], np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.NEAREST).convert(mode)


def corners(image: Image.Image) -> np.ndarray:
    w, h = image.size
    return np.array([[image.getpixel((x, y)) for x in (w // 4, 3 * w // 4)] for y in (h // 4, 3 * h // 4)], int)


@pytest.mark.parametrize(
    ("form", "mode"), [("JPEG", "RGB"), ("PNG", "RGB"), ("PNG", "RGBA"), ("PNG", "P"), ("BMP", "L")]
)
def test_a_large_photo_is_halved_until_it_fits_and_a_plain_image_of_that_size_is_refused(form: str, mode: str) -> None:
    content = file_of(quarters(6000, 4000, mode), form)
    with pytest.raises(
        FlawedImage, match=r"too large \(6000 x 4000 pixels\).*cutting the faces out: bareface align, or"
    ):
        picture_of(content, "photo")
    photo = photo_of(content, "photo")
    assert photo.image.size == (3000, 2000)
    assert photo.shrunk == 2
    assert photo.image.mode == "RGB"
    expected = corners(quarters(8, 8, mode).convert("RGB"))
    assert np.abs(corners(photo.image) - expected).max() < 12


def test_a_small_photo_keeps_its_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    photo = photo_of(file_of(Image.fromarray(pixels), "PNG"), "photo")
    assert photo.shrunk == 1
    assert (np.asarray(photo.image) == pixels).all()


def test_a_large_photo_stands_upright() -> None:
    exif = Image.Exif()
    exif[274] = 6
    photo = photo_of(file_of(quarters(6000, 4000), "JPEG", exif=exif), "photo")
    assert photo.image.size == (2000, 3000)
    turned = corners(quarters(8, 8).transpose(Image.Transpose.ROTATE_270))
    assert np.abs(corners(photo.image) - turned).max() < 12


@pytest.mark.parametrize(("form", "cap"), [("JPEG", JPEG_CAP), ("PNG", OTHER_CAP)])
def test_there_is_an_end_to_it(form: str, cap: int) -> None:
    content = file_of(Image.new("L", (cap // 8000 + 1, 8000)), form)
    with pytest.raises(FlawedImage, match=rf"too large .* expected at most {cap:,} pixels") as refused:
        photo_of(content, "photo")
    assert refused.value.flaw is Flaw.TOO_LARGE


@given(width=st.integers(4001, 40_000))
def test_large_photos_end_below_the_cap_and_no_smaller_than_needed(width: int) -> None:
    from bareface.faces.decode import _halvings

    factor = _halvings(width, 4000)
    assert (width // factor) * (4000 // factor) <= PIXEL_CAP < (width // (factor // 2)) * (4000 // (factor // 2))


class TestHeic:
    """Photos of phones."""

    def test_it_is_read_upright(self) -> None:
        heif = pytest.importorskip("pillow_heif", reason="the extra bareface[heif] is not installed")
        buffer, exif = BytesIO(), Image.Exif()
        exif[274] = 6
        heif.from_pillow(quarters(96, 64)).save(buffer, quality=95, exif=exif.tobytes())
        photo = picture_of(buffer.getvalue(), "photo").image
        assert photo.size == (64, 96)
        assert np.abs(corners(photo) - corners(quarters(8, 8).transpose(Image.Transpose.ROTATE_270))).max() < 40

    def test_a_damaged_one_is_a_flaw(self) -> None:
        heif = pytest.importorskip("pillow_heif", reason="the extra bareface[heif] is not installed")
        buffer = BytesIO()
        heif.from_pillow(quarters(96, 64)).save(buffer)
        content = buffer.getvalue()
        for length in range(12, len(content) - 1, 97):
            with pytest.raises(FlawedImage):
                picture_of(content[:length], "photo")


class TestCuttingOut:
    """The face of a photo, at the template."""

    def test_a_face_of_a_templates_size_is_aligned_as_it_is(self) -> None:
        pixels = np.random.default_rng(0).integers(0, 256, (150, 170, 3), dtype=np.uint8)
        landmarks = TEMPLATE.points * 1.3 + 5
        assert (cut_out(Image.fromarray(pixels), landmarks, TEMPLATE) == align(pixels, landmarks, TEMPLATE)).all()

    @pytest.mark.parametrize("times", [3, 4, 7.5])
    def test_a_large_face_is_averaged_to_what_a_small_one_gives(self, times: float) -> None:
        rng = np.random.default_rng(1)
        coarse = Image.fromarray(rng.integers(0, 256, (24, 24, 3), dtype=np.uint8))
        small = coarse.resize((160, 160), Image.Resampling.BICUBIC)
        large = coarse.resize((round(160 * times),) * 2, Image.Resampling.BICUBIC)
        grain = rng.normal(0, 60, (*large.size, 3))
        noisy = Image.fromarray(np.clip(np.asarray(large) + grain, 0, 255).astype(np.uint8))
        landmarks = TEMPLATE.points * 1.2 + 10
        expected = cut_out(small, landmarks, TEMPLATE).astype(float)
        scaled = (landmarks + 0.5) * times - 0.5
        found = cut_out(noisy, scaled, TEMPLATE).astype(float)
        plain = align(np.asarray(noisy), scaled, TEMPLATE).astype(float)
        assert np.abs(found - expected).mean() < 0.6 * np.abs(plain - expected).mean()
        assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.9

    def test_nobody_and_somebody_tiny_are_told_apart(self) -> None:
        photo = Image.new("RGB", (60, 60))
        with pytest.raises(FlawedImage, match="got no face found; expected a photo with an upright face") as nobody:
            found_and_cut(photo, "a.jpg", lambda image: None, TEMPLATE)
        assert nobody.value.flaw is Flaw.NO_FACE
        tiny = FoundFace(TEMPLATE.points / 4)
        with pytest.raises(FlawedImage, match=r"tiny face \(to be enlarged 4\.0 times\); expected 3 times at most"):
            found_and_cut(photo, "a.jpg", lambda image: tiny, TEMPLATE)
        assert found_and_cut(photo, "a.jpg", lambda image: FoundFace(TEMPLATE.points / 2, 3), TEMPLATE).faces == 3

    @pytest.mark.parametrize(
        "points", [TEMPLATE.points[:4], TEMPLATE.points * np.nan, TEMPLATE.points[[1, 0, 2, 4, 3]]]
    )
    def test_what_is_no_face_is_refused(self, points: np.ndarray) -> None:
        with pytest.raises(UsageError):
            found_and_cut(Image.new("RGB", (60, 60)), "a.jpg", lambda image: FoundFace(points), TEMPLATE)
