"""`backbone.json`: what lies beside the weights of a saved target."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from bareface.errors import CheckpointError
from bareface.settings.spec import LARGEST_SIDE, ChannelOrder, ImageSpec
from bareface.untrusted.json_text import bounded
from bareface.untrusted.regular import content_of
from bareface.untrusted.walk import CONFIGURATION, TooMuchError


class SpecCard(BaseModel):
    """The input spec."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    height: Annotated[int, Field(gt=0, le=LARGEST_SIDE)]
    width: Annotated[int, Field(gt=0, le=LARGEST_SIDE)]
    order: ChannelOrder
    mean: tuple[Annotated[float, Field(allow_inf_nan=False)], ...]
    std: tuple[Annotated[float, Field(allow_inf_nan=False)], ...]

    @classmethod
    def of(cls, spec: ImageSpec) -> "SpecCard":
        """The card of a spec."""
        return cls(height=spec.height, width=spec.width, order=spec.order, mean=spec.mean, std=spec.std)

    def spec(self) -> ImageSpec:
        """The spec that this card describes."""
        return ImageSpec(self.height, self.width, self.order, self.mean, self.std)


class BackboneCard(BaseModel):
    """What `backbone.json` says.

    Attributes:
        eps, momentum: of all BatchNorm layers, which shapes do not tell; None where a net has none.
        notes: whatever the one who saved it found worth knowing.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    format: Literal["bareface-backbone-1"] = "bareface-backbone-1"
    name: str
    architecture: str
    embedding_size: PositiveInt
    spec: SpecCard
    eps: float | None = None
    momentum: float | None = None
    notes: dict[str, str | int | float] = {}


def read_card(path: Path) -> BackboneCard:
    """The card at `path`.

    Raises:
        CheckpointError: it is missing, or is not a card that bareface wrote.
    """
    try:
        return BackboneCard.model_validate_json(bounded(content_of(path), CONFIGURATION))
    except OSError as error:
        got = error.strerror or "no readable file"
        hint = "the folder that save_target wrote, whole"
        raise CheckpointError(str(path), got=got, expected="the card of the weights", hint=hint) from None
    except (ValidationError, TooMuchError) as error:
        got = str(error)
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            got = f"{'.'.join(str(part) for part in first['loc']) or 'the file'}: {first['msg']}"
        raise CheckpointError(str(path), got=got, expected="a card that bareface wrote") from None
