"""What an image file gives away without any model: the features of the blind baseline.

A classifier that never saw the target but tells members from non-members by these numbers shows that the two
sides come from different sources; an attack only counts for what it adds (arXiv 2406.16201). Two views keep the cost
bounded for large photos: the *native* window, at most 224 x 224 untouched pixels from the middle, holds traces of
sensor and compression; the *whole* view, resized to 112 x 112, holds light, colour and layout as a recogniser
sees them.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile, get_sampling

from bareface.faces.decode import DecodedImage, fit

WINDOW, WHOLE, BANDS = 224, 112, 6
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP")
_SAMPLINGS = {"444": 0, "422": 1, "420": 2}
_PERCENTILES = (1, 5, 25, 50, 75, 95, 99)

Features = dict[str, float]
Plane = NDArray[np.float32]


def describe(picture: DecodedImage, face: Image.Image | None = None) -> Features:
    """Every blind feature of one decoded file by name, always the same names in the same order, always finite.

    Args:
        picture: the file; its header and its native window are those of the photo, whatever is cut out of it.
        face: what a recogniser is shown of it; None = the whole picture.
    """
    window, whole = _window(picture.image), Image.fromarray(fit(face or picture.image, WHOLE, WHOLE))
    native, seen = _luma(window), _luma(whole)
    return {
        **_file(picture),
        **_jpeg(picture),
        **_prefixed("native", _texture(native) | _compression(native)),
        **_prefixed("whole", _texture(seen)),
        **_tone(whole),
        **_colour(np.asarray(whole, dtype=np.float32)),
        **_layout(seen),
    }


def _prefixed(prefix: str, features: Features) -> Features:
    return {f"{prefix}_{name}": value for name, value in features.items()}


def _window(image: Image.Image) -> Image.Image:
    """The middle of the image, starting on the 8 x 8 grid of JPEG blocks."""
    left, top = (max(0, size - WINDOW) // 2 // 8 * 8 for size in image.size)
    return image.crop((left, top, min(left + WINDOW, image.width), min(top + WINDOW, image.height)))


def _luma(image: Image.Image) -> Plane:
    """Brightness in [0, 255]; images smaller than 16 pixels are continued at their edges, so every mean exists."""
    plane = np.asarray(image.convert("L"), dtype=np.float32)
    missing = [(0, max(0, 16 - size)) for size in plane.shape]
    return np.pad(plane, missing, mode="edge") if any(after for _, after in missing) else plane


def _file(picture: DecodedImage) -> Features:
    width, height, size = *picture.image.size, len(picture.content)
    return {
        "width": width,
        "height": height,
        "log_bytes": np.log(size),
        "bytes_per_pixel": size / (width * height),
        **{f"format_{name.lower()}": float(picture.source.format == name) for name in _FORMATS},
        "has_exif": float("exif" in picture.source.info),
        "has_profile": float("icc_profile" in picture.source.info),
        "has_alpha": float(picture.source.has_transparency_data),
        "stored_grey": float(picture.source.mode in ("1", "L", "LA", "I;16")),
    }


def _jpeg(picture: DecodedImage) -> Features:
    """Quantisation and chroma subsampling; all zero when the file is no JPEG."""
    source = picture.source
    tables = list(source.quantization.values()) if isinstance(source, JpegImageFile) else []
    sampling = get_sampling(source) if isinstance(source, JpegImageFile) else -1
    return {
        "jpeg_luma_step": float(np.mean(tables[0])) if tables else 0.0,
        "jpeg_chroma_step": float(np.mean(tables[1])) if len(tables) > 1 else 0.0,
        **{f"jpeg_{name}": float(sampling == code) for name, code in _SAMPLINGS.items()},
        "jpeg_progressive": float("progressive" in source.info),
    }


def _texture(luma: Plane) -> Features:
    """Sharpness, edges, noise and the spectrum of one plane."""
    across, down = np.diff(luma, axis=1), np.diff(luma, axis=0)
    laplacian = np.diff(across, axis=1)[1:-1] + np.diff(down, axis=0)[:, 1:-1]
    high_pass = np.diff(np.diff(across, axis=1), 2, axis=0)
    return {
        "sharpness": np.log1p(laplacian.var()),
        "gradient_energy": np.log1p(np.square(across).mean() + np.square(down).mean()),
        "noise_median": _median(np.abs(high_pass)),
        "noise_mean": np.abs(high_pass).mean(),
        **_spectrum(luma),
    }


def _median(values: Plane) -> float:
    flat = values.ravel()
    return float(np.partition(flat, flat.size // 2)[flat.size // 2])


def _spectrum(luma: Plane) -> Features:
    """Log share of the energy in rings of spatial frequency, from the slowest to the finest."""
    power = np.square(np.abs(np.fft.rfft2(luma - luma.mean())))
    energy = np.bincount(_rings(*luma.shape), weights=power.ravel(), minlength=BANDS)
    share = np.log(energy / (energy.sum() + 1e-6) + 1e-6)
    return {f"band_{ring}": value for ring, value in enumerate(share)}


@lru_cache(maxsize=64)
def _rings(height: int, width: int) -> NDArray[np.intp]:
    """For each coefficient of `rfft2` the ring it belongs to; the radius of a ring doubles the one before."""
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    edges = 0.5 / 2.0 ** np.arange(BANDS - 2, -1, -1)
    rings: NDArray[np.intp] = np.digitize(radius.ravel(), edges)
    return rings


def _compression(luma: Plane) -> Features:
    """Traces of 8 x 8 blocks, which a JPEG leaves even when it is stored again as something else."""
    blocks = luma[: len(luma) // 8 * 8, : luma.shape[1] // 8 * 8] - 128
    dct = _COSINES @ blocks.reshape(len(blocks) // 8, 8, -1, 8).swapaxes(1, 2) @ _COSINES.T
    energy = np.square(dct)
    return {
        "blockiness": max(_blockiness(luma), _blockiness(luma.T)),
        "dct_zeros": (np.abs(dct) < 0.5).mean(),
        "dct_high": np.log1p(energy[..., _HIGH].mean()),
        "dct_low": np.log1p(energy[..., _LOW].mean()),
    }


def _blockiness(luma: Plane) -> float:
    """How much the strongest of the eight column phases steps above the mean one; 0 without blocks.

    All phases are tried because cropping or turning an image moves its grid.
    """
    steps = np.abs(np.diff(luma, axis=1)).mean(axis=0)
    phases = steps[: len(steps) // 8 * 8].reshape(-1, 8).mean(axis=0)
    return float(np.log((phases.max() + 0.1) / (phases.mean() + 0.1)))


def _cosines() -> Plane:
    """The orthonormal DCT-II of length 8."""
    angle = np.outer(np.arange(8), 2 * np.arange(8) + 1) * np.pi / 16
    return (np.cos(angle) * np.where(np.arange(8) == 0, np.sqrt(1 / 8), 0.5)[:, None]).astype(np.float32)


_COSINES = _cosines()
_DIAGONAL = np.add.outer(np.arange(8), np.arange(8))
_HIGH, _LOW = _DIAGONAL >= 8, (_DIAGONAL > 0) & (_DIAGONAL < 3)


def _tone(image: Image.Image) -> Features:
    """Brightness and its distribution, in [0, 255]."""
    counts = np.array(image.convert("L").histogram()[:256]) / (image.width * image.height)
    levels, cumulated = np.arange(256), np.cumsum(counts)
    mean = float(counts @ levels)
    points = {p: int(np.searchsorted(cumulated, p / 100 - 1e-9)) for p in _PERCENTILES}
    return {
        "luma_mean": mean,
        "luma_std": float(np.sqrt(counts @ np.square(levels - mean))),
        **{f"luma_p{p:02d}": float(value) for p, value in points.items()},
        "contrast": float(points[95] - points[5]),
        "black_share": counts[0],
        "white_share": counts[255],
    }


def _colour(rgb: NDArray[np.float32]) -> Features:
    """Channel means and saturation; `is_colour` is 0 when all three channels agree everywhere."""
    brightest = np.maximum(np.maximum(rgb[..., 0], rgb[..., 1]), rgb[..., 2])
    spread = brightest - np.minimum(np.minimum(rgb[..., 0], rgb[..., 1]), rgb[..., 2])
    saturation = spread / np.maximum(brightest, 1)
    red, green, blue = (rgb[..., channel].mean() for channel in range(3))
    return {
        "red_mean": red,
        "green_mean": green,
        "blue_mean": blue,
        "saturation_mean": saturation.mean(),
        "saturation_std": saturation.std(),
        "is_colour": float(spread.max() > 0),
    }


def _layout(luma: Plane) -> Features:
    """Left-right symmetry and what surrounds the face."""
    centred = luma - luma.mean()
    border = np.concatenate([luma[:4].ravel(), luma[-4:].ravel(), luma[:, :4].ravel(), luma[:, -4:].ravel()])
    return {
        "symmetry": (centred * centred[:, ::-1]).sum() / (np.square(centred).sum() + 1e-6),
        "border_mean": border.mean(),
        "border_std": border.std(),
        "border_black": (border == 0).mean(),
        "centre_minus_border": luma[28:84, 28:84].mean() - border.mean(),
    }
