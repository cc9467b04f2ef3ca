"""A generator from whatever a user has: our files, somebody else's file, the face renderer, or code."""

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from bareface.artefacts import is_sound, say_made_again
from bareface.errors import CheckpointError, TargetError, UsageError
from bareface.files import sha256_of
from bareface.inversion import __file__ as inversion_package
from bareface.inversion.checkpoints.convert import convert_generator
from bareface.inversion.checkpoints.store import load_generator, read_card
from bareface.inversion.eigenfaces.store import is_eigenfaces, load_eigenfaces
from bareface.inversion.factory import FactoryGenerator
from bareface.inversion.gan.train import GENERATOR_FILE
from bareface.inversion.generator import Generator
from bareface.inversion.rendered import RenderedFaces
from bareface.targets.factory import PATTERN
from bareface.untrusted.regular import is_file, is_folder, is_there, what_lies_at

RENDERED, SHIPPED = "rendered", "shipped"
WEIGHTS = Path(inversion_package).parent / "weights" / "faces-32.safetensors"


def open_generator(
    reference: str, *, size: int, kept: Path, declared: Mapping[str, Any] | None = None
) -> tuple[Generator, str]:
    """A generator, and in words where it came from.

    Args:
        reference: `shipped`, the generator in the box; `rendered`, the face renderer; a folder or `*.safetensors` of
            ours; an NVIDIA or rosinality file, which is converted; or `package.module:factory`, which runs that code.
        size: side of the rendered faces.
        kept: folder for converted files.
        declared: what a factory's network cannot say: z_dim, size, value_range, and perhaps channels, z_is_map,
            alignment, licence.

    Raises:
        UsageError: no such generator, or a factory's network without a declaration.
        CheckpointError: the file does not hold a generator.
        UnsafeFileError: reading the file would execute what is inside it.
        TargetError: a factory returns something else than it declares.
    """
    path = Path(reference)
    if reference == SHIPPED:
        return load_generator(WEIGHTS), "the generator that comes with bareface"
    if reference == RENDERED:
        return RenderedFaces(size), "the face renderer of bareface"
    if not is_there(path) and PATTERN.fullmatch(reference):
        return _made(reference, dict(declared or {})), "factory"
    if is_folder(path):
        path = _in_folder(path)
    if path.suffix.lower() == ".safetensors" and path.with_suffix(".json").exists():
        return (load_eigenfaces if is_eigenfaces(path) else load_generator)(path), "checkpoint"
    return load_generator(_converted(path, kept)), "converted checkpoint"


def _in_folder(folder: Path) -> Path:
    found = [path for path in sorted(folder.glob("*.safetensors")) if path.with_suffix(".json").exists()]
    named = [path for path in found if path.name == GENERATOR_FILE] or found
    if len(named) != 1:
        raise CheckpointError(
            str(folder),
            got=f"{len(found)} generators",
            expected=f"{GENERATOR_FILE} and its card",
            hint="name the file, or finish its training",
        )
    return named[0]


def _converted(path: Path, kept: Path) -> Path:
    if not is_file(path):
        raise CheckpointError(
            str(path),
            got=what_lies_at(path),
            expected="a generator",
            hint=f"{RENDERED}, a folder that train-generator wrote, a checkpoint, or package.module:factory",
        )
    digest = sha256_of(path)[:12]
    out = kept / f"{path.stem}-{digest}.safetensors"
    if not _is_whole(out):
        convert_generator(path, out, name=f"converted {digest}")  # records show no file names
    return out


def _is_whole(out: Path) -> bool:
    """Whether a converted file is there, as its card says, with a sound card."""
    card = out.with_suffix(".json")
    if not (out.exists() and is_sound(card)):
        return False
    fits = sha256_of(out) == read_card(card).weights_sha256
    if not fits:
        say_made_again(out)
    return fits


def _made(reference: str, declared: dict[str, Any]) -> Generator:
    """What the factory returns: a generator, or a network with the declaration that it needs."""
    made = _factory(reference)()
    if not isinstance(made, nn.Module):
        return _checked(reference, made)
    missing = [name for name in ("z_dim", "size", "value_range") if name not in declared]
    if missing:
        raise UsageError(
            reference,
            got=f"a network without {', '.join(missing)}",
            expected="what no network can say of itself",
            hint="--declare z_dim=64 --declare size=64 --declare value_range=-1,1",
        )
    return FactoryGenerator(reference.rpartition(":")[2], made, **declared)


def _checked(reference: str, made: object) -> Generator:
    lacking = [name for name in ("render", "sample", "to", "prior", "size", "fingerprint") if not hasattr(made, name)]
    if lacking:
        raise TargetError(
            reference,
            got=f"a {type(made).__name__} without {', '.join(lacking)}",
            expected="a torch.nn.Module, or a bareface Generator",
        )
    return made  # type: ignore[return-value]


def _factory(reference: str) -> Callable[[], object]:
    module, _, function = reference.partition(":")
    try:
        found: object = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        hint = "PYTHONPATH=. if the module lies in this folder"
        raise UsageError(reference, got=str(error), expected="an importable factory", hint=hint) from error
    if not callable(found):
        raise UsageError(reference, got=f"a {type(found).__name__}", expected="a function without arguments")
    return found
