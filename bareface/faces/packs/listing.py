"""What a reader of packs gives: images by name, and who is on them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

UNREADABLE = "unreadable"
AGAIN = "copying the pack again, or a manifest (CSV with the columns image, subject, role) without this image"
"""What to try where one of its images is damaged."""


@dataclass(frozen=True)
class Listing:
    """The images of a pack, and the people on them.

    Attributes:
        names: n names, each once, without those of parts that hold no image.
        subject: (n,) who is on the image; `UNREADABLE` where damage hides it.
        numbered: whether the people are numbers that mean somebody within this pack only.
        ignored: kind -> how many entries were left aside.
    """

    names: tuple[str, ...]
    subject: NDArray[np.str_]
    numbered: bool
    ignored: Mapping[str, int] = field(default_factory=dict)


class Pack(Protocol):
    """Many encoded images in one file, each under a name."""

    def read(self, name: str) -> bytes:
        """The bytes of one image, as they were put in.

        Raises:
            FlawedImage: there is none of that name, or what holds it is damaged.
        """

    def listing(self) -> Listing:
        """The images, damaged ones included, in an order that depends on their names only.

        Raises:
            RosterError: the pack does not say who is on its images, or holds none.
        """
