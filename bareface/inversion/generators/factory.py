"""Code of your own: `package.module:function`.

What it tests:
Whatever its generator can draw.

What the attacker needs:
A function without arguments that returns a torch module, or a bareface generator.

How it works:
The function is imported and called. A module from z to images is made a generator by what is declared of it.

Known limits:
It runs that code. Nothing but the declaration says which range the pixels of a network have.

Reference:
None.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from torch import nn

from bareface.errors import UsageError
from bareface.inversion.factory import FactoryGenerator
from bareface.inversion.generator import Generator
from bareface.inversion.generators.base import GeneratorKind, Wanted, checked
from bareface.targets.factory import PATTERN, call_factory
from bareface.untrusted.regular import is_there


@dataclass(frozen=True)
class Factory(GeneratorKind):
    """What a function makes."""

    name: ClassVar[str] = "factory"
    origin: ClassVar[str] = "factory"

    def owns(self, reference: str) -> bool:
        """Whether it is such a reference, and no file of that name is there."""
        return not is_there(Path(reference)) and PATTERN.fullmatch(reference) is not None

    def open(self, reference: str, wanted: Wanted) -> Generator:
        """What the function returns: a generator, or a network with the declaration that it needs.

        Raises:
            UsageError: there is no such function, or a network comes without a declaration.
            TargetError: it returns something else than it declares.
        """
        made, declared = call_factory(reference, UsageError), dict[str, Any](wanted.declared)
        if not isinstance(made, nn.Module):
            return checked(reference, made)
        missing = [name for name in ("z_dim", "size", "value_range") if name not in declared]
        if missing:
            raise UsageError(
                reference,
                got=f"a network without {', '.join(missing)}",
                expected="what no network can say of itself",
                hint="--declare z_dim=64 --declare size=64 --declare value_range=-1,1",
            )
        return FactoryGenerator(reference.rpartition(":")[2], made, **declared)
