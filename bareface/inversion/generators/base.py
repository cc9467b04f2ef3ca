"""What a kind of generator is: which references are its own, and how one is opened."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from bareface.errors import TargetError
from bareface.inversion.generator import Generator
from bareface.registry import Plugin
from bareface.untrusted.regular import is_file

_LACKING = ("render", "sample", "to", "prior", "size", "fingerprint")


@dataclass(frozen=True)
class Wanted:
    """What is wanted of a generator that is opened.

    Attributes:
        size: side of its images in pixels, where it can choose.
        kept: folder for converted files.
        declared: what a network cannot say of itself: z_dim, size, value_range and so on.
    """

    size: int
    kept: Path
    declared: Mapping[str, Any] = field(default_factory=dict)


class GeneratorKind(Plugin, ABC):
    """An abstract kind of generator. A final one is a frozen dataclass with a name and one method."""

    origin: ClassVar[str]
    """Where such a generator comes from, in words."""
    suffixes: ClassVar[tuple[str, ...]] = ()
    """How its files are called, with the dot, in small letters."""
    last: ClassVar[bool] = False
    """Whether it is asked after all others."""

    def owns(self, reference: str) -> bool:
        """Whether a reference is one of this kind: its name, or a file that is called like its files."""
        path = Path(reference)
        return reference == self.name or (path.suffix.lower() in self.suffixes and is_file(path))

    @abstractmethod
    def open(self, reference: str, wanted: Wanted) -> Generator:
        """The generator that a reference names.

        Raises:
            BarefaceError: there is none.
        """


def checked(reference: str, made: object) -> Generator:
    """What somebody's code made, if it has what a generator must have.

    Raises:
        TargetError: it has not.
    """
    lacking = [name for name in _LACKING if not hasattr(made, name)]
    if lacking:
        raise TargetError(
            reference,
            got=f"a {type(made).__name__} without {', '.join(lacking)}",
            expected="a torch.nn.Module, or a bareface Generator",
        )
    return made  # type: ignore[return-value]
