"""What one target answered about each image, without any truth about membership."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from bareface.vocabulary import Access

FloatArray = NDArray[np.float32]

# The scale s of softmax(s cosine): that of our own training, and half of what large models are trained with.
POSTERIOR_SCALE = 32.0


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
    BN_VARIANCE = "bn_variance"
    """(n, v, l) mean over channels of spatial variance / running variance; NaN where a map has one pixel."""
    POOLED = "pooled"
    """(n, v, l, 32) the channels of each BatchNorm layer's v̄, (v̄ − u) / s, through a fixed random matrix."""
    EMBEDDING = "embedding"
    """(n, v, d) the embedding before any normalisation."""
    CLASS_COSINE = "class_cosine"
    """(n, v) largest cosine of the embedding to a class centre of the classification head."""
    TOP_COSINES = "top_cosines"
    """(n, v, t) the t largest cosines to a class centre, largest first; t = 8, or all classes where they are fewer."""
    TOP_CLASSES = "top_classes"
    """(n, v, t) which classes those are."""
    POSTERIOR = "posterior"
    """(n, v, 3) of softmax(32 cosine): the logarithm of the largest posterior, the entropy, and the modified entropy
    (Song and Mittal) with the likeliest class in the place of the label."""
    VIEW_COSINES = "view_cosines"
    """(n, w (w − 1) / 2) cosines between the embeddings of the w views of the bank: (0, 1), (0, 2), ..., (1, 2), ..."""
    VIEW_NORM = "view_norm"
    """(n, w) logarithm of the length of each view's embedding."""
    LAYER_AGREEMENT = "layer_agreement"
    """(n, w − 1, l) cosine between the v̄ of the image and of each other view, both as (v̄ − u) / s."""
    GRADIENT_NORM = "gradient_norm"
    """(n, p, g) logarithm of the norm of the gradient of 1 − cos(f(image), f(view)) at the weight of each of g
    convolutions and linear maps, for p views of the bank."""
    MARGIN_GRADIENT = "margin_gradient"
    """(n, 1, g) likewise, of a margin loss of image and flip: their mean direction is the class, public faces are the
    other classes."""
    BLIND = "blind"
    """(n, f) what anybody sees of the picture and its file; no target was asked."""
    PICTURE = "picture"
    """(n, 256) the picture as a 16 x 16 grey thumbnail with mean 0 and norm 1; no target was asked."""


BN_CHANNELS = (
    Channel.BN_DISTANCE,
    Channel.BN_DISTANCE_VARIANCE,
    Channel.BN_LOGVAR,
    Channel.BN_LOGVAR_SQUARED,
    Channel.BN_VARIANCE,
)
VIEW_CHANNELS = frozenset({Channel.VIEW_COSINES, Channel.VIEW_NORM, Channel.LAYER_AGREEMENT})
"""Answers about the bank of views; asked only where an attack reads them."""
HEAD_CHANNELS = (Channel.CLASS_COSINE, Channel.TOP_COSINES, Channel.TOP_CLASSES, Channel.POSTERIOR)
ANSWER_CHANNELS = (Channel.EMBEDDING, Channel.VIEW_COSINES, Channel.VIEW_NORM, Channel.BLIND, Channel.PICTURE)
"""What whoever asks for embeddings has: those, and the pictures that were sent."""


def access_to(channels: Collection[Channel]) -> Access:
    """What an attacker must reach who reads these channels."""
    read = set(channels)
    if read & set(HEAD_CHANNELS):
        return "head"
    return "weights" if read - set(ANSWER_CHANNELS) else "answers"


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
        bank: names of the views of the bank; the first is the image as it is, the second its mirror image.
        weighted: the convolutions and linear maps, the last axis of `gradient_norm` and `margin_gradient`.
        references: what other models answered about the same images, row by row.
        gallery: what the same model answered about other people, who are known not to be in its training; their
            numbers of photo sets are negative. None where there are no such people.
        trained: what the same model answered about training images of people who are known to be in its training,
            and are not judged. None where nobody is known, or no attack asks.
    """

    image: NDArray[np.str_]
    photo_set: NDArray[np.int64]
    channels: Mapping[Channel, FloatArray]
    views: tuple[str, ...] = ("image", "flip")
    layers: tuple[Layer, ...] = field(default=())
    measured: tuple[Layer, ...] = field(default=())
    bank: tuple[str, ...] = ()
    weighted: tuple[Layer, ...] = ()
    references: tuple["Reference", ...] = ()
    gallery: "Trace | None" = None
    trained: "Trained | None" = None

    def __post_init__(self) -> None:
        lengths = {str(name): len(values) for name, values in self.channels.items()}
        lengths |= {f"reference {number}": len(one.trace) for number, one in enumerate(self.references)}
        if any(length != len(self.image) for length in [len(self.photo_set), *lengths.values()]):
            raise AssertionError(f"a trace of {len(self.image)} images has columns of lengths {lengths}")

    def __len__(self) -> int:
        return len(self.image)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Trace":
        """The trace of some images, in the order given."""
        channels = {name: values[rows] for name, values in self.channels.items()}
        references = tuple(reference.take(rows) for reference in self.references)
        trained = None if self.trained is None else self.trained.take(rows)
        return replace(
            self, image=self.image[rows], photo_set=self.photo_set[rows], channels=channels, references=references,
            trained=trained,
        )  # fmt: skip

    def with_photo_set(self, photo_set: NDArray[np.int64]) -> "Trace":
        """The same answers, the images grouped otherwise."""
        references = tuple(replace(one, trace=one.trace.with_photo_set(photo_set)) for one in self.references)
        return replace(self, photo_set=photo_set, references=references)


@dataclass(frozen=True)
class Reference:
    """What another model answered about the images of a trace.

    Attributes:
        trace: its answers, row by row.
        member: (n,) which of the images that model was trained on; the attacker knows, unlike for the target.
        person: (n,) on whose images, these or others, it was trained; None = on nobody's but those it was trained on.
    """

    trace: Trace
    member: NDArray[np.bool_]
    person: NDArray[np.bool_] | None = None

    @property
    def familiar(self) -> NDArray[np.bool_]:
        """(n,) images of people on whom that model was trained."""
        return self.member if self.person is None else self.member | self.person

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Reference":
        """The answers about some images, in the order given."""
        return Reference(self.trace.take(rows), self.member[rows], self.familiar[rows])


@dataclass(frozen=True)
class Trained:
    """What a model answered about images that it is known to have been trained on, beside other images.

    Attributes:
        trace: its answers; the numbers of photo sets are those of people.
        person: (n,) numbers of the people on the n images that this stands beside; whoever is among the trained
            is not to be compared with photos of their own.
    """

    trace: Trace
    person: NDArray[np.int64]

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Trained":
        """The same, beside some of the images."""
        return replace(self, person=self.person[rows])

    def without(self, people: NDArray[np.int64]) -> "Trained":
        """The same as if nobody knew that these people are in training."""
        return replace(self, trace=self.trace.take(~np.isin(self.trace.photo_set, people)))


def join(first: Trace, second: Trace) -> Trace:
    """The answers of one model about two lots of images, one below the other: the channels that both have.

    Nothing is said of who is known to be in its training.
    """
    both = zip(first.references, second.references, strict=True)
    return replace(
        first,
        image=np.concatenate([first.image, second.image]),
        photo_set=np.concatenate([first.photo_set, second.photo_set]),
        channels={
            name: np.concatenate([first.channels[name], second.channels[name]])
            for name in first.channels
            if name in second.channels
        },
        references=tuple(
            Reference(
                join(one.trace, other.trace),
                np.concatenate([one.member, other.member]),
                np.concatenate([one.familiar, other.familiar]),
            )
            for one, other in both
        ),
        trained=None,
    )
