"""What a backbone was trained on, as far as its counters tell.

torch counts the batches that every BatchNorm layer saw in training (`num_batches_tracked`), and the count is saved
with the weights. Data sets have known sizes, so a count fits few combinations of data set, batch size and epochs.
That is a leak of its own: which corpus, and whether something was added to it. It is also only arithmetic: other
numbers fit by chance, so that every answer comes with how many would.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from bareface.inspecting.datasets import BATCH_SIZES, DATASETS, MOST_EPOCHS, Dataset
from bareface.targets.counters import ABSENT, Count

# A number is compared with others up to this share away from it.
_NEARBY = 0.1


class Combination(BaseModel):
    """A data set, a batch size and a number of epochs that make up a counter.

    Attributes:
        dataset, images, identities, source: as in the catalogue.
        batch_size: of all workers together.
        epochs: whole passes.
        steps_per_epoch: batches in one of them.
        last_batch: whether the incomplete batch at the end of a pass was kept.
        identities_agree: whether the head in the file has that many classes; None where there is no head.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    dataset: str
    images: int
    identities: int
    source: str
    batch_size: int
    epochs: int
    steps_per_epoch: int
    last_batch: str
    identities_agree: bool | None


class ProvenanceFact(BaseModel):
    """What the counters of training batches say, and what they are consistent with.

    Attributes:
        counter: batches that most layers saw; None where no counter can be read, all are zero, or their type
            is so narrow that they may have begun again.
        within: the true number lies so close to it; 0 where it is exact. Nothing is compared with one that is not.
        reading: what the counters mean, in words.
        epoch: as the file itself states it; None where it does not.
        steps_per_epoch: counter / epochs, where that is whole: two numbers where the stated epoch may be counted from
            zero as well as from one.
        consistent: every combination of the catalogue that fits; with the stated epoch, if any does.
        tried: how many pairs of data set and batch size the catalogue has.
        by_chance: how many combinations would fit a random number of this size; None where nothing was compared.
        same_identities: data sets of the catalogue with as many people as the head in the file has classes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    counter: int | None
    within: int
    reading: str
    epoch: int | None
    steps_per_epoch: tuple[int, ...]
    consistent: tuple[Combination, ...]
    tried: int
    by_chance: float | None
    same_identities: tuple[str, ...]


@dataclass(frozen=True)
class _Pass:
    """One pass over a data set at one batch size."""

    dataset: Dataset
    images: int
    batch_size: int
    steps: int
    last_batch: str


def provenance(
    counters: Sequence[Count | int | None],
    epoch: int | None = None,
    identities: int | None = None,
    *,
    recogniser: bool = True,
) -> ProvenanceFact:
    """What the counters of the BatchNorm layers are consistent with.

    Args:
        counters: of each layer with running statistics, as they were read or as numbers; None for a layer without one.
        epoch: as the file states it; below zero it is none.
        identities: classes of the head in the file.
        recogniser: whether the net is known to recognise faces. Otherwise the catalogue says something only where it
            has a data set of as many people as the head has classes.
    """
    counts = [one if isinstance(one, Count) else _counted(one) for one in counters]
    epoch = None if epoch is None or epoch < 0 else epoch
    counter, within = _common(counts)
    is_least = any(count.state == "wrapped" for count in counts)
    exact = counter if not within and not is_least else None
    same = tuple(dataset.name for dataset in DATASETS if dataset.identities == identities)
    of_epochs = _epochs(exact, epoch) if exact else []
    asked = exact if recogniser or same else None
    fitting = _fitting(asked, identities) if asked else []
    stated = [found for found in fitting if found.epochs in of_epochs]
    compared = [exact // epochs for epochs in of_epochs] if exact and (stated or not fitting) else []
    return ProvenanceFact(
        counter=None if is_least else counter,
        within=within,
        reading=_reading(counts, counter, within, epoch, of_epochs),
        epoch=epoch,
        steps_per_epoch=tuple(exact // epochs for epochs in of_epochs) if exact else (),
        consistent=tuple(stated or fitting),
        tried=len(BATCH_SIZES) * sum(dataset.images is not None for dataset in DATASETS),
        by_chance=_by_chance(asked, compared) if asked else None,
        same_identities=same,
    )


def _counted(number: int | None) -> Count:
    return ABSENT if number is None else Count("exact", number)


def _common(counts: Iterable[Count]) -> tuple[int | None, int]:
    """The counter that most layers share, the larger one of two, and how close the truth is to it; none above zero."""
    counted = Counter((count.batches, count.within) for count in counts if (count.batches or 0) > 0)
    return max(counted, key=lambda pair: (counted[pair], pair), default=(None, 0))


def _epochs(counter: int, epoch: int | None) -> list[int]:
    """The epochs that the stated one can mean, counted from one or from zero, of which the counter is a multiple."""
    candidates = [] if epoch is None else [epoch, epoch + 1]
    return [epochs for epochs in candidates if epochs and counter % epochs == 0]


def _passes() -> list[_Pass]:
    passes = []
    for dataset in DATASETS:
        for size in BATCH_SIZES if dataset.images is not None else ():
            whole, rest = divmod(dataset.images or 0, size)
            passes.append(_Pass(dataset, dataset.images or 0, size, whole, "dropped" if rest else "complete"))
            if rest:
                passes.append(_Pass(dataset, dataset.images or 0, size, whole + 1, "kept"))
    return passes


def _fitting(counter: int, identities: int | None) -> list[Combination]:
    """Every combination that makes up the counter, those of the head's identities first, then by epochs."""
    found = [
        _combination(one, counter // one.steps, identities)
        for one in _passes()
        if counter % one.steps == 0 and counter // one.steps <= MOST_EPOCHS
    ]
    return sorted(found, key=lambda combination: (not combination.identities_agree, combination.epochs))


def _combination(one: _Pass, epochs: int, identities: int | None) -> Combination:
    return Combination(
        dataset=one.dataset.name,
        images=one.images,
        identities=one.dataset.identities,
        source=one.dataset.source,
        batch_size=one.batch_size,
        epochs=epochs,
        steps_per_epoch=one.steps,
        last_batch=one.last_batch,
        identities_agree=None if identities is None else identities == one.dataset.identities,
    )


def _by_chance(counter: int, steps_per_epoch: Sequence[int]) -> float:
    """How many combinations fit another number of this size, on average over its neighbourhood.

    Where the epochs are known the number is that of the steps in one epoch; otherwise it is the counter.
    """
    if steps_per_epoch:
        return sum(_mean_fits(steps, most_epochs=1) for steps in steps_per_epoch)
    return _mean_fits(counter, most_epochs=MOST_EPOCHS)


def _mean_fits(number: int, most_epochs: int) -> float:
    low, high = round(number * (1 - _NEARBY)), round(number * (1 + _NEARBY))
    multiples = (min(high // one.steps, most_epochs) - (low - 1) // one.steps for one in _passes())
    return sum(max(0, count) for count in multiples) / (high - low + 1)


def _reading(
    counts: Sequence[Count], counter: int | None, within: int, epoch: int | None, of_epochs: Sequence[int]
) -> str:
    if counter is None:
        return f"unknown: {_unknown(counts)}"
    if {count.batches for count in counts} != {counter}:
        return _unequal(counts, counter)
    if wrapped := [count.why for count in counts if count.state == "wrapped"]:
        return f"{counter:,} batches, or more: {wrapped[0]}"
    if within:
        why = next(count.why for count in counts if count.why)
        said = f"; the file states epoch {epoch}" if epoch is not None else ""
        return f"about {counter:,} batches, {counter - within:,} to {counter + within:,}: {why}{said}"
    return f"{counter:,} batches{_of_epochs(counter, epoch, of_epochs)}"


def _unknown(counts: Sequence[Count]) -> str:
    """Why no number of batches is known."""
    if not counts:
        return "no BatchNorm layer with running statistics, so no counter"
    if any(count.batches is not None for count in counts):
        return "no counter is above zero, so they were set back, or nothing was trained"
    unread = [count.why for count in counts if count.why]
    if unread:
        return f"the counters are there, but no number can be read in them ({unread[0]})"
    return "the file has no counters: it is older than torch 0.4.1, was converted, or had them taken out"


def _unequal(counts: Sequence[Count], counter: int) -> str:
    known = sorted({count.batches for count in counts if count.batches is not None})
    without, unread = (sum(chosen) for chosen in zip(*((c == ABSENT, c.batches is None) for c in counts), strict=True))
    some = f", {without} layers without a counter" if without else ""
    some += f", {unread - without} layers whose counter is no number" if unread > without else ""
    why = "parts were frozen, added later, or come from another model"
    return f"{known[0]:,} to {known[-1]:,} batches, by layer{some}; {counter:,} in most: {why}"


def _of_epochs(counter: int, epoch: int | None, of_epochs: Sequence[int]) -> str:
    if epoch is None:
        return "; the file states no epoch"
    if not of_epochs:
        why = "it did not begin at zero (fine-tuned, or begun from other weights), or the batches changed"
        return f", no whole number for each of the {epoch} epochs that the file states: {why}"
    passes = (f"{epochs} epoch{'s' if epochs > 1 else ''} of {counter // epochs:,}" for epochs in of_epochs)
    return f" = {' or '.join(passes)}; the file states epoch {epoch}"
