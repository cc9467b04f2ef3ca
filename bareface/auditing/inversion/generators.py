"""A generator from whatever a user has: our files, somebody else's file, the face renderer, or code."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bareface.errors import CheckpointError
from bareface.inversion.gan.train import GENERATOR_FILE
from bareface.inversion.generator import Generator
from bareface.inversion.generators import GENERATORS, kind_of, shipped
from bareface.inversion.generators.base import Wanted, checked
from bareface.untrusted.regular import is_folder

SHIPPED, WEIGHTS = shipped.Shipped.name, shipped.WEIGHTS


def open_generator(
    reference: str, *, size: int, kept: Path, declared: Mapping[str, Any] | None = None
) -> tuple[Generator, str]:
    """A generator, and in words where it came from.

    Args:
        reference: `shipped`, the generator in the box; `rendered`, the face renderer; a folder or `*.safetensors` of
            ours; an NVIDIA or rosinality file, which is converted; `package.module:factory`, which runs that code; or
            a name or file of a kind that another package offers.
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
    is_name = reference in GENERATORS.available()
    named = str(_in_folder(Path(reference))) if not is_name and is_folder(Path(reference)) else reference
    kind = kind_of(named)
    return checked(reference, kind.open(named, Wanted(size, kept, dict(declared or {})))), kind.origin


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
