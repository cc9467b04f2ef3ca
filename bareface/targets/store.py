"""Targets on disk: a folder that holds the weights, a card that says how to feed them, and perhaps a head.

backbone.safetensors   weights and buffers
backbone.json          architecture, input spec, embedding size, notes
head.safetensors       class centres, only where the target has them; delete it and the head is gone
"""

from pathlib import Path
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, PositiveInt, ValidationError
from safetensors.torch import load_file, save_file
from torch import Tensor

from bareface.errors import CheckpointError, TargetError
from bareface.files import atomic_path, write_text
from bareface.targets.build import build
from bareface.targets.spec import ChannelOrder, ImageSpec
from bareface.targets.target import Target

WEIGHTS, CARD, HEAD = "backbone.safetensors", "backbone.json", "head.safetensors"


class SpecCard(BaseModel):
    """The input spec as it lies in `backbone.json`."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    height: PositiveInt
    width: PositiveInt
    order: ChannelOrder
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def spec(self) -> ImageSpec:
        """The spec that this card describes."""
        return ImageSpec(self.height, self.width, self.order, self.mean, self.std)


class BackboneCard(BaseModel):
    """What `backbone.json` says."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    format: Literal["bareface-backbone-1"] = "bareface-backbone-1"
    name: str
    architecture: str
    embedding_size: PositiveInt
    spec: SpecCard
    notes: dict[str, str | int | float] = {}


def save_target(target: Target, folder: Path, notes: dict[str, str | int | float] | None = None) -> None:
    """Write a target to `folder`; one without centres removes an older head from there.

    Raises:
        RunError: the folder cannot be written.
    """
    spec = target.spec
    card = BackboneCard(
        name=target.name,
        architecture=target.architecture,
        embedding_size=target.embedding_size,
        spec=SpecCard(height=spec.height, width=spec.width, order=spec.order, mean=spec.mean, std=spec.std),
        notes=notes or {},
    )
    _save_tensors(target.module.state_dict(), folder / WEIGHTS)
    if target.centres is None:
        (folder / HEAD).unlink(missing_ok=True)
    else:
        _save_tensors({"centres": target.centres}, folder / HEAD)
    write_text(folder / CARD, card.model_dump_json(indent=2) + "\n")


def load_target(path: Path | str, *, spec: ImageSpec | None = None, name: str | None = None) -> Target:
    """The target that lies at `path`, in evaluation mode on the CPU.

    Args:
        path: a folder that `save_target` wrote.
        spec: the input it expects, if the file's own convention is wrong.
        name: what reports shall call it.

    Raises:
        CheckpointError: the file does not hold the weights that its card promises.
    """
    folder = Path(path)
    card = _read_card(folder / CARD)
    own = spec or card.spec.spec()
    module = build(card.architecture, spec=own, embedding_size=card.embedding_size)
    module.load_state_dict(load_file(folder / WEIGHTS))
    centres = load_file(folder / HEAD)["centres"] if (folder / HEAD).exists() else None
    return Target(name or card.name, card.architecture, module, own, str(folder), centres)


def _read_card(path: Path) -> BackboneCard:
    try:
        return BackboneCard.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise TargetError(str(path), got="no such file", expected="the card beside the weights") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CheckpointError(
            str(path), got=f"{where}: {first['msg']}", expected="a card that bareface wrote"
        ) from None


def _save_tensors(tensors: dict[str, Tensor], path: Path) -> None:
    whole = {key: value.detach().cpu().clone(memory_format=torch.contiguous_format) for key, value in tensors.items()}
    with atomic_path(path) as temporary:
        save_file(whole, temporary)
