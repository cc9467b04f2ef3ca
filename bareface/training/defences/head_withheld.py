"""The head is not released.

What it does:
Ships the backbone alone, as most recognisers are shipped.

What it protects:
The class centres: attacks on posteriors, losses or centres have nothing to read.

What it cannot:
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
