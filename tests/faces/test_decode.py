import io
import os
import struct
import sys
import tempfile
import warnings
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageOps

from bareface.errors import ImageError
from bareface.faces.decode import BYTE_CAP, Flaw, FlawedImage, decode, fit, picture_of, printable
from bareface.faces.headers import webp_size

FORMATS = [
    ("JPEG", {}),
    ("JPEG", {"progressive": True}),
    ("PNG", {}),
    ("WEBP", {}),
    ("WEBP", {"lossless": True}),
    ("BMP", {}),
]


def noise(height: int = 24, width: int = 17) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def encoded(image: Image.Image | NDArray[np.uint8], form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, form, **options)
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *between: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(b"\0" * 64))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(between) + data + chunk(b"IEND", b"")


def put(folder: Path, content: bytes, name: str = "face.jpg") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def flaw_of(folder: Path, content: bytes) -> Flaw:
    with pytest.raises(FlawedImage) as caught:
        decode(put(folder, content))
    return caught.value.flaw


def outcome(path: Path) -> Image.Image | FlawedImage:
    try:
        return decode(path)
    except FlawedImage as error:
        return error


@pytest.mark.parametrize(("form", "options"), FORMATS)
def test_four_formats_decode_to_rgb_whatever_the_suffix_says(tmp_path, form, options):
    image = decode(put(tmp_path, encoded(noise(), form, **options), "face.txt"))
    assert image.mode == "RGB"
    assert image.size == (17, 24)
    if form in ("PNG", "BMP") or "lossless" in options:
        assert np.array_equal(np.asarray(image), noise())


class TestRefusals:
    """Every kind of flaw, and what the message says."""

    def test_a_png_bomb_is_refused_on_its_header(self, tmp_path):
        bomb = png(60_000, 60_000)
        assert len(bomb) < 200
        with pytest.raises(
            ImageError, match=r"too large \(60000 x 60000 pixels\); expected at most 16,000,000 pixels\. Try: cut"
        ):
            decode(put(tmp_path, bomb))

    def test_an_honest_image_above_sixteen_megapixels_is_refused(self, tmp_path):
        assert flaw_of(tmp_path, encoded(Image.new("1", (4001, 4000)), "PNG")) is Flaw.TOO_LARGE
        assert decode(put(tmp_path, encoded(Image.new("1", (4000, 4000)), "PNG"))).size == (4000, 4000)

    def test_a_webp_canvas_of_a_hundred_terapixels_never_reaches_the_decoder(self, tmp_path):
        body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + b"\xff" * 6
        assert flaw_of(tmp_path, b"RIFF" + struct.pack("<I", len(body)) + body) is Flaw.TOO_LARGE

    def test_the_pixel_cap_is_an_argument(self, tmp_path):
        with pytest.raises(ImageError, match="17 x 24 pixels"):
            decode(put(tmp_path, encoded(noise(), "PNG")), pixel_cap=407)
        assert decode(put(tmp_path, encoded(noise(), "PNG")), pixel_cap=408).size == (17, 24)

    def test_a_file_above_the_byte_cap_is_not_read_to_its_end(self, tmp_path):
        path = tmp_path / "long.png"
        with path.open("wb") as file:
            file.truncate(BYTE_CAP + 2**33)
        with pytest.raises(ImageError, match=r"too large \(more than 64 MiB\)"):
            decode(path)

    @pytest.mark.parametrize(("form", "options"), FORMATS)
    def test_no_prefix_of_a_file_gives_other_pixels(self, tmp_path, form, options):
        content = encoded(noise(9, 9), form, **options)
        whole = np.asarray(decode(put(tmp_path, content)))
        for length in range(12, len(content), 7):
            match outcome(put(tmp_path, content[:length])):
                case FlawedImage() as error:
                    assert error.flaw in (Flaw.TRUNCATED, Flaw.UNREADABLE)
                case image:
                    assert np.array_equal(np.asarray(image), whole)
        assert flaw_of(tmp_path, content[: len(content) // 2]) is Flaw.TRUNCATED

    def test_text_with_an_image_name_is_no_image(self, tmp_path):
        with pytest.raises(ImageError, match=r"not an image \(no known signature\); expected a JPEG, PNG, WebP or BMP"):
            decode(put(tmp_path, b"hello, I am a face"))

    def test_an_empty_file_is_no_image(self, tmp_path):
        with pytest.raises(ImageError, match=r"not an image \(an empty file\)"):
            decode(put(tmp_path, b""))

    @pytest.mark.parametrize(
        ("form", "named"), [("GIF", "GIF"), ("TIFF", "TIFF"), ("JPEG2000", "JPEG 2000"), ("ICO", "icon")]
    )
    def test_other_formats_are_named(self, tmp_path, form, named):
        with pytest.raises(ImageError, match=rf"unsupported format \({named}\)"):
            decode(put(tmp_path, encoded(noise(), form)))

    @pytest.mark.parametrize(
        ("brand", "named"), [(b"isom", "HEIC or AVIF"), (b"avif", "AVIF"), (b"hevc", "animated HEIC")]
    )
    def test_relatives_of_heic_are_named(self, tmp_path, brand, named):
        with pytest.raises(ImageError, match=rf"unsupported format \({named}\)"):
            decode(put(tmp_path, b"\0\0\0\x18ftyp" + brand + bytes(100)))

    def test_heic_says_what_to_install(self, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "pillow_heif", None)
        said = r"unsupported format \(HEIC, no package pillow_heif\); expected the extra heif\."
        message = said + r" Try: pip install \"bareface\[heif\]\""
        with pytest.raises(ImageError, match=message):
            decode(put(tmp_path, b"\0\0\0\x18ftypheic" + bytes(100)))

    @pytest.mark.parametrize("form", ["PNG", "WEBP"])
    def test_animations_are_refused(self, tmp_path, form):
        more = [Image.fromarray(255 - noise())]
        with pytest.raises(ImageError, match=f"animated {form}"):
            decode(put(tmp_path, encoded(noise(), form, save_all=True, append_images=more)))

    def test_a_folder_with_an_image_name(self, tmp_path):
        (tmp_path / "x.jpg").mkdir()
        with pytest.raises(ImageError, match=r"unreadable \(a folder, not a file\)"):
            decode(tmp_path / "x.jpg")

    def test_a_pipe_does_not_block(self, tmp_path):
        os.mkfifo(tmp_path / "x.jpg")
        with pytest.raises(ImageError, match="a pipe, not a file"):
            decode(tmp_path / "x.jpg")

    @pytest.mark.parametrize("name", ["absent.jpg", "nul\0.jpg", "x" * 300])
    def test_a_path_that_cannot_be_opened(self, tmp_path, name):
        with pytest.raises(FlawedImage) as caught:
            decode(tmp_path / name)
        assert caught.value.flaw is Flaw.UNREADABLE

    def test_a_name_with_control_characters_stays_on_one_line(self, tmp_path):
        path = tmp_path / "Zoë\n\x1b[31mred.jpg"
        path.write_bytes(b"text")
        with pytest.raises(ImageError) as caught:
            decode(path)
        assert "Zoë\\n\\x1b[31mred.jpg" in str(caught.value)
        assert str(caught.value).isprintable()

    def test_names_in_any_script_and_undecodable_names_open(self, tmp_path):
        for name in ("顔.png", "şəkil.png", "tab\there.png", os.fsdecode(b"\xff\xfe.png")):
            assert decode(put(tmp_path, encoded(noise(), "PNG"), name)).size == (17, 24)
        assert printable(os.fsdecode(b"\xff")) == "\\udcff"


@st.composite
def exif_blocks(draw: st.DrawFn) -> dict[str, bytes]:
    """Blocks as cameras, editors and damage leave them: any order, type, count and place of the orientation."""
    mark, order = draw(st.sampled_from([("<", b"II"), (">", b"MM")]))
    tag = st.sampled_from([0x0112, 0x0112, 0x0112, 0x010F, 0x011A, 0x8769])
    values = st.integers(0, 9) | st.sampled_from([255, 65_536, 2**31])
    entries, beyond = b"", b""
    listed = draw(
        st.lists(st.tuples(tag, st.integers(0, 14), st.sampled_from([0, 1, 1, 1, 2, 3, 2**30]), values), max_size=4)
    )
    for name, kind, count, value in listed:
        code = {1: "B", 3: "H", 6: "b", 8: "h", 11: "f"}.get(kind, "I")
        try:
            inside = struct.pack(mark + code, value).ljust(4, b"\0")
        except struct.error:
            inside = b"\0" * 4
        if draw(st.booleans()):  # the value lies behind the list
            inside = struct.pack(mark + "I", 14 + 12 * len(listed) + len(beyond))
            beyond += struct.pack(mark + "2I", value, draw(st.integers(0, 2))) + struct.pack(mark + "d", value)
        entries += struct.pack(mark + "HHI", name, kind, count) + inside
    magic = draw(st.sampled_from([42, 42, 42, 42, 43, 41]))
    tiff = order + struct.pack(mark + "HIH", magic, draw(st.sampled_from([8, 8, 8, 9, 2**31])), len(listed))
    block = b"Exif\0\0" * draw(st.integers(1, 3)) + tiff + entries + bytes(4) + beyond
    cut = draw(st.sampled_from([0, 0, 0, 1, 7, 20]))
    said = {"exif": block[: len(block) - cut]}
    if draw(st.integers(0, 3)) == 0:
        turn = draw(st.integers(0, 9))
        said["xmp"] = b'<x tiff:Orientation="%d"/>' % turn if turn % 2 else b"<tiff:Orientation>%d<" % turn
    return said if draw(st.booleans()) else {name: content for name, content in said.items() if name == "exif"}


class TestWhatAPersonSees:
    """Conversion to upright RGB."""

    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize(("form", "options"), [("PNG", {}), ("WEBP", {"lossless": True}), ("JPEG", {})])
    def test_exif_orientation_is_applied(self, tmp_path, orientation, form, options):
        exif = Image.Exif()
        exif[0x0112] = orientation
        stored = np.asarray(decode(put(tmp_path, encoded(noise(16, 24), form, **options))))
        by_hand = {
            1: stored,
            2: stored[:, ::-1],
            3: stored[::-1, ::-1],
            4: stored[::-1],
            5: stored.transpose(1, 0, 2),
            6: np.rot90(stored, -1),
            7: stored[::-1, ::-1].transpose(1, 0, 2),
            8: np.rot90(stored),
        }[orientation]
        path = put(tmp_path, encoded(noise(16, 24), form, exif=exif, **options))
        assert np.array_equal(np.asarray(decode(path)), by_hand)
        assert np.array_equal(np.asarray(ImageOps.exif_transpose(Image.open(path))), by_hand)

    def test_big_endian_exif_and_other_tags_before_it(self, tmp_path):
        entries = struct.pack(">HHII", 0x010F, 2, 4, 0) + struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0)
        tiff = b"MM\0*" + struct.pack(">IH", 8, 2) + entries + struct.pack(">I", 0)
        upright = np.rot90(noise(), -1)
        assert np.array_equal(
            np.asarray(decode(put(tmp_path, encoded(noise(), "PNG", exif=b"Exif\0\0" + tiff)))), upright
        )

    @settings(max_examples=300)
    @given(exif_blocks(), st.sampled_from(["JPEG", "PNG", "WEBP"]))
    def test_what_pillow_turns_is_turned_and_nothing_else(self, block, form):
        options = {"lossless": True} if form == "WEBP" else {}
        stored = np.asarray(Image.open(io.BytesIO(encoded(noise(16, 24), form, **options))).convert("RGB"))
        content = encoded(noise(16, 24), form, **block, **options)
        with warnings.catch_warnings(action="ignore"):
            given_up = (SyntaxError, ValueError, TypeError, LookupError, OSError, ArithmeticError, struct.error)
            try:
                expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB"))
            except given_up:
                expected = stored  # what Pillow gives up on stays as it is
                with suppress(*given_up):
                    Image.open(io.BytesIO(content)).getexif()
                    return  # it reads the block, turns, and only cannot write the block again: nothing to compare
        assert np.array_equal(np.asarray(picture_of(content, "here").image), expected)

    @pytest.mark.parametrize(
        "block", [b"", b"II*\0", b"II*\0\xff\xff\xff\xff", b"nonsense", b"MM\0*\0\0\0\x08\xff\xff\x01\x12"]
    )
    def test_a_damaged_exif_block_means_upright_and_no_warning(self, tmp_path, block):
        path = put(tmp_path, encoded(noise(), "JPEG", exif=b"Exif\0\0" + block))
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            assert decode(path).size == (17, 24)
        assert not heard

    def test_transparent_pixels_lie_over_black(self, tmp_path):
        pixels = np.zeros((2, 2, 4), np.uint8)
        pixels[...] = (200, 100, 50, 0)
        pixels[0, 0, 3], pixels[0, 1, 3] = 255, 128
        seen = np.asarray(decode(put(tmp_path, encoded(pixels, "PNG"))))
        assert seen[0, 0].tolist() == [200, 100, 50]
        assert np.abs(seen[0, 1] - np.array([100, 50, 25])).max() <= 1
        assert seen[1].max() == 0

    def test_a_palette_with_transparency(self, tmp_path):
        image = Image.new("P", (2, 1))
        image.putpalette([10, 20, 30, 200, 100, 50])
        image.putdata([0, 1])
        opaque = np.asarray(decode(put(tmp_path, encoded(image, "PNG"))))
        assert opaque[0].tolist() == [[10, 20, 30], [200, 100, 50]]
        see_through = np.asarray(decode(put(tmp_path, encoded(image, "PNG", transparency=b"\x00\xff"))))
        assert see_through[0].tolist() == [[0, 0, 0], [200, 100, 50]]

    def test_a_colour_key(self, tmp_path):
        image = Image.fromarray(np.array([[[9, 9, 9], [1, 2, 3]]], np.uint8))
        seen = np.asarray(decode(put(tmp_path, encoded(image, "PNG", transparency=(9, 9, 9)))))
        assert seen[0].tolist() == [[0, 0, 0], [1, 2, 3]]

    def test_sixteen_bit_grey_keeps_its_high_byte(self, tmp_path):
        deep = Image.fromarray(np.array([[0, 255, 256, 0x7FFF, 0x8000, 65535]], np.uint16))
        seen = np.asarray(decode(put(tmp_path, encoded(deep, "PNG"))))
        assert seen[0, :, 0].tolist() == [0, 0, 1, 127, 128, 255]
        assert (seen == seen[..., :1]).all()

    @pytest.mark.parametrize("mode", ["1", "L", "LA"])
    def test_grey_becomes_three_equal_channels(self, tmp_path, mode):
        seen = np.asarray(decode(put(tmp_path, encoded(Image.fromarray(noise()).convert(mode), "PNG"))))
        assert (seen == seen[..., :1]).all()
        assert seen.std() > 0

    def test_a_cmyk_jpeg(self, tmp_path):
        flat = Image.fromarray(np.full((16, 16, 3), (200, 60, 30), np.uint8))
        content = encoded(flat.convert("CMYK"), "JPEG", quality=100)
        assert Image.open(io.BytesIO(content)).mode == "CMYK"
        assert np.abs(np.asarray(decode(put(tmp_path, content)), int) - (200, 60, 30)).max() <= 6

    def test_a_phone_jpeg_with_a_second_picture_gives_the_first(self, tmp_path):
        second = Image.fromarray(255 - noise())
        content = encoded(noise(), "MPO", save_all=True, append_images=[second])
        first = np.asarray(decode(put(tmp_path, content)), int)
        assert np.abs(first - noise()).mean() < np.abs(first - (255 - noise())).mean()


class TestUntrustedBytes:
    """Only ImageError comes out, and never a warning."""

    folder = tempfile.TemporaryDirectory()
    seeds = tuple(encoded(noise(16, 16), form, **options) for form, options in FORMATS)

    def attempt(self, content: bytes) -> None:
        path = put(Path(self.folder.name), content)
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            result = outcome(path)
        assert not heard
        assert str(result).isprintable() if isinstance(result, FlawedImage) else result.mode == "RGB"

    @settings(max_examples=150)
    @given(
        st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"RIFF\xff\0\0\0WEBP"]),
        st.binary(max_size=200),
    )
    @example(png(8, 8, chunk(b"acTL", b"\0" * 8), chunk(b"acTL", b"\0" * 8))[8:], b"")
    def test_random_bytes(self, signature, body):
        self.attempt(signature + body)

    @settings(max_examples=400)
    @given(st.data())
    def test_mutated_images(self, data):
        content = bytearray(data.draw(st.sampled_from(self.seeds)))
        # Headers are where decoders go wrong, so half of the changes land there.
        position = st.integers(0, 80) | st.integers(0, len(content) - 1)
        for at, value in data.draw(st.lists(st.tuples(position, st.integers(0, 255)), max_size=6)):
            content[min(at, len(content) - 1)] = value
        self.attempt(bytes(content[: data.draw(st.integers(0, len(content)) | st.just(len(content)))]))

    @settings(max_examples=200)
    @given(st.binary(max_size=60), st.sampled_from([b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b""]))
    def test_hostile_exif(self, body, start):
        self.attempt(encoded(noise(8, 8), "JPEG", exif=b"Exif\0\0" + start + body))

    @settings(max_examples=100)
    @given(
        st.sampled_from([b"acTL", b"fcTL", b"fdAT", b"tRNS", b"iCCP", b"zTXt", b"eXIf", b"gAMA"]),
        st.binary(max_size=40),
    )
    def test_hostile_png_chunks(self, kind, body):
        self.attempt(png(7, 7, chunk(kind, body)))
        self.attempt(png(7, 7, chunk(kind, body), chunk(kind, body)))

    def test_running_out_of_memory_is_not_blamed_on_the_image(self, tmp_path, monkeypatch):
        path = put(tmp_path, encoded(noise(), "PNG"))
        monkeypatch.setattr("bareface.faces.decode._rgb", lambda source: (_ for _ in ()).throw(MemoryError))
        with pytest.raises(MemoryError):
            decode(path)


@pytest.mark.parametrize("options", [{"lossless": True}, {}, {"exif": Image.Exif()}, {"icc_profile": b"x" * 10}])
@pytest.mark.parametrize("size", [(1, 1), (17, 24), (300, 5)])
def test_the_webp_header_is_read_as_pillow_reads_it(size, options):
    content = encoded(Image.new("RGB", size, "red"), "WEBP", **options)
    assert webp_size(content) == Image.open(io.BytesIO(content)).size == size


class TestFit:
    """Centre crop, then resize."""

    def test_the_right_size_is_left_alone(self):
        assert np.array_equal(fit(Image.fromarray(noise()), 24, 17), noise())

    def test_a_narrower_shape_is_an_exact_crop(self):
        pixels = noise(112, 112)
        assert np.array_equal(fit(Image.fromarray(pixels), 112, 96), pixels[:, 8:104])
        assert np.array_equal(fit(Image.fromarray(pixels), 96, 112), pixels[8:104])

    def test_shrinking_by_two_weighs_neighbours_as_bilinear_does(self):
        pixels = np.zeros((8, 8, 3), np.uint8)
        pixels[:, 4:] = 240
        row = fit(Image.fromarray(pixels), 4, 4)[1, :, 0]
        # The triangle of half-width 2 has the weights 1, 3, 3, 1 (over 8) at pixel centres.
        assert row.tolist() == [0, 30, 210, 240]

    def test_shrinking_does_not_alias(self):
        stripes = np.zeros((120, 120, 3), np.uint8)
        stripes[:, ::2] = 255
        assert np.abs(fit(Image.fromarray(stripes), 12, 12)[:, 1:-1].astype(int) - 127).max() <= 3

    def test_a_wide_photo_loses_its_sides_not_its_proportions(self):
        pixels = np.zeros((50, 150, 3), np.uint8)
        pixels[:, 50:100] = 255
        assert fit(Image.fromarray(pixels), 25, 25).min() == 255

    @settings(max_examples=60)
    @given(*[st.integers(1, 40)] * 4)
    def test_any_size_fits_any_other(self, height, width, rows, columns):
        assert fit(Image.fromarray(noise(height, width)), rows, columns).shape == (rows, columns, 3)

    @settings(max_examples=40)
    @given(*[st.integers(1, 20)] * 4)
    def test_mirroring_before_or_after_is_the_same(self, height, width, rows, columns):
        # Even widths everywhere: the middle is then a boundary between pixels, on both sides of the mirror.
        pixels = noise(height, 2 * width)
        crop = min(2 * width, max(1, round(height * 2 * columns / rows)))
        assume(crop % 2 == 0)
        one = fit(Image.fromarray(pixels[:, ::-1].copy()), rows, 2 * columns)[:, ::-1]
        assert np.abs(one.astype(int) - fit(Image.fromarray(pixels), rows, 2 * columns)).max() <= 1
