"""Embeddings as faces are compared with them: the photo and its mirror image together, length one."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bareface.errors import TargetError
from bareface.probing.prober import VIEWS
from bareface.trace import Channel, FloatArray, Trace

Flip = Literal["sum", "none"]


def unit_embeddings(trace: Trace, flip: Flip = "sum") -> FloatArray:
    """(n, d) embeddings of length one.

    Args:
        trace: what a model answered about n images.
        flip: `sum` is f(x) + f(mirrored x) before normalisation, as InsightFace compares faces; `none` is f(x).

    Raises:
        TargetError: the mirror images were not asked about, or an embedding is zero.
    """
    wanted = VIEWS if flip == "sum" else VIEWS[:1]
    missing = [view for view in wanted if view not in trace.views]
    if missing:
        got, hint = f"answers without the view {missing[0]}", "the other way to compare, --flip none"
        raise TargetError("embeddings", got=got, expected=f"the views {' and '.join(wanted)}", hint=hint)
    said = trace.channels[Channel.EMBEDDING]
    return unit(sum(said[:, trace.views.index(view)] for view in wanted))


def person_templates(embedding: FloatArray, subject: NDArray[np.str_]) -> tuple[FloatArray, NDArray[np.str_]]:
    """One embedding of length one for each person, the mean of their photos', and who they are, sorted.

    Args:
        embedding: (n, d) of length one.
        subject: (n,) who is on each photo.
    """
    people, who = np.unique(subject, return_inverse=True)
    order = np.argsort(who, kind="stable")
    first = np.searchsorted(who[order], np.arange(len(people)))
    return unit(np.add.reduceat(embedding[order], first, axis=0, dtype=np.float64)), people


def unit(vectors: object) -> FloatArray:
    """(n, d) vectors scaled to length one.

    Raises:
        TargetError: one of them is zero, so it points nowhere.
    """
    values = np.asarray(vectors, dtype=np.float64)
    length = np.linalg.norm(values, axis=1, keepdims=True)
    if (length == 0).any():
        got = f"{int((length == 0).sum())} of {len(values)} embeddings that are zero"
        raise TargetError("embeddings", got=got, expected="vectors with a direction")
    return np.asarray(values / length, dtype=np.float32)
