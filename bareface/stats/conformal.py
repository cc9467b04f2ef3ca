"""How one person's score stands among those of strangers, without any model of how scores are distributed.

If the person is a stranger, too, every rank among them is as likely as any other: p <= a happens with probability at
most a (Vovk, Gammerman and Shafer 2005, section 2.2). Where strangers are scored by models that were fitted without
their fold, the person is compared in each fold under that fold's model (cross-conformal, Vovk 2015).
"""

import math

import numpy as np

from bareface.errors import UsageError
from bareface.stats.sample import Codes, Floats


def conformal_p(at_or_above: int, strangers: int) -> float:
    """(1 + strangers who score as high or higher) / (strangers + 1)."""
    return (1 + at_or_above) / (strangers + 1)


def strangers_needed(fpr: float) -> int:
    """The fewest strangers with whom p can be as small as a rate: ceil(1 / fpr) - 1; 99 for 1 %.

    Raises:
        UsageError: `fpr` is not between 0 and 1.
    """
    if not 0 < fpr < 1:
        raise UsageError("fpr", got=f"{fpr:g}", expected="a rate between 0 and 1", hint="0.01")
    return math.ceil(1 / fpr - 1e-9) - 1


def at_or_above(asked: Floats, strangers: Floats, fold: Codes) -> Codes:
    """(q,) how many strangers score at least as high as each person, each in a fold under that fold's model.

    Args:
        asked: (folds, q) scores of q people under the model of each fold.
        strangers: (n,) their scores, each under the model of its own fold; finite.
        fold: (n,) codes of folds, rows of `asked`.
    """
    count: Codes = np.zeros(asked.shape[1], np.intp)
    for number, scores in enumerate(asked):
        here = np.sort(strangers[fold == number])
        count += len(here) - np.searchsorted(here, scores, "left")
    return count
