"""What becomes of raw photos: python -m benchmarks.validity.raw_photos

1. How many of the photos in `faces/raw` have a face, several, none; how fast, per second of one core.
2. Landmarks: a photo turned, scaled, shifted and cut anew must give the landmarks of the photo, moved alike; and the
   prepared crop (a fixed window of the photo) those of the photo, moved into the crop. Distances are given in per cent
   of the distance of the eyes. Both say how steady the detector is; where eyes truly are nobody wrote down.
3. Verification of a checkpoint on all pairs of these photos: cut out by the detector, with either choice, beside the
   prepared crops. Intervals and differences resample people.
4. Peak memory of `bareface align` on a photo of 48 megapixels, as JPEG, PNG and, where it can be read, HEIC.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from sklearn.metrics import roc_auc_score

from bareface.errors import UsageError
from bareface.faces.decode import decode
from bareface.faces.detection.finder import MtcnnFinder
from bareface.faces.detection.networks import load_networks
from bareface.faces.photos import cut_out
from bareface.faces.template import TEMPLATES
from bareface.streams import stream
from bareface.targets.dlib_network import DlibNetwork
from bareface.targets.kinds import load_any
from bareface.targets.target import Target
from benchmarks.shared_data import SHARED, checkpoint

CHECKPOINT, FAR, DRAWS = "casia-068.ckpt", 0.01, 200
# A crop is 136 pixels around (125, 118) of its photo, at 112 pixels.
WINDOW, CENTRE, SIDE = 136, np.array([125.0, 118.0]), 112
MOVES = ((0.0, 1.0), (10.0, 1.0), (-10.0, 1.0), (0.0, 0.6), (0.0, 1.6), (15.0, 1.3))
SMALL, LARGE = 640, 1600
# The peak that a process inherits from the one that began it stands in getrusage, not in its status.
ALIGN = """
import sys, time
from bareface.cli.app import app
app(["align", sys.argv[1], sys.argv[1] + "/faces"], standalone_mode=False)
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
print(int(peak) // 1024, round(time.process_time(), 1))
"""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Photo:
    """A raw photo and its prepared crop."""

    person: str
    raw: Image.Image
    crop: Image.Image


def photos() -> list[Photo]:
    """All of them, in order."""
    root = SHARED / "faces" / "raw"
    paths = sorted(root.rglob("*.jpg"))
    if not paths:
        sys.exit(f"{root} is not here: this benchmark needs the raw photos; set BAREFACE_SHARED to their folder")
    crops = [SHARED / "faces" / "lfw" / path.relative_to(root) for path in paths]
    return [Photo(path.parent.name, decode(path), decode(crop)) for path, crop in zip(paths, crops, strict=True)]


def speed(finder: MtcnnFinder, shown: Sequence[Image.Image]) -> float:
    """Photos a second of CPU time."""
    finder(shown[0])
    began = time.process_time()
    for image in shown:
        finder(image)
    return len(shown) / (time.process_time() - began)


def moved(image: Image.Image, degrees: float, scale: float) -> tuple[Image.Image, Floats]:
    """An image turned and scaled about its middle and shifted, and (2, 3) where its points went."""
    angle, middle = np.radians(degrees), np.array(image.size) / 2
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    size = np.ceil(np.array(image.size) * scale).astype(int)
    shift = size / 2 + [7, -5] - turn @ middle
    back = np.linalg.inv(turn)
    there = np.column_stack([back, -back @ shift]).ravel()
    image = image.transform(tuple(size.tolist()), Image.Transform.AFFINE, tuple(there), Image.Resampling.BICUBIC)
    return image, np.column_stack([turn, shift])


def steadiness(finder: MtcnnFinder, shown: Sequence[Photo], known: Sequence[Floats]) -> list[str]:
    """A line for each way of moving a photo."""
    lines = []
    for degrees, scale in MOVES:
        told = []
        for photo, points in zip(shown, known, strict=True):
            image, move = moved(photo.raw, degrees, scale)
            expected = (points + 0.5) @ move[:, :2].T + move[:, 2] - 0.5
            told.append(distance(finder, image, expected))
        lines.append(f"shifted, turned by {degrees:g} degrees, scaled by {scale:g}: {spread(told)}")
    told = []
    for photo, points in zip(shown, known, strict=True):
        expected = ((points + 0.5) - (CENTRE - WINDOW / 2)) * SIDE / WINDOW - 0.5
        told.append(distance(finder, photo.crop, expected))
    return [*lines, f"the prepared crop: {spread(told)}"]


def distance(finder: MtcnnFinder, image: Image.Image, expected: Floats) -> float:
    """Mean distance of five landmarks from where they should be, as a share of that of the eyes; NaN = no face."""
    found = finder(image)
    if found is None:
        return float("nan")
    eyes = float(np.linalg.norm(expected[1] - expected[0]))
    return float(np.linalg.norm(found.landmarks - expected, axis=1).mean()) / eyes


def spread(told: Sequence[float]) -> str:
    """Median, 95th percentile, and how many are far away or have no face."""
    values = np.array(told)
    seen = values[~np.isnan(values)]
    far, none = int((seen > 0.25).sum()), int(np.isnan(values).sum())
    middle, high = 100 * np.percentile(seen, [50, 95])
    return f"median {middle:.1f} %, 95 % below {high:.1f} %, above 25 %: {far}, no face: {none} of {len(values)}"


def embeddings(reference: str, faces: Sequence[NDArray[np.uint8]]) -> Floats:
    """(n, d) of norm 1: what a network says of 112 x 112 faces and of their mirror images together."""
    target = load_any(reference)
    assert isinstance(target, Target | DlibNetwork)
    narrow = (SIDE - target.spec.width) // 2
    pixels = torch.from_numpy(np.stack(faces)[:, :, narrow : SIDE - narrow]).permute(0, 3, 1, 2)
    with torch.inference_mode():
        told = torch.cat([target.embed(part) + target.embed(part.flip(-1)) for part in pixels.split(64)]).double()
    unit: Floats = (told / told.norm(dim=1, keepdim=True)).numpy()
    return unit


@dataclass(frozen=True)
class Pairs:
    """All pairs of photos.

    Attributes:
        first, second: which photos.
        same: whether they show one person.
    """

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    same: NDArray[np.bool_]

    def auc(self, similar: Floats, weight: Floats) -> float:
        """Of the cosines (n, n), with a weight for each photo."""
        pair = weight[self.first] * weight[self.second]
        return float(roc_auc_score(self.same, similar[self.first, self.second], sample_weight=pair))

    def tar(self, similar: Floats) -> float:
        """True accept rate at a false accept rate of `FAR`."""
        values = similar[self.first, self.second]
        return float((values[self.same] > np.quantile(values[~self.same], 1 - FAR)).mean())


def verification(reference: str, ways: dict[str, Sequence[NDArray[np.uint8]]], people: Sequence[str]) -> list[str]:
    """A line for each way to the faces; the first is what the others are compared with."""
    name, rows = np.unique(people, return_inverse=True)
    first, second = np.triu_indices(len(people), 1)
    pairs = Pairs(first, second, rows[first] == rows[second])
    cosines = {way: (e := embeddings(reference, faces)) @ e.T for way, faces in ways.items()}
    even = np.ones(len(people))
    weights = [drawn_people(number, len(name))[rows] for number in range(DRAWS)]
    whole = {way: pairs.auc(similar, even) for way, similar in cosines.items()}
    drawn = {way: np.array([pairs.auc(similar, one) for one in weights]) for way, similar in cosines.items()}
    base = next(iter(ways))
    lines = []
    for way, similar in cosines.items():
        low, high = np.quantile(drawn[way], [0.025, 0.975])
        below, above = np.quantile(drawn[way] - drawn[base], [0.025, 0.975])
        lines.append(
            f"{way}: AUC {whole[way]:.4f} [{low:.4f}, {high:.4f}], TAR at {FAR:.0%} FAR {pairs.tar(similar):.1%}, "
            f"against the prepared crops {whole[way] - whole[base]:+.4f} [{below:+.4f}, {above:+.4f}]"
        )
    return lines


def drawn_people(number: int, count: int) -> Floats:
    """How often each of `count` people is drawn, when that many are drawn with replacement."""
    drawn = stream(7, "raw photos", number).integers(0, count, count)
    return np.bincount(drawn, minlength=count).astype(np.float64)


def memory(photo: Image.Image) -> list[str]:
    """A line for each format."""
    large = Image.new("RGB", (8000, 6000), (90, 120, 90))
    large.paste(photo.resize((3000, 3000), Image.Resampling.BICUBIC), (2500, 1500))
    lines = []
    for form in ("JPEG", "PNG", "HEIC"):
        with tempfile.TemporaryDirectory() as home:
            path = Path(home) / f"photo.{form.lower()}"
            if form == "HEIC":
                try:
                    from pillow_heif import from_pillow
                except ImportError:
                    lines.append("HEIC: not read here, for want of the extra heif")
                    continue
                from_pillow(large).save(path, quality=80)
            else:
                large.save(path, form, quality=90, compress_level=1)
            told = subprocess.run(
                [sys.executable, "-c", ALIGN, home], check=True, capture_output=True, text=True
            ).stdout
            mib, seconds = told.split()[-2:]
            lines.append(f"{form}: {mib} MiB, {seconds} s of CPU time")
    return lines


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    torch.set_num_threads(1)
    shown, networks = photos(), load_networks()
    central, largest = MtcnnFinder(networks, "central"), MtcnnFinder(networks, "largest")
    found = {
        way: [finder(photo.raw) for photo in shown] for way, finder in {"central": central, "largest": largest}.items()
    }
    counts = Counter(0 if one is None else one.faces for one in found["central"])
    print(f"faces on {len(shown)} photos: {dict(sorted(counts.items()))}")
    seen = [row for row, one in enumerate(found["central"]) if one is not None]
    rates = {"250 x 250": [photo.raw for photo in shown]}
    for side in (SMALL, LARGE):
        sized = [photo.raw.resize((side, side * 3 // 4), Image.Resampling.BICUBIC) for photo in shown[::8]]
        rates[f"{side} x {side * 3 // 4}"] = sized
    for size, images in rates.items():
        print(f"{size}: {speed(central, images):.1f} photos a second of CPU time")
    known = [one.landmarks for one in found["central"] if one is not None]
    print("\nlandmarks, in per cent of the distance of the eyes")
    print("\n".join(steadiness(central, [shown[row] for row in seen][::4], known[::4])))
    ways: dict[str, Sequence[NDArray[np.uint8]]] = {"prepared crops": [np.asarray(shown[row].crop) for row in seen]}
    for way, told in found.items():
        ways[way] = [cut_out(shown[r].raw, one.landmarks, TEMPLATES["112x112"]) for r in seen if (one := told[r])]
    for reference in (str(checkpoint(CHECKPOINT)), "dlib"):
        print(f"\n{Path(reference).name}, all pairs of {len(seen)} photos")
        try:
            print("\n".join(verification(reference, ways, [shown[row].person for row in seen])))
        except UsageError as missing:
            print(missing)
    print("\n48 megapixels")
    print("\n".join(memory(shown[0].raw)))


if __name__ == "__main__":
    main()
