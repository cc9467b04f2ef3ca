"""Cosine to the class centres of the classification head.

What it tests:
How much a shipped head gives away: with it, each training person has a vector to be searched for. This is the
comparison for everything that works without.

What the attacker needs:
The classification layer beside the backbone.

How it works:
The mean over views of the cosine to the row's class centre, or to the nearest of all centres.

Known limits:
None of a backbone without its head; the same caution as for templates.

Reference:
Class-driven inversion, for example Struppek et al. (Plug and Play Attacks), arXiv 2201.12179.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from torch import Tensor

from bareface.errors import UsageError
from bareface.inversion.objectives.base import TargetObjective
from bareface.inversion.objectives.template import check_which, chosen, cosines
from bareface.inversion.view_batch import ViewBatch


@dataclass(frozen=True, eq=False)
class ClassCentreObjective(TargetObjective):
    """Cosine to class centres.

    Attributes:
        which: (rows of the search,) the class of each row; the nearest one if nobody said.

    Raises:
        UsageError: the target has no head, or a row no class.
    """

    name: ClassVar[str] = "class-centre"

    which: Tensor | None = None

    def __post_init__(self) -> None:
        check_which("objective class-centre", self.centres, self.which)

    @property
    def centres(self) -> Tensor:
        """(identities, d)."""
        if self.target.centres is None:
            raise UsageError(
                "objective class-centre",
                got=f"{self.target.name}, a backbone without its head",
                expected="the classification head beside the backbone",
                hint="an objective that needs no head, such as agreement",
            )
        return self.target.centres

    def nearest(self, sight: ViewBatch) -> Tensor:
        """(n,) the class that each row is nearest to."""
        return cosines(self, self.centres, sight).argmax(1)

    def pinned(self, which: Tensor) -> "ClassCentreObjective":
        """The same, every row with its own class."""
        return replace(self, which=which)

    def measure(self, sight: ViewBatch) -> Tensor:
        """(n,) in [-1, 1]."""
        return chosen(cosines(self, self.centres, sight), self.which, sight)
