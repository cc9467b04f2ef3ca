"""Toy worlds for attacks: traces of people whose answers carry a planted leak of known size, or none."""

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bareface.membership.base import AttackerKnowledge, Labelled
from bareface.trace import BN_CHANNELS, Channel, FloatArray, Layer, Reference, Trace, join

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

BANK = ("image", "flip", "nearer", "no-eyes", "no-mouth")
LAYERS = (Layer("a", 4), Layer("b", 8), Layer("c", 16))


@dataclass(frozen=True)
class Toy:
    """A trace and the truth about it.

    Attributes:
        trace: what a model answered about n images.
        member: (n,) whether it was trained on them.
        subject: (n,) numbers of the people on them; the members come first.
    """

    trace: Trace
    member: NDArray[np.bool_]
    subject: Rows


@lru_cache(maxsize=256)
def toy_world(seed: int, *, people: int = 40, images: int = 6, leak: float = 0.0, size: int = 16) -> Toy:
    """`people` members' and as many strangers' images; a leak moves the members' answers by so many deviations.

    Beside them two reference models that were trained on nobody here, and a gallery of other people.
    """
    rng, beside = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    subject = np.repeat(np.arange(2 * people), images)
    member = subject < people
    image = np.array([hashlib.sha256(f"{seed} {row}".encode()).hexdigest() for row in range(len(subject))])
    trace = Trace(image, subject, _answers(rng, subject, leak * member, size), layers=LAYERS, bank=BANK)
    nobody = np.zeros(len(subject), bool)
    galleries = [_gallery(beside, size) for _ in range(2)]
    references = tuple(
        Reference(replace(trace, channels=_answers(beside, subject, 0.0 * member, size), gallery=gallery), nobody)
        for gallery in galleries
    )
    known = tuple(Reference(replace(one, gallery=one), np.zeros(len(one), bool)) for one in galleries)
    gallery = replace(_gallery(beside, size), references=known)
    return Toy(replace(trace, references=references, gallery=gallery), member, subject)


def _gallery(rng: np.random.Generator, size: int, people: int = 30, images: int = 6) -> Trace:
    subject = np.repeat(np.arange(people), images)
    image = np.array([f"gallery {row:04d}" for row in range(len(subject))])
    return Trace(image, -1 - subject, _answers(rng, subject, np.zeros(len(subject)), size), layers=LAYERS, bank=BANK)


def _answers(rng: np.random.Generator, subject: Rows, lift: NDArray[Any], size: int) -> dict[Channel, FloatArray]:
    """Every channel of n images whose answers are moved by `lift` (n,) deviations."""
    n, person = len(subject), rng.normal(size=(subject.max() + 1, 2, 3))[subject] * 0.5
    channels: dict[Channel, NDArray[Any]] = {
        channel: np.exp(rng.normal(size=(n, 2, 3)) + person - lift[:, None, None]) for channel in BN_CHANNELS
    }
    noise = rng.spawn(1)[0].normal(size=(n, 2, 3))  # a stream of its own: the other channels stay as they are
    channels[Channel.ESTIMATED_DISTANCE] = np.exp(noise + person - lift[:, None, None])
    axes = rng.spawn(1)[0].normal(size=(n, 2, 3, 4))
    channels[Channel.POOLED] = axes + 0.3 * person[..., None]
    channels[Channel.POOLED][..., 0] += lift[:, None, None]
    channels |= _bank(rng.spawn(1)[0], subject, lift)
    channels[Channel.EMBEDDING] = _embedding(rng, subject, lift, size)
    channels |= _head(rng, n, lift)
    channels[Channel.BLIND] = rng.normal(size=(n, 5))
    channels[Channel.PICTURE] = rng.normal(size=(n, 9))
    return {channel: values.astype(np.float32) for channel, values in channels.items()}


def _bank(rng: np.random.Generator, subject: Rows, lift: Floats) -> dict[Channel, NDArray[Any]]:
    """Views of members agree more, and pull less at the weights."""
    n, w = len(subject), len(BANK)
    person = 0.3 * rng.normal(size=subject.max() + 1)[subject]

    def moved(*shape: int) -> Floats:
        along = (n, *(1 for _ in shape))
        return np.asarray(rng.normal(size=(n, *shape)) + (person + lift).reshape(along))

    return {
        Channel.VIEW_COSINES: np.tanh(1 + 0.3 * moved(w * (w - 1) // 2)),
        Channel.VIEW_NORM: 0.2 * moved(w),
        Channel.LAYER_AGREEMENT: np.tanh(1 + 0.3 * moved(w - 1, 3)),
        Channel.GRADIENT_NORM: -moved(2, 4),
        Channel.MARGIN_GRADIENT: -moved(1, 4),
    }


def _head(rng: np.random.Generator, n: int, lift: Floats) -> dict[Channel, NDArray[Any]]:
    """Eight cosines, of which the first is the larger the more the image leaks."""
    cosine = 0.3 + 0.1 * rng.normal(size=(n, 2, 8))
    cosine[..., 0] += 0.2 * lift[:, None]
    classes = np.argsort(-cosine, axis=-1)
    top = np.take_along_axis(cosine, classes, axis=-1)
    p = np.exp(32 * (top - top[..., :1]))
    p /= p.sum(-1, keepdims=True)
    entropy = -(p * np.log(p)).sum(-1)
    posterior = np.stack([np.log(p[..., 0]), entropy, entropy * (1 - p[..., 0])], axis=-1)
    return {
        Channel.CLASS_COSINE: top[..., 0],
        Channel.TOP_COSINES: top,
        Channel.TOP_CLASSES: classes.astype(float),
        Channel.POSTERIOR: posterior,
    }


def _embedding(rng: np.random.Generator, subject: Rows, lift: Floats, size: int) -> Floats:
    """Members lie nearer to their person's centre, agree more with their flip, and are longer."""
    centre = rng.normal(size=(subject.max() + 1, size))[subject]
    spread = (0.8 * np.exp(-0.5 * lift))[:, None]
    image = centre + spread * rng.normal(size=centre.shape)
    flip = image + spread * rng.normal(size=centre.shape)
    length = np.exp(0.1 * rng.normal(size=(len(subject), 1)) + 0.15 * lift[:, None])
    both = np.stack([image, flip], axis=1)
    return np.asarray(both / np.linalg.norm(both, axis=-1, keepdims=True) * length[:, None])


def split_in_halves(toy: Toy) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of even and of odd people: one half to learn from, one to be judged."""
    even = toy.subject % 2 == 0
    return np.flatnonzero(even), np.flatnonzero(~even)


def known_from(toy: Toy, rows: NDArray[np.intp]) -> AttackerKnowledge:
    """Partial knowledge of some rows."""
    return AttackerKnowledge("partial", (Labelled(toy.trace.take(rows), toy.member[rows]),))


def nonmembers_known(toy: Toy, rows: NDArray[np.intp]) -> AttackerKnowledge:
    """Nonmembers knowledge: the rows are in question, the gallery's people are known not to be members."""
    assert toy.trace.gallery is not None
    strangers = replace(toy.trace.gallery, gallery=toy.trace.gallery)
    together = join(strangers, toy.trace.take(rows))
    return AttackerKnowledge("nonmembers", (Labelled(together, np.arange(len(together)) >= len(strangers)),))
