"""Linear faces on disk: `NAME.safetensors` and, beside it, `NAME.json`, the card that says what they are."""

from pathlib import Path
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors.torch import save_file
from torch import Tensor

from bareface.errors import CheckpointError
from bareface.inversion.checkpoints.store import refuse_damaged_card, weights_of
from bareface.inversion.eigenfaces.generator import Eigenfaces
from bareface.storage.artefacts import write_artefact
from bareface.storage.files import atomic_path, sha256_of
from bareface.untrusted.json_text import bounded
from bareface.untrusted.regular import content_of, is_file, open_file
from bareface.untrusted.walk import CONFIGURATION, TooMuchError

FORMAT: Literal["bareface-eigenfaces-1"] = "bareface-eigenfaces-1"


class EigenfacesCard(BaseModel):
    """What the JSON says.

    Attributes:
        name: what reports call the generator.
        weights_sha256: of the safetensors file.
        alignment: how faces lie in the image, for example `ffhq`.
        licence: of the numbers.
        photos, people: how many it was fitted to; each photo was seen mirrored, too.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    format: Literal["bareface-eigenfaces-1"] = FORMAT
    name: str
    weights_sha256: str
    alignment: str = "unknown"
    licence: str = "unknown"
    photos: int
    people: int


def save_eigenfaces(faces: Eigenfaces, out: Path, *, photos: int, people: int) -> EigenfacesCard:
    """Write linear faces to `out` (`*.safetensors`) and their card beside it.

    Raises:
        RunError: the folder cannot be written.
    """
    tensors = {"mean": faces.mean, "directions": faces.directions, "within": faces.within}
    with atomic_path(out) as temporary:
        save_file({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, temporary)
    card = EigenfacesCard(
        name=faces.name, weights_sha256=sha256_of(out), alignment=faces.alignment, licence=faces.licence,
        photos=photos, people=people,
    )  # fmt: skip
    write_artefact(out.with_suffix(".json"), card.model_dump_json(indent=2) + "\n", private=False)
    return card


def is_eigenfaces(path: Path) -> bool:
    """Whether the card beside `path` says so."""
    card = path.with_suffix(".json")
    if not is_file(card):
        return False
    with open_file(card) as file:
        return f'"{FORMAT}"'.encode() in file.read(4096)


def load_eigenfaces(path: Path) -> Eigenfaces:
    """The linear faces at `path` (`*.safetensors` with their card), on the CPU.

    Raises:
        CheckpointError: card or numbers are missing or damaged, or do not belong together.
    """
    card = _read_card(path.with_suffix(".json"))
    tensors = weights_of(path, card.weights_sha256)
    mean, directions, within = (_tensor(path, tensors, name, ndim) for name, ndim in _DIMENSIONS.items())
    if directions.shape != (len(within), *mean.shape) or mean.shape != (3, mean.shape[-1], mean.shape[-1]):
        got = f"shapes {tuple(mean.shape)}, {tuple(directions.shape)}, {tuple(within.shape)}"
        raise CheckpointError(str(path), got=got, expected="(3, s, s), (k, 3, s, s), (k,)")
    if not bool(((within > 0) & (within < 1)).all()):
        raise CheckpointError(str(path), got="a share outside (0, 1)", expected="shares of variance")
    return Eigenfaces(mean, directions, within, card.name, card.alignment, card.licence)


_DIMENSIONS = {"mean": 3, "directions": 4, "within": 1}


def _tensor(path: Path, tensors: dict[str, Tensor], name: str, ndim: int) -> Tensor:
    found = tensors.get(name)
    if found is None or found.ndim != ndim or not bool(torch.isfinite(found).all()):
        got = f"no {name}" if found is None else f"{name} of shape {tuple(found.shape)}, or not finite"
        raise CheckpointError(str(path), got=got, expected=f"{name}, finite, with {ndim} axes")
    return found


def _read_card(path: Path) -> EigenfacesCard:
    try:
        card = EigenfacesCard.model_validate_json(bounded(content_of(path), CONFIGURATION))
    except (ValidationError, TooMuchError, OSError) as error:
        got = str(error.errors()[0]["msg"]) if isinstance(error, ValidationError) else str(error)
        raise CheckpointError(str(path), got=got, expected="a card that bareface wrote") from None
    refuse_damaged_card(path)
    return card
