"""A StyleGAN2 that `bareface train-generator` or `convert-generator` wrote.

What it tests:
Whether a search finds the people of a training set among faces that a network learnt from other people.

What the attacker needs:
A `.safetensors` file of ours with its card.

How it works:
The network is rebuilt from its card; nothing in the file can run.

Known limits:
It draws no face that differs much from those that it learnt from.

Reference:
Karras et al., CVPR 2020, arXiv 1912.04958.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from bareface.inversion.checkpoints.store import load_generator
from bareface.inversion.eigenfaces.store import is_eigenfaces
from bareface.inversion.generator import Generator
from bareface.inversion.generators.base import GeneratorKind, Wanted


@dataclass(frozen=True)
class StyleGan2File(GeneratorKind):
    """A file of ours."""

    name: ClassVar[str] = "stylegan2"
    origin: ClassVar[str] = "checkpoint"

    def owns(self, reference: str) -> bool:
        """Whether it is a safetensors file that has its card beside it, which is of no linear faces."""
        path = Path(reference)
        carded = path.suffix.lower() == ".safetensors" and path.with_suffix(".json").exists()
        return carded and not is_eigenfaces(path)

    def open(self, reference: str, wanted: Wanted) -> Generator:
        """The network in the file."""
        return load_generator(Path(reference))
