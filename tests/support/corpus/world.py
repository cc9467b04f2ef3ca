"""What hostile inputs are brought together with: a small backbone with random weights, and rendered people."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from bareface.settings.spec import ImageSpec
from bareface.targets.build import build
from bareface.targets.store import save_target
from bareface.targets.target import Target

PEOPLE, IMAGES, SIDE = 12, 2, 32


@dataclass(frozen=True)
class World:
    """Where things lie.

    Attributes:
        home: of the honest files; read, never written.
        services: address of a service; the last part of its path says how it misbehaves.
    """

    home: Path
    services: str = ""

    @property
    def target(self) -> str:
        """A folder with a backbone."""
        return str(self.home / "target")

    @property
    def faces(self) -> str:
        """A folder of people."""
        return str(self.home / "faces")

    @property
    def others(self) -> str:
        """A folder of other people."""
        return str(self.home / "others")

    @property
    def picture(self) -> bytes:
        """The bytes of one honest PNG file."""
        return (self.home / "faces" / "p00" / "0.png").read_bytes()


def make_world(home: Path) -> World:
    """Write the honest files."""
    torch.manual_seed(0)
    spec = ImageSpec(SIDE, SIDE, "RGB", (127.5,), (127.5,))
    module = build("ir-tiny", spec=spec, embedding_size=16).eval()
    save_target(Target("honest", "ir-tiny", module, spec), home / "target")
    rng = np.random.default_rng(0)
    for folder in ("faces", "others"):
        for person in range(PEOPLE):
            place = home / folder / f"p{person:02}{folder[0] if folder == 'others' else ''}"
            place.mkdir(parents=True)
            for image in range(IMAGES):
                pixels = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"{image}.png")
    (home / "secret.txt").write_bytes(b"nobody else's business")
    return World(home)
