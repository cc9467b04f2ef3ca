"""A backbone handed to another process: written to a folder, read back there, and answering to the last bit alike."""

from pathlib import Path

import torch

from bareface.errors import TargetError
from bareface.streams import seed_for
from bareface.targets.store import load_target, save_target
from bareface.targets.target import Target


def hand_target(target: Target, folder: Path) -> None:
    """Write a backbone so that `load_target` reads the same one.

    Raises:
        TargetError: it is code, or built in a way that weights do not tell; it can be asked in this process alone.
        RunError: the folder cannot be written.
    """
    save_target(target, folder)
    if not _alike(target, load_target(folder)):
        got = "a backbone that is not what its weights alone would make"
        raise TargetError(target.name, got=got, expected="one of an architecture that bareface knows")


def _alike(one: Target, other: Target) -> bool:
    """Whether fingerprints are the same, and so are the answers to noise, byte by byte."""
    if one.sha256 != other.sha256:
        return False
    drawn = torch.Generator().manual_seed(seed_for(0, "a backbone handed over"))
    noise = torch.randint(0, 256, (2, 3, one.spec.height, one.spec.width), dtype=torch.uint8, generator=drawn)
    with torch.inference_mode():
        first, second = (target.on(one.device).embed(noise.to(one.device)) for target in (one, other))
    return torch.equal(first, second)
