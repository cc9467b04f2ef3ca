"""A target made by the user's own code, named `package.module:factory`. This runs that code, by design."""

import importlib
from collections.abc import Callable

from torch import nn

from bareface.errors import BarefaceError, TargetError
from bareface.registry import outcome_of
from bareface.settings.spec import ImageSpec
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
        TargetError: no such module or factory, or it fails or returns something else.
    """
    made = made_by(reference, import_factory(reference))
    if isinstance(made, Target):
        return made
    if not isinstance(made, nn.Module):
        got, expected = f"a {type(made).__name__} returned", "a torch module or a bareface Target"
        raise TargetError(reference, got=got, expected=expected)
    if spec is None:
        hint = "returning a bareface Target, or give the spec"
        raise TargetError(reference, got="a module without an input spec", expected="an ImageSpec", hint=hint)
    return Target(name or reference.rpartition(":")[2], reference, made, spec, reference)


def import_factory(reference: str, wrong: type[BarefaceError] = TargetError) -> Callable[[], object]:
    """The function without arguments that `package.module:factory` names; importing it runs its module.

    Raises:
        BarefaceError: there is no such module or function; of the kind `wrong`.
    """
    module, _, attribute = reference.partition(":")
    try:
        imported, failed = outcome_of(importlib.import_module, module)
        found: object = None if failed else getattr(imported, attribute)
    except AttributeError as error:
        failed = str(error)
    if failed:
        hint = "PYTHONPATH=. if the module lies in this folder"
        raise wrong(reference, got=failed, expected="an importable factory", hint=hint)
    if not callable(found):
        raise wrong(reference, got=f"a {type(found).__name__}", expected="a function without arguments")
    return found


def made_by(reference: str, factory: Callable[[], object], wrong: type[BarefaceError] = TargetError) -> object:
    """What the factory called `reference` returns.

    Raises:
        BarefaceError: it fails, and why; of the kind `wrong`.
    """
    made, failed = outcome_of(factory)
    if failed:
        hint = "calling it by hand, without arguments"
        raise wrong(
            reference, got=f"a factory that fails ({failed})", expected="a function without arguments", hint=hint
        )
    return made
