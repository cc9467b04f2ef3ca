"""The generator that comes with bareface.

What it tests:
Whether a search finds the people of a training set among faces that cost nothing to get.

What the attacker needs:
Nothing.

How it works:
A small StyleGAN2 that was taught by the face renderer; its first numbers are the person. See weights/README.md.

Known limits:
Faces of 64 pixels, drawn and not photographed, held still and with nothing before them.

Reference:
Karras et al., CVPR 2020, arXiv 1912.04958.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from bareface.inversion import __file__ as inversion_package
from bareface.inversion.checkpoints.store import load_generator
from bareface.inversion.generator import Generator
from bareface.inversion.generators.base import GeneratorKind, Wanted

WEIGHTS = Path(inversion_package).parent / "weights" / "faces-64.safetensors"


@dataclass(frozen=True)
class Shipped(GeneratorKind):
    """A checkpoint in this package."""

    name: ClassVar[str] = "shipped"
    origin: ClassVar[str] = "the generator that comes with bareface"

    def open(self, reference: str, wanted: Wanted) -> Generator:
        """That one, at its own size."""
        return load_generator(WEIGHTS)
