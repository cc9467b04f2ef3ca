"""How often the perceptual hash errs: strangers called one picture, and altered copies that are missed.

python -m benchmarks.speed.near_duplicates            rendered faces
python -m benchmarks.speed.near_duplicates --lfw      real faces too (needs the shared folder)
"""

import argparse
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from bareface.auditing.overlap.near_duplicates import Pictures, near_duplicates
from bareface.faces.decode import decode
from bareface.faces.examine import _thumbnail
from bareface.faces.perceptual import perceptual_hash
from bareface.rosters.roster import read_manifest
from bareface.synthetic import SyntheticFaces
from benchmarks.shared_data import SHARED

BILINEAR = Image.Resampling.BILINEAR


def pictures(images: Sequence[Image.Image], name: str) -> Pictures:
    """Images as they are compared; every one counts as other bytes."""
    digest = np.array([f"{name} {row}" for row in range(len(images))])
    return Pictures(digest, np.stack([*map(perceptual_hash, images)]), np.stack([*map(_thumbnail, images)]))


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    """Compressed and read again."""
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=quality)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")


def scaled(image: Image.Image, factor: float) -> Image.Image:
    """Resized."""
    return image.resize((round(factor * image.width), round(factor * image.height)), BILINEAR)


def cropped(image: Image.Image, share: float) -> Image.Image:
    """A share of the width less on each side."""
    margin = round(share * image.width)
    return image.crop((margin, margin, image.width - margin, image.height - margin))


ALTERED: dict[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG quality 50": lambda image: jpeg(image, 50),
    "JPEG quality 30": lambda image: jpeg(image, 30),
    "a third of the size": lambda image: scaled(image, 1 / 3),
    "1.4 times the size": lambda image: scaled(image, 1.4),
    "brighter by 30 %": lambda image: ImageEnhance.Brightness(image).enhance(1.3),
    "contrast less by 30 %": lambda image: ImageEnhance.Contrast(image).enhance(0.7),
    "gamma 0.7": lambda image: image.point(lambda level: 255 * (level / 255) ** 0.7),
    "blurred, 1 pixel": lambda image: image.filter(ImageFilter.GaussianBlur(1)),
    "mirrored, JPEG quality 50": lambda image: jpeg(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), 50),
    "half the size, JPEG 50, brighter": lambda image: ImageEnhance.Brightness(jpeg(scaled(image, 0.5), 50)).enhance(
        1.2
    ),
    "shifted by 2 pixels": lambda image: image.crop((2, 2, image.width, image.height)),
    "turned by 2 degrees": lambda image: image.rotate(2, BILINEAR),
    "cropped by 1 % a side": lambda image: cropped(image, 0.01),
    "cropped by 2 % a side": lambda image: cropped(image, 0.02),
    "cropped by 4 % a side": lambda image: cropped(image, 0.04),
}


def strangers(seen: Pictures, person: np.ndarray) -> tuple[int, int, list[tuple[int, int]]]:
    """Pairs of images of different people, how many are called one picture, and which."""
    found = near_duplicates(seen, seen)
    apart = (person[found.first] != person[found.second]) & (found.first < found.second)
    counts = np.unique(person, return_counts=True)[1]
    pairs = (len(person) ** 2 - int((counts**2).sum())) // 2
    return pairs, int(apart.sum()), list(zip(found.first[apart].tolist(), found.second[apart].tolist(), strict=True))


def found_again(images: Sequence[Image.Image], seen: Pictures) -> dict[str, float]:
    """For each alteration the share of copies that are found."""
    shares = {}
    for name, alter in ALTERED.items():
        found = near_duplicates(seen, pictures([alter(image) for image in images], name))
        shares[name] = float((found.first == found.second).sum() / len(images))
    return shares


def rendered(people: int, photos: int, side: int) -> tuple[list[Image.Image], np.ndarray]:
    """Faces of people who do not exist."""
    faces, person = SyntheticFaces(11, side), np.repeat(np.arange(people), photos)
    shot = np.tile(np.arange(photos), people)
    parts = (faces.render(person[i : i + 100], shot[i : i + 100]).numpy() for i in range(0, len(person), 100))
    return [Image.fromarray(pixels) for part in parts for pixels in part.transpose(0, 2, 3, 1)], person


def real() -> tuple[list[Image.Image], np.ndarray, tuple[str, ...]]:
    """The shared part of Labeled Faces in the Wild."""
    roster = read_manifest(SHARED / "faces" / "lfw-protocol.csv")
    return [decode(Path(path)) for path in roster.paths], roster.subject, roster.image


def main() -> None:
    """Print both kinds of errors."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lfw", action="store_true")
    parser.add_argument("--people", type=int, default=700)
    asked = parser.parse_args()
    for side in (48, 112):
        images, person = rendered(asked.people, 6, side)
        pairs, wrong, _ = strangers(pictures(images, "plain"), person)
        print(f"rendered, {side} pixels: {wrong} of {pairs / 1e6:.1f} M pairs of different people", flush=True)
    if asked.lfw:
        images, who, names = real()
        seen = pictures(images, "plain")
        pairs, wrong, which = strangers(seen, who)
        print(
            f"LFW: {wrong} of {pairs / 1e6:.1f} M pairs of different people", [(names[a], names[b]) for a, b in which]
        )
        chosen = np.sort(np.random.default_rng(0).choice(len(images), 1000, replace=False))
        for name, share in found_again([images[row] for row in chosen], seen.take(chosen)).items():
            print(f"  {name:34} {100 * share:5.1f} % found")


if __name__ == "__main__":
    main()
