"""Pairs of images drawn from a roster, in folds that have no person in common."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bareface.errors import RosterError
from bareface.faces.pairs import FOLDS, PairList, check_folds, named_pairs
from bareface.rosters.grouping import rows_of
from bareface.rosters.roster import Roster
from bareface.streams import stream


def draw_pairs(roster: Roster, seed: int, *, same: int = 3000, different: int = 3000, folds: int = FOLDS) -> PairList:
    """Pairs from a roster, no two alike, the folds disjoint by person.

    Every person gives one same-person pair before anybody gives a second; a different-people pair is two people drawn
    evenly, and a photo of each. Where a fold has fewer pairs than its share, all of them are taken.

    Args:
        roster: who is on which image.
        seed: root of the random streams.
        same, different: pairs wanted of each kind, over all folds.
        folds: how many.

    Raises:
        RosterError: there are fewer than two people in a fold, or nobody has two images.
        UsageError: fewer than two folds, or fewer pairs of a kind than folds.
    """
    check_folds(min(same, different), folds, "pairs of a kind")
    _, person, photos = np.unique(roster.subject, return_inverse=True, return_counts=True)
    _check_people(roster, photos, folds)
    rng = stream(seed, "pairs")
    dealt = _deal(photos, folds, rng)
    own, parts = rows_of(person), []
    for fold in range(folds):
        people = [own[who] for who in np.flatnonzero(dealt == fold).tolist()]
        for kind, wanted in ((True, same), (False, different)):
            share = wanted // folds + (fold < wanted % folds)
            pairs = _draw_same(people, share, rng) if kind else _draw_different(people, share, rng)
            parts.append((pairs, np.full(len(pairs), kind), np.full(len(pairs), fold, dtype=np.intp)))
    pairs, kinds, numbers = (np.concatenate(column) for column in zip(*parts, strict=True))
    return named_pairs(np.array(roster.image)[pairs].tolist(), kinds, numbers)


def _check_people(roster: Roster, photos: NDArray[np.intp], folds: int) -> None:
    pairable = int((photos > 1).sum())
    if len(photos) < 2 * folds or not pairable:
        raise RosterError(
            roster.called,
            got=f"{len(photos)} people, {pairable} of them with two images or more",
            expected=f"two people in each of {folds} folds, and somebody with two images",
            hint="fewer folds, or images of more people",
        )


def _deal(photos: NDArray[np.intp], folds: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """(people,) folds: those with several photos and those with one are dealt out separately."""
    dealt = np.empty(len(photos), dtype=np.intp)
    several, one = (rng.permutation(np.flatnonzero(kind)) for kind in (photos > 1, photos == 1))
    dealt[np.append(several, one)] = np.arange(len(photos)) % folds
    return dealt


def _draw_same(people: Sequence[NDArray[np.intp]], wanted: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """(k, 2) rows of one person each, k <= wanted."""
    turns, found = [np.empty(0, dtype=np.intp)], [np.empty((0, 2), dtype=np.intp)]
    for rows in people:
        total = len(rows) * (len(rows) - 1) // 2
        drawn = rng.choice(total, min(total, wanted), replace=False) if total else np.empty(0, dtype=np.intp)
        turns.append(np.arange(len(drawn)))
        found.append(rows[_pair_number(drawn)])
    turn = np.concatenate(turns)
    return np.concatenate(found)[np.lexsort((rng.random(len(turn)), turn))[:wanted]]


def _pair_number(number: NDArray[np.intp]) -> NDArray[np.intp]:
    """(k, 2) the pairs i < j with these numbers, in the order (0, 1), (0, 2), (1, 2), (0, 3), ..."""
    later = ((1 + np.sqrt(1 + 8 * number.astype(np.float64))) // 2).astype(np.intp)
    return np.stack([number - later * (later - 1) // 2, later], axis=1)


def _draw_different(people: Sequence[NDArray[np.intp]], wanted: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """(k, 2) rows of two people each, k <= wanted, none twice."""
    count, rows = np.array([len(photos) for photos in people]), np.concatenate(people)
    start = np.cumsum(count) - count
    # More draws than pairs wanted: some repeat.
    who = rng.integers(0, len(people), 4 * wanted)
    other = (who + rng.integers(1, len(people), 4 * wanted)) % len(people)
    pairs = np.sort(np.stack([start[w] + rng.integers(0, count[w]) for w in (who, other)], axis=1), axis=1)
    _, kept = np.unique(pairs, axis=0, return_index=True)
    drawn: NDArray[np.intp] = rows[pairs[np.sort(kept)[:wanted]]]
    return drawn
