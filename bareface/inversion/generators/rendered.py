"""The face renderer of bareface.

What it tests:
Whether a search finds the people of a training set of rendered faces, where the truth is known to the pixel.

What the attacker needs:
Nothing.

How it works:
Faces are drawn from numbers, differentiably; the first are the person, the others the photo.

Known limits:
People who were photographed do not look like this.

Reference:
None; `bareface faces` draws the same ones.
"""

from dataclasses import dataclass
from typing import ClassVar

from bareface.inversion.generator import Generator
from bareface.inversion.generators.base import GeneratorKind, Wanted
from bareface.inversion.rendered import RenderedFaces


@dataclass(frozen=True)
class Rendered(GeneratorKind):
    """The renderer at any size."""

    name: ClassVar[str] = "rendered"
    origin: ClassVar[str] = "the face renderer of bareface"

    def open(self, reference: str, wanted: Wanted) -> Generator:
        """Rendered faces of the size that is wanted."""
        return RenderedFaces(wanted.size)
