"""What probing costs: python -m benchmarks.speed.probing

1. Time: probing both views against the bare `inference_mode` forward of both views over the same decoded images, in
   rounds that take turns in one process, so that a noisy machine slows both. The median of the rounds' ratios is
   printed. A round of probing includes writing its part file; one round of each goes before and is not timed.
   Both keep freed memory, as `bareface` does: without that both are a third slower.
2. Memory: peak resident memory of a process that probes 10,000 and one that probes 100,000 synthetic images.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bareface.allocator import keep_freed_memory
from bareface.faces.source import ArrayImages
from bareface.probing.backbone import BackboneProber
from bareface.probing.probe import plan, probe
from bareface.settings.spec import ImageSpec
from bareface.targets.build import build
from bareface.targets.target import Target

# Backbone, side in pixels, images in a round, rounds.
NETS = (("ir-tiny", 48, 4096, 7), ("mobilefacenet", 112, 256, 9), ("iresnet18", 112, 80, 9), ("iresnet50", 112, 48, 7))


@dataclass(frozen=True)
class RenderedNoise:
    """Images made from their number alone, so that no number of them fills memory."""

    count: int
    side: int

    def __len__(self) -> int:
        return self.count

    def load(self, rows: NDArray[np.intp]) -> Tensor:
        """Noise, the same for the same row."""
        generator = torch.Generator().manual_seed(int(rows[0]))
        return torch.randint(0, 256, (len(rows), 3, self.side, self.side), dtype=torch.uint8, generator=generator)


def net(architecture: str, side: int) -> Target:
    """A fresh backbone."""
    torch.manual_seed(0)
    spec = ImageSpec(side, side)
    return Target(architecture, architecture, build(architecture, spec=spec), spec)


def bare_forward(target: Target, images: Tensor, at_once: int) -> None:
    """What any user of the backbone pays for both views, `at_once` images and their flips in one pass."""
    with torch.inference_mode():
        for batch in images.split(at_once):
            pixels = target.spec.normalise(batch)
            target.module(torch.cat([pixels, pixels.flip(-1)]))


def seconds(job: Callable[[], object]) -> float:
    """How long a job takes."""
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def paired_ratio(architecture: str, side: int, count: int, rounds: int) -> tuple[float, float, float]:
    """Ratio of probing to the bare forward, and both in images/s (an image and its flip count as one)."""
    target = net(architecture, side)
    prober = BackboneProber(target)
    images = RenderedNoise(count, side).load(np.arange(count))
    pairs = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds + 1):
            todo = plan(prober, np.array([f"{number}-{i}" for i in range(count)]))
            jobs = [
                lambda todo=todo: bare_forward(target, images, todo.batch_size),
                lambda todo=todo: probe(prober, ArrayImages(images), todo, Path(folder)),
            ]
            order = (0, 1) if number % 2 else (1, 0)
            spent = {which: seconds(jobs[which]) for which in order}
            pairs.append((spent[0], spent[1]))
    bare, probed = np.array(pairs[1:]).T
    return float(np.median(probed / bare)), count / float(np.median(bare)), count / float(np.median(probed))


def peak_memory(count: int) -> float:
    """Peak resident MiB of a fresh process that probes `count` images."""
    command = [sys.executable, "-m", "benchmarks.speed.probing", "--child", str(count)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def child(count: int) -> None:
    """Probe `count` images and print the peak resident memory."""
    prober = BackboneProber(net("ir-tiny", 32))
    digests = np.array([f"{i:08d}" for i in range(count)])
    with tempfile.TemporaryDirectory() as folder:
        probe(prober, RenderedNoise(count, 32), plan(prober, digests), Path(folder))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    """Print both tables."""
    keep_freed_memory()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="small nets, fewer images")
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child)
        return
    print(f"threads {torch.get_num_threads()}\n\nbackbone        px   bare img/s   probe img/s   ratio")
    for architecture, side, count, rounds in NETS[: 1 if arguments.quick else None]:
        ratio, bare, probed = paired_ratio(architecture, side, count, rounds)
        print(f"{architecture:14} {side:4}   {bare:10.1f}   {probed:11.1f}   {ratio:5.3f}")
    sizes = (1_000, 5_000) if arguments.quick else (10_000, 100_000)
    print("\nimages    peak resident MiB")
    for count in sizes:
        print(f"{count:7}   {peak_memory(count):8.0f}")


if __name__ == "__main__":
    main()
