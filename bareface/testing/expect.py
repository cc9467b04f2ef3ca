"""How a contract says what was broken."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bareface.registry import Plugin, prose


def expect(holds: object, what: str, got: object = "") -> None:
    """Stop with one sentence where a contract is broken.

    Raises:
        AssertionError: it is.
    """
    if not holds:
        raise AssertionError(f"expected that {what}" + (f"; got {got}" if got != "" else ""))


def expect_alike(
    found: NDArray[Any], wanted: NDArray[Any], what: str, *, rtol: float = 1e-6, atol: float = 1e-9
) -> None:
    """Stop where two arrays differ; NaN is like NaN.

    Raises:
        AssertionError: they do.
    """
    expect(found.shape == wanted.shape, f"{what}, in shape", f"{found.shape} and {wanted.shape}")
    apart = np.abs(np.nan_to_num(found) - np.nan_to_num(wanted))
    same = np.allclose(found, wanted, rtol=rtol, atol=atol, equal_nan=True)
    expect(same, what, f"a difference of {apart.max(initial=0):.3g}")


def expect_page(plugin: object, name: str) -> None:
    """Stop where a plug-in has no name or lacks its page.

    Raises:
        AssertionError: it has none.
        UsageError: a heading is missing; the message says which.
    """
    expect(name and name == name.strip() and " " not in name, "a plug-in has a name without blanks", repr(name))
    expect(prose(plugin).title, "its module begins with a title")


def expect_parameters(kind: Callable[..., Plugin]) -> None:
    """Stop where a plug-in cannot be made of its own parameters, written down as JSON, or takes any parameter.

    Raises:
        AssertionError: so it is.
    """
    usual = kind()
    again = kind(**json.loads(json.dumps(usual.parameters())))
    expect(again == usual, "a plug-in is made again from its parameters", f"{again} from {usual}")
    expect(usual.title().startswith(usual.name), "its title begins with its name", usual.title())
    try:
        kind(no_such_parameter=1)
    except (TypeError, ValueError) as error:
        expect("no_such_parameter" in str(error), "an unknown parameter is named", error)
    else:
        raise AssertionError("expected that an unknown parameter is refused")
