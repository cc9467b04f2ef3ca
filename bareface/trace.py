"""What one target answered about each image, without any truth about membership."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


class Channel(StrEnum):
    """One kind of answer. n images, v views, l BatchNorm layers, m measured layers, d embedding dimensions."""

    BN_DISTANCE = "bn_distance"
    """(n, v, l) sum over channels of (v̄ − u)²: d_i with b_i = 1 (`none`)."""
    BN_DISTANCE_VARIANCE = "bn_distance_variance"
    """(n, v, l) mean over channels of (v̄ − u)² / s²: d_i with b_i = `variance`."""
    BN_LOGVAR = "bn_logvar"
    """(n, v, l) mean over channels of log(spatial variance / running variance); NaN where a map has one pixel."""
    BN_LOGVAR_SQUARED = "bn_logvar_squared"
    """(n, v, l) mean over channels of the square of that logarithm."""
    ESTIMATED_DISTANCE = "estimated_distance"
    """(n, v, m) mean over channels of (v̄ − e)² / t²: v̄ the mean over positions of what leaves one of m convolutions
    or linear maps, e and t² its mean and variance *estimated on public faces*; no running statistics are involved."""
    EMBEDDING = "embedding"
    """(n, v, d) the embedding before any normalisation."""
    CLASS_COSINE = "class_cosine"
    """(n, v) largest cosine of the embedding to a class centre of the classification head."""
    BLIND = "blind"
    """(n, f) what anybody sees of the picture and its file; no target was asked."""


BN_CHANNELS = (
    Channel.BN_DISTANCE,
    Channel.BN_DISTANCE_VARIANCE,
    Channel.BN_LOGVAR,
    Channel.BN_LOGVAR_SQUARED,
)


@dataclass(frozen=True)
class Layer:
    """A layer that was tapped: its name in the target and its number of channels c_i."""

    name: str
    channels: int


@dataclass(frozen=True)
class Trace:
    """What one target answered about n images.

    Attributes:
        image: (n,) content digests of the images, as text.
        photo_set: (n,) numbers; images with the same number were brought together as photos of one person.
        channels: the answers; the first axis of each is the image.
        views: names of the views, the second axis; the first is the image as it is.
        layers: the BatchNorm layers, the third axis of the `bn_` channels.
        measured: the convolutions and linear maps, the third axis of `estimated_distance`.
    """

    image: NDArray[np.str_]
    photo_set: NDArray[np.int64]
    channels: Mapping[Channel, FloatArray]
    views: tuple[str, ...] = ("image", "flip")
    layers: tuple[Layer, ...] = field(default=())
    measured: tuple[Layer, ...] = field(default=())

    def __post_init__(self) -> None:
        lengths = {str(name): len(values) for name, values in self.channels.items()}
        if any(length != len(self.image) for length in [len(self.photo_set), *lengths.values()]):
            raise AssertionError(f"a trace of {len(self.image)} images has columns of lengths {lengths}")

    def __len__(self) -> int:
        return len(self.image)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Trace":
        """The trace of some images, in the order given."""
        channels = {name: values[rows] for name, values in self.channels.items()}
        return replace(self, image=self.image[rows], photo_set=self.photo_set[rows], channels=channels)

    def with_photo_set(self, photo_set: NDArray[np.int64]) -> "Trace":
        """The same answers, the images grouped otherwise."""
        return replace(self, photo_set=photo_set)
