"""What workers cost and bring: python -m benchmarks.speed.workers --images 8192 --workers 2 [--ray]

Probes a small backbone with fresh weights about rendered people of 48 pixels: in this process with one thread, by
processes, by actors of a Ray cluster in this process. Printed are the seconds until workers stand ready (a first
probing of one image a worker), the seconds of the probing and their share of one process, the CPU seconds of all
processes with their start (not of Ray's, which are nobody's children), and whether the parts are the same bytes.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from bareface.allocator import keep_freed_memory
from bareface.faces.images import RosterImages
from bareface.probing.backbone import BackboneProber
from bareface.probing.probe import plan, probe
from bareface.rosters.roster import Roster, read_folder
from bareface.settings.spec import ImageSpec
from bareface.shards.choice import chosen
from bareface.storage.files import sha256_of
from bareface.synthetic import write_folder
from bareface.targets.build import build
from bareface.targets.target import Target
from bareface.vocabulary import ExecutorKind, Role

SIDE, PEOPLE, PHOTOS = 48, 64, 8


def images_of(home: Path, count: int) -> RosterImages:
    """So many images: rendered ones, linked again and again under new names."""
    write_folder(home / "faces", people=PEOPLE, images=PHOTOS, size=SIDE, seed=3)
    known = sorted((home / "faces").glob("*/*"))
    (home / "many").mkdir()
    for number in range(count):
        folder = home / "many" / f"p{number // PHOTOS:06d}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number % PHOTOS:03d}.png").hardlink_to(known[number % len(known)])
    listed = read_folder(home / "many", Role.PUBLIC)
    return RosterImages(Roster(listed.root, listed.image, listed.subject, listed.role), SIDE, SIDE)


def cpu() -> float:
    """CPU seconds of this process and of its children that have ended."""
    return sum(os.times()[:4])


def probed(kind: ExecutorKind, workers: int, images: RosterImages, folder: Path, part: int) -> tuple[float, float]:
    """Seconds until workers stood ready, and seconds of a probing."""
    torch.manual_seed(0)
    spec = ImageSpec(SIDE, SIDE)
    prober = BackboneProber(Target("small", "ir-tiny", build("ir-tiny", spec=spec, embedding_size=64), spec))
    digests = np.array([f"{number:064x}" for number in range(len(images))])
    few = RosterImages(images.roster.take(np.arange(workers)), SIDE, SIDE)
    with chosen(kind, workers) as executor:
        start = time.perf_counter()
        probe(prober, few, plan(prober, digests[:workers], part_size=1), folder / "few", executor=executor)
        ready = time.perf_counter()
        probe(prober, images, plan(prober, digests, part_size=part), folder / "all", executor=executor)
        return ready - start, time.perf_counter() - ready


def main() -> None:
    """Probe in every way, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=8192)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--part", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--ray", action="store_true")
    asked = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    ways: list[tuple[ExecutorKind, int]] = [("inline", 1), ("processes", 1), ("processes", asked.workers)]
    ways += [("ray", 1), ("ray", asked.workers)] if asked.ray else []
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        images, alone, parts = images_of(home, asked.images), list[float](), dict[str, str]()
        for number in range(asked.rounds):
            for kind, workers in ways:
                folder = home / f"{kind}-{workers}-{number}"
                folder.mkdir()
                before = cpu()
                ready, took = probed(kind, workers, images, folder, asked.part)
                found = {path.name: sha256_of(path) for path in folder.glob("all/*/*.parquet")}
                alone, parts = ([took], found) if kind == "inline" else (alone, parts)
                same = "same bytes" if found == parts else "OTHER BYTES"
                ratio = f"{took / alone[0]:.2f} of one process"
                used = "" if kind == "ray" else f"{cpu() - before:.1f} s of CPU, "
                print(f"{kind:9} {workers}: ready {ready:5.1f} s, {took:6.1f} s, {ratio}, {used}{same}", flush=True)


if __name__ == "__main__":
    main()
