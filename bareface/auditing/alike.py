"""Whether the two sides of a game are alike to anybody without the target, and weights that make them so.

Who somebody is can be read from a trained network's embedding, how a photo was taken from the picture itself, and how
ordinary a face is from a few numbers that any network gives: length, agreement with the flip, distances. All of it
together, cross-fitted, is `who`, the strongest thing that can be said without the target.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bareface.auditing.games import GameSplit
from bareface.auditing.traces import Traces, in_arena
from bareface.membership.engine.features import direction, flip_agreement, log_length
from bareface.records.evidence import Balance, Measurement
from bareface.stats.measure import measure
from bareface.stats.propensity import OverlapWeights, ToldApart, components, deal, overlap, told_apart
from bareface.stats.roc import judged_auc
from bareface.stats.sample import Bools, Codes, Floats, Sides, sample
from bareface.stats.verdict import MIN_PEOPLE
from bareface.streams import stream
from bareface.trace import Channel, Trace

# Below it the halves of a population by one trait are called alike: with two disjoint halves .2 to .3 overlap by the
# errors of who tells them, with the strongest tilt that can be matched .55 (benchmarks/validity).
LEAST_OVERLAP = 0.4
_SMALLEST = 1e-12
WHO = "pictures, and what a trained foreign network says of the people, cross-fitted"


@dataclass(frozen=True)
class Alike:
    """What somebody without the target can tell of the two sides of a game.

    Attributes:
        record: the comparison as it is written down; its Holm-adjusted p-value is still missing.
        unit: (n,) codes of what is compared: a person's photos on one side, or single photos in the record game.
        member: (u,) the side of each unit.
        numbers: (u, c) `who`, the first components of the embedding and the scalars, the most telling first.
        who: (n,) the score of each image: its unit's.
    """

    record: Balance
    unit: Codes
    member: Bools
    numbers: Floats
    who: Floats

    def weights(self, beside: Floats) -> Floats:
        """(n,) overlap weights under which both sides are alike in `numbers` and in another score.

        Args:
            beside: (n,) what an attack says of the images on the foreign network; NaN where it says nothing.
        """
        spoken = _mean_by_unit(beside[:, None], self.unit, len(self.member))
        numbers = np.concatenate([self.numbers[:, :1], spoken, self.numbers[:, 1:]], axis=1)
        weight: Floats = overlap(numbers, self.member).weight[self.unit]
        return weight


def compare_sides(arena: GameSplit, traces: Traces, pictures: Trace, seed: int) -> Alike | None:
    """Compare the sides of a game without the target; None where the foreign network cannot see people.

    Args:
        arena: the game.
        traces: what the foreign network says of the candidates.
        pictures: blind features of the candidates.
        seed: root of the streams.
    """
    if traces.foreign_unfit or Channel.EMBEDDING not in traces.foreign.channels:
        return None
    unit = np.arange(len(arena.rows)) if arena.same_people else np.unique(arena.photo_set, return_inverse=True)[1]
    first = np.unique(unit, return_index=True)[1]
    side = _Side(arena, arena.member[first], arena.subject[first], arena.fold[first])
    centred_by = arena.subject if arena.same_people else None
    seen = seen_without_target(in_arena(traces.foreign, arena), in_arena(pictures, arena))
    groups = {name: _of_units(values, unit, centred_by) for name, values in seen.items()}
    rng = stream(seed, "who", arena.game)
    told = told_apart(groups, side.member, side.fold, rng)
    numbers = np.concatenate([told.together[:, None], components(groups["embedding"]), groups["scalars"]], axis=1)
    balanced = overlap(numbers, side.member)
    other_folds = deal(side.member, int(side.fold.max()) + 1, rng)
    again = told_apart(groups, side.member, other_folds, rng, balanced.weight)
    return Alike(_record(side, told, balanced, again, rng), unit, side.member, numbers, told.together[unit])


def skipped(arena: GameSplit, reason: str) -> Balance:
    """The record of a comparison that could not be made."""
    return Balance(game=arena.game, status="skipped", reason=reason)


def seen_without_target(foreign: Trace, pictures: Trace) -> dict[str, Floats]:
    """(n, f) features of each image by group, from a foreign network's answers and from the picture itself."""
    return {
        "scalars": np.concatenate([_scalars(foreign), _symmetry(pictures)], axis=1),
        "embedding": direction(foreign),
        "pictures": pictures.channels[Channel.BLIND].astype(np.float64),
    }


@dataclass(frozen=True)
class _Side:
    """The truth about the units of a game."""

    arena: GameSplit
    member: Bools
    subject: NDArray[np.int64]
    fold: Codes


def _record(
    side: _Side, told: ToldApart, balanced: OverlapWeights, again: ToldApart, rng: np.random.Generator
) -> Balance:
    """The comparison as it is written down, and whether the weighted sides can be compared."""
    before = _measured(side, told.together, rng)
    after = _measured(side, again.together, rng, balanced.weight)
    effective = balanced.effective(side.member)
    return Balance(
        game=side.arena.game,
        status="done",
        alone={name: judged_auc(sample(column, side.member, side.subject)) for name, column in
               zip(told.names, told.group.T, strict=True)},
        auc=before.auc,
        auc_interval=before.auc_interval,
        p_value=before.p_value,
        matched_auc=after.auc,
        matched_interval=after.auc_interval,
        member_people=before.member_people,
        nonmember_people=before.nonmember_people,
        effective_members=effective[0],
        effective_nonmembers=effective[1],
        overlap=_why_not(after, effective, balanced.share),
    )  # fmt: skip


def _measured(side: _Side, scores: Floats, rng: np.random.Generator, weight: Floats | None = None) -> Measurement:
    return measure(scores, Sides(side.member, side.subject, side.fold, weight), "image", rng)


def _why_not(after: Measurement, effective: tuple[float, float], share: float) -> str:
    """Why the weighted sides cannot be compared; empty where they can."""
    if share < LEAST_OVERLAP:
        least = f"{LEAST_OVERLAP:.0%} are needed"
        return f"hardly anybody could stand on either side: {share:.0%} of the people overlap, {least}"
    if min(effective) < MIN_PEOPLE:
        inside, outside = effective
        return (
            f"the people that overlap are worth {inside:.0f} members and {outside:.0f} non-members, {MIN_PEOPLE} are "
            "needed"
        )
    if after.auc_interval is not None and after.auc_interval.low > 0.5:
        low, high = after.auc_interval.low, after.auc_interval.high
        return f"weighting does not make the sides alike (AUC {after.auc:.3f} [{low:.3f}, {high:.3f}] on other folds)"
    return ""


def _scalars(trace: Trace) -> Floats:
    """(n, f) length of the embedding, agreement with the flip and mean distances, as far as the network gives them."""
    told = [log_length(trace.channels[Channel.EMBEDDING].astype(np.float64)).mean(axis=1)]
    if "flip" in trace.views:
        told.append(flip_agreement(trace, "who"))
    for channel in (Channel.BN_DISTANCE, Channel.BN_DISTANCE_VARIANCE):
        if channel in trace.channels:
            distance = trace.channels[channel].astype(np.float64).mean(axis=1)
            told.append(np.log(np.maximum(distance, _SMALLEST)).mean(axis=1))
    return np.stack(told, axis=1)


def _symmetry(pictures: Trace) -> Floats:
    """(n, 1) how alike each picture is to its mirror image: frontal faces are, to any network and to none."""
    thumbnail = pictures.channels[Channel.EMBEDDING][:, 0].astype(np.float64)
    side = round(thumbnail.shape[1] ** 0.5)
    square = thumbnail.reshape(-1, side, side)
    return np.asarray((square * square[:, :, ::-1]).sum(axis=(1, 2))[:, None])


def _of_units(values: Floats, unit: Codes, centred_by: NDArray[np.int64] | None) -> Floats:
    """(u, f) means over the images of a unit; where both sides are the same people, less the person's own mean."""
    if centred_by is not None:
        person = np.unique(centred_by, return_inverse=True)[1]
        values = values - _mean_by_unit(values, person, int(person.max()) + 1)[person]
    return _mean_by_unit(values, unit, int(unit.max()) + 1)


def _mean_by_unit(values: Floats, unit: Codes, units: int) -> Floats:
    """(u, f) means of what is known; where nothing is, the mean over all units."""
    known = ~np.isnan(values)
    total, count = np.zeros((units, values.shape[1])), np.zeros((units, values.shape[1]))
    np.add.at(total, unit, np.where(known, values, 0.0))
    np.add.at(count, unit, known)
    mean = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    overall = np.where(known.any(axis=0), np.nansum(values, axis=0) / np.maximum(known.sum(axis=0), 1), 0.0)
    return np.where(np.isnan(mean), overall, mean)
