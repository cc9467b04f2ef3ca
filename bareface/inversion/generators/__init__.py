"""Where generators come from: one file for each kind of reference that `--generator` takes."""

from typing import Final

from bareface.inversion.generators.base import GeneratorKind
from bareface.registry import Registry, in_folder

GENERATORS: Final = Registry[type[GeneratorKind]](
    "generator",
    "bareface.generators",
    GeneratorKind,
    lambda: in_folder("bareface.inversion.generators", GeneratorKind),  # type: ignore[type-abstract]
    lambda kind: kind(),
)


def kind_of(reference: str) -> GeneratorKind:
    """The kind of generator that a reference names: a name, a file, or code.

    Raises:
        UsageError: it is the name of one that is unavailable.
    """
    if GENERATORS.broken(reference) is not None:
        return GENERATORS.get(reference)()
    kinds = [kind() for kind in GENERATORS.available().values()]
    owners = (kind for kind in sorted(kinds, key=lambda kind: kind.last) if kind.owns(reference))
    return next(owners)  # the last kind owns whatever nobody else does
