"""The classification layer that should have been thrown away, looked for beside a backbone."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

# AdaFace, TreB1eN `kernel`; FaceX-Zoo, InsightFace, MagFace `weight`; pytorch-metric-learning `W`.
_NAMES = re.compile(r"(^|.*[./])(kernel|weight|W|logits\.weight|centers?|centres?)")
_NOT_HEADS = re.compile(r"optim|momentum|exp_avg|ema|running")


@dataclass(frozen=True)
class Head:
    """A matrix of class centres.

    Attributes:
        key: where it lies in the file.
        shape: as it lies there.
        transposed: one column, not one row, for each identity.
    """

    key: str
    shape: tuple[int, ...]
    transposed: bool

    @property
    def identities(self) -> int:
        """How many people were classes."""
        return self.shape[1 if self.transposed else 0]


def find_head(leftovers: Mapping[str, object], embedding_size: int) -> Head | None:
    """The largest matrix beside the backbone that has one side as long as the embedding."""
    shapes = {key: tuple(value.shape) for key, value in leftovers.items() if hasattr(value, "shape")}
    heads = [
        Head(key, shape, transposed=_transposed(key, shape, embedding_size))
        for key, shape in shapes.items()
        if len(shape) == 2 and embedding_size in shape and _NAMES.fullmatch(key) and not _NOT_HEADS.search(key)
    ]
    return max(heads, key=lambda head: head.identities, default=None)


def _transposed(key: str, shape: tuple[int, ...], embedding_size: int) -> bool:
    """Which side counts identities; where both are as long as the embedding, the name decides."""
    if shape[0] == shape[1]:
        return key.endswith(("kernel", "W"))
    return shape[0] == embedding_size
