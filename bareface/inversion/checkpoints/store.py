"""Generators on disk: `NAME.safetensors` and, beside it, `NAME.json`, the card that says what they are."""

from pathlib import Path
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors.torch import save_file
from torch import Tensor

from bareface.errors import BarefaceError, CheckpointError, UsageError
from bareface.inversion.checkpoints.foreign import tensors_in
from bareface.inversion.checkpoints.shapes import build
from bareface.inversion.stylegan2.config import Config
from bareface.inversion.stylegan2.generator import StyleGAN2Generator
from bareface.inversion.stylegan2.network import StyleGAN2
from bareface.storage.artefacts import Fit, fit_of, write_artefact
from bareface.storage.files import atomic_path, sha256_of
from bareface.untrusted.json_text import bounded
from bareface.untrusted.regular import content_of
from bareface.untrusted.walk import CONFIGURATION, TooMuchError

Precision = Literal["fp16", "fp32"]
Source = Literal["nvidia pickle", "nvidia state dict", "rosinality", "bareface"]


class Card(BaseModel):
    """What the JSON says.

    Attributes:
        name: what reports call the generator.
        config: the architecture.
        weights_sha256: of the safetensors file.
        source, source_sha256: the kind and the digest of the file that it was converted from; our own training says
            `bareface` and gives none.
        alignment: how faces lie in the image, for example `ffhq`.
        licence: of the weights.
        notes: what the conversion had to add or assume.
        pixels: mean and standard deviation of four rendered images in [0, 1] and the share of clamped pixels; a
            conversion gone wrong shows here first.
        person: the first so many numbers of z say who is on an image, the others how it was taken; 0 = they do not
            tell these apart.
        precision: of the numbers in the file; a loaded generator computes in fp32.
        floor: the same distance between held-out images and others of their kind, which no training can undercut but
            by chance; none if it was not measured.
        curve: of our own training: steps, and the Kernel Inception Distance to held-out images after them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    format: Literal["bareface-stylegan2-1"] = "bareface-stylegan2-1"
    name: str
    config: Config
    weights_sha256: str
    source: Source
    source_sha256: str = ""
    alignment: str = "unknown"
    licence: str = "unknown"
    notes: tuple[str, ...] = ()
    pixels: dict[str, float] = {}
    person: int = Field(default=0, ge=0)
    precision: Precision = "fp32"
    floor: float | None = None
    curve: tuple[tuple[int, float], ...] = ()


def save_generator(
    network: StyleGAN2, out: Path, *, source: Source = "bareface", precision: Precision = "fp32", **said: object
) -> Card:
    """Write a network to `out` (`*.safetensors`) and its card beside it.

    Args:
        precision: of the numbers in the file; fp16 halves it and keeps three digits.
        said: further fields of the card.

    Raises:
        UsageError: `out` has another suffix.
        RunError: the folder cannot be written.
    """
    if out.suffix != ".safetensors":
        raise UsageError(str(out), got=f"the suffix {out.suffix!r}", expected="NAME.safetensors")
    kept = torch.float16 if precision == "fp16" else torch.float32
    tensors = {name: value.detach().cpu().to(kept).contiguous() for name, value in network.state_dict().items()}
    with atomic_path(out) as temporary:
        save_file(tensors, temporary)
    fields = {"name": out.stem, "config": network.config, "weights_sha256": sha256_of(out), "source": source}
    card = Card.model_validate({**fields, "precision": precision, **said})
    write_artefact(out.with_suffix(".json"), card.model_dump_json(indent=2) + "\n", private=False)
    return card


def load_generator(path: Path, *, psi: float = 1.0) -> StyleGAN2Generator:
    """The generator at `path` (`*.safetensors` with its card), on the CPU in fp32.

    Raises:
        CheckpointError: a file is missing or damaged, or the weights are not those of the card.
    """
    card = read_card(path.with_suffix(".json"))
    network = build(weights_of(path, card.weights_sha256), card.config, str(path))
    return StyleGAN2Generator(
        card.name, network, psi, alignment=card.alignment, licence=card.licence, person=card.person
    )


def weights_of(path: Path, sha256: str) -> dict[str, Tensor]:
    """The tensors at `path`, if they are those that a card names.

    Raises:
        CheckpointError: the file is missing or damaged, or holds others.
    """
    tensors = tensors_in(path)
    if sha256_of(path) != sha256:
        raise CheckpointError(
            str(path),
            got="other weights than the card's",
            expected=f"SHA-256 {sha256[:12]}...",
            hint="making it again from its source",
        )
    return tensors


def refuse_damaged_card(path: Path) -> None:
    """Stop where a card does not fit the digest beside it; one without a digest passes.

    Raises:
        CheckpointError: it does not fit.
    """
    if fit_of(path) is Fit.DAMAGED:
        hint = f"the command that made it; or, where you changed it yourself, deleting {path.name}.sha256"
        raise CheckpointError(str(path), got="another card than was written", expected="its digest", hint=hint)


def read_card(path: Path) -> Card:
    """The card at `path`.

    Raises:
        CheckpointError: it is missing or damaged, or no card that bareface wrote.
    """
    try:
        card = Card.model_validate_json(bounded(content_of(path), CONFIGURATION))
    except OSError as error:
        raise CheckpointError(
            str(path),
            got=error.strerror or "no readable file",
            expected="the card beside the weights",
            hint="converting the generator's file first",
        ) from None
    except (ValidationError, BarefaceError, TooMuchError) as error:
        first = str(error.errors()[0]["msg"]) if isinstance(error, ValidationError) else str(error)
        raise CheckpointError(str(path), got=first, expected="a card that bareface wrote") from None
    refuse_damaged_card(path)
    return card
