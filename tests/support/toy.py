"""A toy world: traces of people whose answers carry a planted leak of known size, or none."""

import hashlib
from dataclasses import dataclass

import numpy as np

from bareface.membership.base import Known, Labelled
from bareface.trace import BN_CHANNELS, Channel, Layer, Trace

LAYERS = (Layer("a", 4), Layer("b", 8), Layer("c", 16))


@dataclass(frozen=True)
class Toy:
    """A trace and the truth about it."""

    trace: Trace
    member: np.ndarray
    subject: np.ndarray


def toy_world(seed: int, *, people: int = 40, images: int = 6, leak: float = 0.0, size: int = 16) -> Toy:
    """`people` members' and as many strangers' images; a leak moves the members' answers by so many deviations."""
    rng = np.random.default_rng(seed)
    subject = np.repeat(np.arange(2 * people), images)
    member = subject < people
    n = len(subject)
    lift = leak * member[:, None, None]
    person = rng.normal(size=(2 * people, 2, 3))[subject] * 0.5
    channels = {channel: np.exp(rng.normal(size=(n, 2, 3)) + person - lift) for channel in BN_CHANNELS}
    channels[Channel.EMBEDDING] = _embedding(rng, subject, member, leak, size)
    channels[Channel.CLASS_COSINE] = 0.3 + 0.1 * (rng.normal(size=(n, 2)) + leak * member[:, None])
    image = np.array([hashlib.sha256(f"{seed} {row}".encode()).hexdigest() for row in range(n)])
    return Toy(
        Trace(image, subject, {c: v.astype(np.float32) for c, v in channels.items()}, layers=LAYERS), member, subject
    )


def _embedding(rng: np.random.Generator, subject: np.ndarray, member: np.ndarray, leak: float, size: int) -> np.ndarray:
    """Members lie nearer to their person's centre, agree more with their flip, and are longer."""
    centre = rng.normal(size=(subject.max() + 1, size))[subject]
    spread = (0.8 * np.exp(-0.5 * leak * member))[:, None]
    image = centre + spread * rng.normal(size=centre.shape)
    flip = image + spread * rng.normal(size=centre.shape)
    length = np.exp(0.1 * rng.normal(size=(len(subject), 1)) + 0.15 * leak * member[:, None])
    both = np.stack([image, flip], axis=1)
    return both / np.linalg.norm(both, axis=-1, keepdims=True) * length[:, None]


def split_in_halves(toy: Toy) -> tuple[np.ndarray, np.ndarray]:
    """Rows of even and of odd people: one half to learn from, one to be judged."""
    even = toy.subject % 2 == 0
    return np.flatnonzero(even), np.flatnonzero(~even)


def known_from(toy: Toy, rows: np.ndarray) -> Known:
    """Partial knowledge of some rows."""
    return Known("partial", (Labelled(toy.trace.take(rows), toy.member[rows]),))
