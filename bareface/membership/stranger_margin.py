"""How much nearer a photo lies to its person's other photos than to the nearest stranger.

What it tests:
Whether photos that a person brings together lie nearer to each other than to anybody else by a wider margin than those
of a person who was not in training: margin losses train for just that.

What the attacker needs:
Only answers (black box), exactly k photos of each person, and a gallery of public people; either some true members
(partial), a shadow backbone (shadow), or people who are known not to be members (nonmembers).

How it works:
artanh of the cosine to the mean direction of the set's other k - 1 photos, less artanh of the largest cosine to the
mean direction of somebody in the gallery.

Known limits:
The nearest of many strangers is nearer than that of few: every side and every model is compared with one gallery. Who
has a double among the public people looks like a non-member.

Reference:
The margin between own and foreign centroids, after SLMIA-SR (arXiv 2309.07983) and FACE-AUDITOR (USENIX Security 2023).
"""

from typing import ClassVar

import numpy as np
from pydantic.dataclasses import dataclass

from bareface.membership.base import PARAMETERS, Beside, Features
from bareface.membership.engine.features import direction, fisher, unit
from bareface.membership.engine.gallery import nearest_stranger
from bareface.membership.families.photo_sets import Array, SetAttack, Sets
from bareface.trace import Trace


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class StrangerMargin(SetAttack):
    """Margins of a set."""

    name: ClassVar[str] = "stranger-margin"
    beside: ClassVar[frozenset[Beside]] = frozenset({"gallery"})

    def of_sets(self, trace: Trace, sets: Sets) -> Features:
        """(m, 2) the mean and the least of the photos' margins."""
        margin = margins(trace, sets, self.name)
        return np.stack([margin.mean(1), margin.min(1)], axis=1)


def margins(trace: Trace, sets: Sets, name: str) -> Array:
    """(m, k) the margin of each photo of each set.

    Raises:
        Abstained: there is no gallery.
    """
    stranger, members = fisher(nearest_stranger(trace, name)), direction(trace)[sets]
    others = unit(members.sum(1, keepdims=True) - members)
    return fisher((members * others).sum(-1)) - stranger[sets]
