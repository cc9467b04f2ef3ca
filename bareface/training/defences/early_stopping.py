"""Early stopping.

What it tests:
How far its protection holds. Everything that grows with the number of times an image was seen; the cheapest defence
of the backbone itself.

What the attacker needs:
The released backbone and its head. They know the defence, and train a shadow backbone with it.

How it works:
Ends training after a share of the epochs, while the learning rate is still high.

Known limits:
It pays with recognition: the last epochs, at a small learning rate, are those that recognition gains most from.

Reference:
Song, Mittal: Systematic Evaluation of Privacy Risks, USENIX Security 2021; Liu et al., EncoderMI, CCS 2021, section 6.
"""

from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from bareface.settings.recipe import Recipe
from bareface.training.defence import PARAMETERS, TrainingDefence


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class EarlyStopping(TrainingDefence):
    """Fewer epochs of the same schedule.

    Attributes:
        share: of the epochs that are gone through, at least one.
    """

    name: ClassVar[str] = "early-stopping"

    share: Annotated[float, Field(gt=0, lt=1)] = 0.4

    def last_epoch(self, recipe: Recipe) -> int:
        """After which epoch training ends."""
        return max(1, round(self.share * recipe.epochs))
