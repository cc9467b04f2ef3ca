"""Which rows belong to whom, from one sort: a search for each person would take people times images."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_Code = TypeVar("_Code", np.str_, np.intp, np.int64)


def rows_of(codes: NDArray[_Code]) -> dict[str | int, NDArray[np.intp]]:
    """The rows in which each code stands, ascending; the codes in order.

    Args:
        codes: (n,) names or numbers.
    """
    order = np.argsort(codes, kind="stable")
    names, first = np.unique(codes[order], return_index=True)
    return dict(zip(names.tolist(), np.split(order, first[1:]), strict=False))
