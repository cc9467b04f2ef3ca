"""GroupNorm instead of BatchNorm.

What it tests:
How far its protection holds. The statistics of the training set, and against attacks that read them (bn-distance).

What the attacker needs:
The released backbone and its head. They know the defence, and train a shadow backbone with it.

How it works:
Normalises groups of channels of each image by itself. There are no running statistics to release.

Known limits:
What the weights remember: distances to statistics that are estimated on public faces, agreement of views and
compactness of a person's photos need no running statistics.

Reference:
Wu and He, ECCV 2018, arXiv 1803.08494.
"""

from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import nn

from bareface.settings.recipe import Recipe
from bareface.training.defence import PARAMETERS, Public, TrainingDefence
from bareface.training.defences.norms import replace_batchnorm


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class GroupNorm(TrainingDefence):
    """Groups of channels.

    Attributes:
        channels: in a group, at least; the embedding too is normalised in groups of at least so many.
    """

    name: ClassVar[str] = "group-norm"

    channels: Annotated[int, Field(ge=2)] = 8

    def backbone(self, module: nn.Module, recipe: Recipe, public: Public) -> nn.Module:
        """The backbone with GroupNorm layers where BatchNorm layers stood."""
        return with_group_norm(module, recipe.architecture, self.channels)


def with_group_norm(module: nn.Module, where: str, channels: int = 8) -> nn.Module:
    """The module with GroupNorm of at least so many channels a group; groups of one would be normalised to nothing.

    Raises:
        TargetError: there is no BatchNorm to replace.
    """
    return replace_batchnorm(
        module, lambda layer: nn.GroupNorm(_groups(layer.num_features, channels), layer.num_features), where
    )


def _groups(width: int, channels: int) -> int:
    return max(
        groups for groups in range(1, width + 1) if width % groups == 0 and (width // groups >= channels or groups == 1)
    )
