"""Small changes to bytes, as damage and malice make them."""

import random
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

# Numbers at which length fields overflow, wrap around, or claim the world.
NUMBERS = tuple(
    (sign * (1 << bits) + step).to_bytes(9, "little", signed=True)[:size]
    for bits, size in ((7, 1), (8, 1), (15, 2), (16, 2), (29, 4), (31, 4), (32, 4), (62, 8), (63, 8))
    for sign in (1, -1)
    for step in (-1, 0, 1)
)


def overwrite(content: bytes, at: int, piece: bytes) -> bytes:
    """`piece` in place of as many bytes."""
    return content[:at] + piece + content[at + len(piece) :]


def insert(content: bytes, at: int, piece: bytes) -> bytes:
    """`piece` in between."""
    return content[:at] + piece + content[at:]


def remove(content: bytes, at: int, piece: bytes) -> bytes:
    """As many bytes as `piece` has, gone."""
    return content[:at] + content[at + max(1, len(piece)) :]


def flip(content: bytes, at: int, piece: bytes) -> bytes:
    """Bits of `piece`, flipped."""
    part = content[at : at + len(piece)]
    return content[:at] + bytes(a ^ b for a, b in zip(part, piece, strict=False)) + content[at + len(part) :]


def cut_off(content: bytes, at: int, piece: bytes) -> bytes:
    """The beginning."""
    return content[:at]


def repeat(content: bytes, at: int, piece: bytes) -> bytes:
    """A stretch of 2 to 512 bytes, several times over."""
    length = 1 << (1 + sum(piece) % 9)
    return content[:at] + content[at : at + length] * (1 + len(piece)) + content[at + length :]


CHANGES: Mapping[str, Callable[[bytes, int, bytes], bytes]] = MappingProxyType(
    {function.__name__: function for function in (overwrite, insert, remove, flip, cut_off, repeat)}
)


def mutated(rng: random.Random, pool: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    """One of the pool with one to eight changes, some of them spliced in from another one, or random bytes."""
    if rng.random() < 0.01:
        return rng.randbytes(rng.randrange(200))
    content = rng.choice(pool)
    for _ in range(1 << rng.randrange(4)):
        change = rng.choices(list(CHANGES.values()), weights=(6, 3, 2, 6, 1, 1))[0]
        content = change(content, rng.randrange(len(content) + 1), _piece(rng, pool, tokens))
    return content[: 1 << 16]


def _piece(rng: random.Random, pool: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    kind = rng.random()
    if kind < 0.3:
        return rng.choice(NUMBERS)
    if kind < 0.6 and tokens:
        return rng.choice(tokens)
    if kind < 0.7:
        other = rng.choice(pool)
        at = rng.randrange(len(other) + 1)
        return other[at : at + rng.randrange(64)]
    return rng.randbytes(1 + rng.randrange(4))
