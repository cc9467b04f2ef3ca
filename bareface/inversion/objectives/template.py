"""Cosine to given embeddings.

What it tests:
Whether the pipeline can find a person at all: with a known member's embedding as the template, the judges must
recognise the result. This is the oracle arm.

What the attacker needs:
Embeddings of the people that are looked for, from the target itself.

How it works:
The mean over views of the cosine to the row's template, or to the nearest of all templates.

Known limits:
The target's own templates can be met by images that no other network takes for the person.

Reference:
Template inversion, for example Shahreza and Marcel (GaFaR), TPAMI 2023.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from torch import Tensor
from torch.nn.functional import normalize

from bareface.errors import UsageError
from bareface.inversion.objectives.base import Given, TargetObjective
from bareface.inversion.view_batch import ViewBatch


@dataclass(frozen=True, eq=False)
class Template(TargetObjective):
    """Cosine to templates.

    Attributes:
        templates: (m, d) embeddings of any length.
        which: (rows of the search,) the template of each row; the nearest one if nobody said.

    Raises:
        UsageError: templates that are no matrix, or a row without one.
    """

    name: ClassVar[str] = "template"
    apart: ClassVar[bool] = False  # rows with one template are meant to become one face

    templates: Tensor
    which: Tensor | None = None

    def __post_init__(self) -> None:
        check_which("objective template", self.templates, self.which)

    @classmethod
    def made_of(cls, given: Given) -> "Template":
        """Nothing: whose templates, only a caller can say.

        Raises:
            UsageError: always.
        """
        return super(TargetObjective, cls).made_of(given)

    def nearest(self, sight: ViewBatch) -> Tensor:
        """(n,) the number of the template that each row is nearest to."""
        return cosines(self, self.templates, sight).argmax(1)

    def pinned(self, which: Tensor) -> "Template":
        """The same, every row with its own template."""
        return replace(self, which=which)

    def measure(self, sight: ViewBatch) -> Tensor:
        """(n,) in [-1, 1]."""
        return chosen(cosines(self, self.templates, sight), self.which, sight)


def cosines(objective: TargetObjective, templates: Tensor, sight: ViewBatch) -> Tensor:
    """(n, m) cosine of every row to every template, averaged over its views."""
    direction = sight.by(objective.target).direction.mean((1, 2))
    return direction @ normalize(templates.to(direction), dim=1).T


def chosen(cosine: Tensor, which: Tensor | None, sight: ViewBatch) -> Tensor:
    """(n,) the cosine to the row's own template, or the largest one."""
    if which is None:
        return cosine.amax(1)
    own = which[sight.rows.to(which.device)].to(cosine.device)
    return cosine.gather(1, own[:, None])[:, 0]


def check_which(where: str, templates: Tensor, which: Tensor | None) -> None:
    """Check that the templates are a matrix and that `which` names rows of it.

    Raises:
        UsageError: they are not.
    """
    if templates.ndim != 2 or not len(templates):
        raise UsageError(where, got=f"shape {tuple(templates.shape)}", expected="(m, d) with m >= 1")
    if which is not None and not ((which >= 0) & (which < len(templates))).all():
        got = f"numbers from {int(which.min())} to {int(which.max())}"
        raise UsageError(where, got=got, expected=f"numbers from 0 to {len(templates) - 1}")
