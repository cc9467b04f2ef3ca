"""A target made by the user's own code, named `package.module:factory`. This runs that code, by design."""

import importlib
from collections.abc import Callable

from torch import nn

from bareface.errors import BarefaceError, TargetError
from bareface.registry import shortly, tried
from bareface.settings.spec import ImageSpec
from bareface.targets.fits import fitting
from bareface.targets.target import Target
from bareface.untrusted.code import FACTORY

PATTERN = FACTORY


def make_target(reference: str, *, spec: ImageSpec | None = None, name: str | None = None) -> Target:
    """Call the factory that `reference` names, and make a target of the module or target that it returns.

    Args:
        reference: `package.module:factory`; the factory takes no arguments.
        spec: the input of the module; needed unless the factory returns a `Target`.
        name: what reports shall call it.

    Raises:
        TargetError: no such module or factory, it fails or returns something else, or a module that the spec misfits.
    """
    made = call_factory(reference)
    if isinstance(made, Target):
        return made
    if not isinstance(made, nn.Module):
        got, expected = f"a {type(made).__name__} returned", "a torch module or a bareface Target"
        raise TargetError(reference, got=got, expected=expected)
    if spec is None:
        hint = "--spec 112x112:RGB:127.5/128 (spec= from Python), or returning a bareface Target"
        raise TargetError(reference, got="a module without an input spec", expected="an ImageSpec", hint=hint)
    return fitting(Target(name or reference.rpartition(":")[2], reference, made, spec, reference))


def call_factory(reference: str, wrong: type[BarefaceError] = TargetError) -> object:
    """What the function that `package.module:factory` names returns.

    Raises:
        BarefaceError: there is no such function, it takes arguments, or it fails; of the kind `wrong`.
    """
    return made_by(reference, import_factory(reference, wrong), wrong)


def made_by(reference: str, factory: Callable[[], object], wrong: type[BarefaceError] = TargetError) -> object:
    """What the factory called `reference` returns.

    Raises:
        BarefaceError: it fails, and why; of the kind `wrong`.
    """
    made, error = tried(factory)
    if error is not None:
        hint = f"calling {reference.replace(':', '.')}() in Python, which shows where"
        got = f"{shortly(error)} when it was called"
        raise wrong(reference, got=got, expected="a function without arguments", hint=hint) from error
    return made


def import_factory(reference: str, wrong: type[BarefaceError] = TargetError) -> Callable[[], object]:
    """The function without arguments that `package.module:factory` names; importing it runs its module.

    Raises:
        BarefaceError: there is no such module or function; of the kind `wrong`.
    """
    module, _, attribute = reference.partition(":")
    found, error = tried(lambda: _attribute(module, attribute))
    if error is not None:
        hint = "PYTHONPATH=. if the module lies in this folder"
        got = str(error) if isinstance(error, ImportError | AttributeError) else shortly(error)
        raise wrong(reference, got=got, expected="an importable factory", hint=hint) from error
    if not callable(found):
        raise wrong(reference, got=f"a {type(found).__name__}", expected="a function without arguments")
    return found


def _attribute(module: str, attribute: str) -> object:
    found: object = getattr(importlib.import_module(module), attribute)
    return found
