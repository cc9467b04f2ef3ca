"""How long it takes to compare everybody of two sets with everybody, and how much memory.

python -m benchmarks.speed.matching --people 100000 --size 512
"""

import argparse
import resource
import time

import numpy as np

from bareface.stats.impostors import TAIL, calibrate
from bareface.stats.matching import largest_products, matches, median_product


def drawn(people: int, size: int, seed: int) -> np.ndarray:
    """(people, size) directions."""
    values = np.random.default_rng(seed).standard_normal((people, size), dtype=np.float32)
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def main() -> None:
    """Plant a hundred people in both sets, calibrate on the first, and find them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--size", type=int, default=512)
    asked = parser.parse_args()
    first, second = (drawn(asked.people, asked.size, seed) for seed in (1, 2))
    second[:100] = first[:100] + 0.5 * second[:100]
    second[:100] /= np.linalg.norm(second[:100], axis=1, keepdims=True)
    start = time.perf_counter()
    largest, median = largest_products(first, TAIL + 1), median_product(first)
    within = time.perf_counter()
    known = calibrate(largest, median, asked.people * (asked.people - 1) // 2, asked.people**2, 1.0)
    found = matches(first, second, known.threshold or 1.0)
    done = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{asked.people:,} x {asked.people:,} people, {asked.size} numbers each")
    print(f"calibration within one set {within - start:.1f} s, comparison {done - within:.1f} s, peak {peak:,.0f} MiB")
    print(f"threshold {known.threshold:.3f}: {len(found)} matches, {int((found.first == found.second).sum())} planted")


if __name__ == "__main__":
    main()
