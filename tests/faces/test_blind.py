import io
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from bareface.faces.blind import Features, describe
from bareface.faces.decode import read_picture


def scene(height: int = 112, width: int = 112, seed: int = 0) -> Image.Image:
    """Soft coloured shapes with a little grain: no face, but with edges and texture as photos have them."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(30, 220, (max(2, height // 16), max(2, width // 16), 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC), float)
    return Image.fromarray(np.clip(smooth + rng.normal(0, 4, smooth.shape), 0, 255).astype(np.uint8))


@pytest.fixture
def measure(tmp_path):
    def of(image: Image.Image | NDArray[np.uint8], suffix: str = "png", **options: object) -> Features:
        path = tmp_path / f"image.{suffix}"
        (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **options)
        return describe(read_picture(path))

    return of


def stored_again(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def test_file_facts(measure):
    facts = measure(scene(40, 60), "jpg", quality=75, subsampling="4:2:0", progressive=True, exif=Image.Exif())
    assert (facts["width"], facts["height"]) == (60, 40)
    assert facts["bytes_per_pixel"] == pytest.approx(math.exp(facts["log_bytes"]) / 2400)
    assert [facts[f"format_{name}"] for name in ("jpeg", "png", "webp", "bmp")] == [1, 0, 0, 0]
    assert [facts[f"jpeg_{name}"] for name in ("444", "422", "420", "progressive")] == [0, 0, 1, 1]
    assert measure(scene(), "jpg", subsampling="4:4:4")["jpeg_444"] == 1
    assert measure(scene().convert("L"), "jpg")["stored_grey"] == 1
    assert measure(scene().convert("RGBA"), "png")["has_alpha"] == 1
    assert measure(scene(), "png", icc_profile=b"profile")["has_profile"] == 1


def test_an_orientation_tag_counts_as_exif_and_swaps_the_sides(measure):
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = measure(scene(40, 60), "jpg", exif=exif)
    assert (turned["width"], turned["height"], turned["has_exif"]) == (40, 60, 1)


def test_the_quantisation_step_is_the_mean_of_the_table(measure):
    tables = [[7] * 64, [13] * 64]
    facts = measure(scene(), "jpg", qtables=tables)
    assert (facts["jpeg_luma_step"], facts["jpeg_chroma_step"]) == (7, 13)
    assert measure(scene())["jpeg_luma_step"] == 0


def test_jpeg_traces_survive_being_stored_as_png(measure):
    clean, rough = measure(scene()), measure(stored_again(scene(), 30))
    assert rough["native_blockiness"] > clean["native_blockiness"] + 0.1
    assert rough["native_dct_zeros"] > clean["native_dct_zeros"] + 0.1
    shifted = measure(stored_again(scene(130, 130), 30).crop((3, 5, 125, 125)))
    assert shifted["native_blockiness"] > clean["native_blockiness"] + 0.1


def test_blur_shows_in_every_measure_of_texture(measure):
    sharp, soft = measure(scene()), measure(scene().filter(ImageFilter.GaussianBlur(1.5)))
    for view in ("native", "whole"):
        for name in ("sharpness", "gradient_energy", "noise_median", "noise_mean", "band_4", "band_5"):
            assert soft[f"{view}_{name}"] < sharp[f"{view}_{name}"] - 0.2, name
        assert soft[f"{view}_band_0"] > sharp[f"{view}_band_0"]


def test_fine_detail_of_a_large_photo_is_seen_at_its_native_scale(measure):
    large = scene(600, 600)
    assert (
        measure(large)["native_noise_mean"]
        > 3 * measure(large.filter(ImageFilter.GaussianBlur(1.5)))["native_noise_mean"]
    )


def test_tone_against_numpy(measure):
    facts, luma = measure(scene()), np.asarray(scene().convert("L"), float)
    assert facts["luma_mean"] == pytest.approx(luma.mean())
    assert facts["luma_std"] == pytest.approx(luma.std())
    for p in (1, 5, 25, 50, 75, 95, 99):
        assert facts[f"luma_p{p:02d}"] == np.percentile(luma, p, method="inverted_cdf")
    assert facts["contrast"] == facts["luma_p95"] - facts["luma_p05"]


def test_colour(measure):
    flat = measure(np.full((112, 112, 3), (200, 100, 50), np.uint8))
    assert (flat["red_mean"], flat["green_mean"], flat["blue_mean"]) == (200, 100, 50)
    assert flat["saturation_mean"] == pytest.approx(0.75)
    assert flat["is_colour"] == 1
    assert measure(scene().convert("L"))["is_colour"] == 0


def test_spectrum_bands_are_shares_and_find_a_single_wave(measure):
    wave = 128 + 60 * np.sin(2 * np.pi * 20 / 112 * np.arange(112))  # 20 / 112 = 0.18 cycles per pixel
    facts = measure(np.repeat(np.tile(wave, (112, 1))[..., None], 3, 2).astype(np.uint8))
    shares = np.exp([facts[f"native_band_{ring}"] for ring in range(6)])
    assert shares.sum() == pytest.approx(1, abs=1e-4)
    assert shares[3] > 0.99  # the ring from 1/8 to 1/4


def test_layout(measure):
    left = np.asarray(scene())[:, :56]
    assert measure(np.concatenate([left, left[:, ::-1]], axis=1))["symmetry"] == pytest.approx(1, abs=1e-3)
    framed = np.asarray(scene()).copy()
    framed[:8] = framed[-8:] = framed[:, :8] = framed[:, -8:] = 0
    facts = measure(framed)
    assert facts["border_black"] == 1
    assert facts["border_std"] == 0
    assert facts["centre_minus_border"] > 50


@settings(max_examples=40)
@given(
    st.integers(1, 300),
    st.integers(1, 300),
    st.sampled_from(["L", "RGB", "RGBA", "1"]),
    st.sampled_from([0, 255, None]),
)
def test_every_image_has_the_same_finite_features(tmp_path_factory, height, width, mode, level):
    path = tmp_path_factory.getbasetemp() / "any.png"
    image = scene(height, width) if level is None else Image.new("L", (width, height), level)
    image.convert(mode).save(path)
    features = describe(read_picture(path))
    assert tuple(features) == NAMES
    assert np.isfinite(np.fromiter(features.values(), np.float32)).all()


def test_features_are_deterministic(measure):
    assert measure(scene()) == measure(scene())


def _names() -> tuple[str, ...]:
    texture = ["sharpness", "gradient_energy", "noise_median", "noise_mean", *(f"band_{ring}" for ring in range(6))]
    compression = ["blockiness", "dct_zeros", "dct_high", "dct_low"]
    return (
        *("width", "height", "log_bytes", "bytes_per_pixel"),
        *("format_jpeg", "format_png", "format_webp", "format_bmp"),
        *("has_exif", "has_profile", "has_alpha", "stored_grey"),
        *("jpeg_luma_step", "jpeg_chroma_step", "jpeg_444", "jpeg_422", "jpeg_420", "jpeg_progressive"),
        *(f"native_{name}" for name in texture + compression),
        *(f"whole_{name}" for name in texture),
        *("luma_mean", "luma_std", *(f"luma_p{p:02d}" for p in (1, 5, 25, 50, 75, 95, 99))),
        *("contrast", "black_share", "white_share"),
        *("red_mean", "green_mean", "blue_mean", "saturation_mean", "saturation_std", "is_colour"),
        *("symmetry", "border_mean", "border_std", "border_black", "centre_minus_border"),
    )


NAMES = _names()
