"""A backbone handed to another process: written to a folder, read back there, and answering to the last bit alike."""

import logging
import shutil
from pathlib import Path

import torch

from bareface.errors import TargetError
from bareface.streams import seed_for
from bareface.targets.kinds import Auditable
from bareface.targets.store import load_target, save_target
from bareface.targets.target import Target

_log = logging.getLogger(__name__)


def is_handed(target: Auditable, folder: Path, otherwise: str) -> bool:
    """Write a target for other processes; False where it can be asked in this one alone, and the folder is gone then.

    Args:
        otherwise: what happens then, for the warning that says why.

    Raises:
        RunError: the folder cannot be written.
    """
    try:
        hand_target(target, folder)
    except TargetError as error:
        shutil.rmtree(folder)
        _log.warning("%s: %s", otherwise, error)
        return False
    return True


def hand_target(target: Auditable, folder: Path) -> None:
    """Write a backbone so that `load_target` reads the same one.

    Raises:
        TargetError: it is no torch backbone, it is code, or built in a way that weights do not tell; it can be asked in
            this process alone.
        RunError: the folder cannot be written.
    """
    if not isinstance(target, Target):
        got = "a target that is no torch backbone"
        raise TargetError(target.name, got=got, expected="a torch backbone, which workers can load")
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
