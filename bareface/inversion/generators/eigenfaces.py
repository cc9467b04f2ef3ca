"""Linear faces that `bareface fit-generator` fitted.

What it tests:
Whether a search finds the people of a training set among blends of public faces.

What the attacker needs:
A `.safetensors` file of ours with its card.

How it works:
A mean face and directions along which people, or the photos of one person, differ.

Known limits:
Blends of aligned photos are blurred.

Reference:
Turk and Pentland, 1991; Belhumeur et al., 1997.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from bareface.inversion.eigenfaces.store import is_eigenfaces, load_eigenfaces
from bareface.inversion.generator import Generator
from bareface.inversion.generators.base import GeneratorKind, Wanted


@dataclass(frozen=True)
class EigenfacesFile(GeneratorKind):
    """A file of linear faces."""

    name: ClassVar[str] = "eigenfaces"
    origin: ClassVar[str] = "checkpoint"
    suffixes: ClassVar[tuple[str, ...]] = (".safetensors",)

    def owns(self, reference: str) -> bool:
        """Whether the card beside the file says so."""
        return super().owns(reference) and reference != self.name and is_eigenfaces(Path(reference))

    def open(self, reference: str, wanted: Wanted) -> Generator:
        """The faces in the file."""
        return load_eigenfaces(Path(reference))
