"""What a run was made of and on."""

import hashlib
import json
import platform
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

import bareface
from bareface.faces.examine import Examination
from bareface.records.evidence import Provenance
from bareface.storage.files import sha256_of

PACKAGES = ("torch", "numpy", "scikit-learn", "scipy", "pillow", "pyarrow")


def provenance(
    *, examination: Examination, files: Mapping[str, Path], configuration: dict[str, Any], seed: int,
    device: torch.device, started: str, seconds: float, also: tuple[str, ...] = (),
) -> Provenance:  # fmt: skip
    """Versions (of the packages named in `also`, too), machine, seed, and digests of what went in and came out."""
    people, roster = hashlib.sha256(), examination.accepted
    for row, image in enumerate(examination.digest.tolist()):
        people.update(f"{image} {roster.subject[row]} {roster.role[row]}\n".encode())
    return Provenance(
        bareface=bareface.__version__,
        python=sys.version.split()[0],
        packages={name: version(name) for name in (*PACKAGES, *also)},
        platform=f"{platform.system()} {platform.machine()}",
        device=str(device),
        threads=torch.get_num_threads(),
        seed=seed,
        started=started,
        seconds=round(seconds, 1),
        roster_sha256=people.hexdigest(),
        config_sha256=hashlib.sha256(json.dumps(configuration, sort_keys=True).encode()).hexdigest(),
        files={name: sha256_of(path) for name, path in files.items()},
    )
