"""Results of two runs: the same words, counts and shapes, and the same numbers to what rounding leaves of them.

Bit equality is for the same code on the same bytes where the code promises it. Everything else that is computed twice
is compared here: the sums of a second process, of other threads or of arrays that lie elsewhere in memory are rounded
otherwise.
"""

import math
from collections.abc import Mapping, Sequence


def assert_alike(found: object, expected: object, *, rel: float = 1e-3, abs_: float = 1e-5, at: str = "") -> None:
    """Both are of one structure, and only their floats differ, by no more than the tolerances.

    Args:
        found: dictionaries, lists, numbers and texts, as JSON has them.
        expected: the same.
        rel: how far two floats may be apart, relative to the larger one.
        abs_: how far they may be apart in any case.
        at: where in the structure this is, for messages.
    """
    if isinstance(expected, Mapping):
        assert isinstance(found, Mapping), at
        assert found.keys() == expected.keys(), at
        for name in expected:
            assert_alike(found[name], expected[name], rel=rel, abs_=abs_, at=f"{at}.{name}")
    elif isinstance(expected, Sequence) and not isinstance(expected, str | bytes):
        assert isinstance(found, Sequence), at
        assert len(found) == len(expected), at
        for number, (one, other) in enumerate(zip(found, expected, strict=True)):
            assert_alike(one, other, rel=rel, abs_=abs_, at=f"{at}[{number}]")
    elif isinstance(expected, float) and isinstance(found, float) and math.isfinite(expected):
        assert math.isclose(found, expected, rel_tol=rel, abs_tol=abs_), f"{at}: {found} for {expected}"
    else:
        assert found == expected or (found != found and expected != expected), f"{at}: {found!r} for {expected!r}"
