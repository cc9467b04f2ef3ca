"""The head is not released.

What it tests:
How far its protection holds. The class centres: attacks on posteriors, losses or centres have nothing to read.

What the attacker needs:
The released backbone. They know the defence, and treat a shadow backbone with it.

How it works:
Ships the backbone alone, as most recognisers are shipped.

Known limits:
The backbone is the same: attacks without a head find what they found before.

Reference:
The setting of arXiv 2401.13719.
"""

from typing import ClassVar

from pydantic.dataclasses import dataclass

from bareface.targets.target import Target
from bareface.training.defence import PARAMETERS, Public, Reach, ReleaseDefence


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class HeadWithheld(ReleaseDefence):
    """The backbone alone."""

    name: ClassVar[str] = "head-withheld"
    reach: ClassVar[Reach] = "head"

    def released(self, target: Target, public: Public, seed: int) -> Target:
        """The same backbone without its head."""
        return target.without_head()
