"""A target made by the user's own code, named `package.module:factory`. This runs that code, by design."""

import importlib
from collections.abc import Callable
from pickle import UnpicklingError

from torch import nn

from bareface.errors import BarefaceError, TargetError
from bareface.settings.spec import ImageSpec
from bareface.targets.target import Target
from bareface.untrusted.code import FACTORY

PATTERN = FACTORY
# What code of a user's own may raise, apart from what ends the process.
_FAILURES = (
    *(ArithmeticError, AssertionError, AttributeError, BufferError, EOFError, ImportError, LookupError, MemoryError),
    *(NameError, OSError, RuntimeError, SyntaxError, TypeError, ValueError, UnpicklingError),
)


def make_target(reference: str, *, spec: ImageSpec | None = None, name: str | None = None) -> Target:
    """Call the factory that `reference` names, and make a target of the module or target that it returns.

    Args:
        reference: `package.module:factory`; the factory takes no arguments.
        spec: the input of the module; needed unless the factory returns a `Target`.
        name: what reports shall call it.

    Raises:
        TargetError: no such module or factory, or it returns something else.
    """
    made = call_factory(reference)
    if isinstance(made, Target):
        return made
    if not isinstance(made, nn.Module):
        got, expected = f"a {type(made).__name__} returned", "a torch module or a bareface Target"
        raise TargetError(reference, got=got, expected=expected)
    if spec is None:
        hint = "returning a bareface Target, or give the spec"
        raise TargetError(reference, got="a module without an input spec", expected="an ImageSpec", hint=hint)
    return Target(name or reference.rpartition(":")[2], reference, made, spec, reference)


def call_factory(reference: str, wrong: type[BarefaceError] = TargetError) -> object:
    """What the function that `package.module:factory` names returns.

    Raises:
        BarefaceError: there is no such function, it takes arguments, or it fails; of the kind `wrong`.
    """
    factory = import_factory(reference, wrong)
    try:
        return factory()
    except BarefaceError:
        raise
    except _FAILURES as error:
        got = f"{type(error).__name__} ({str(error).strip().partition(chr(10))[0]}) when it was called"
        hint = f"calling {reference.replace(':', '.')}() in Python, which shows where"
        raise wrong(reference, got=got, expected="a function without arguments", hint=hint) from error


def import_factory(reference: str, wrong: type[BarefaceError] = TargetError) -> Callable[[], object]:
    """The function without arguments that `package.module:factory` names; importing it runs its module.

    Raises:
        BarefaceError: there is no such module or function; of the kind `wrong`.
    """
    module, _, attribute = reference.partition(":")
    try:
        found: object = getattr(importlib.import_module(module), attribute)
    except _FAILURES as error:
        hint = "PYTHONPATH=. if the module lies in this folder"
        raise wrong(
            reference, got=str(error) or type(error).__name__, expected="an importable factory", hint=hint
        ) from error
    if not callable(found):
        raise wrong(reference, got=f"a {type(found).__name__}", expected="a function without arguments")
    return found
