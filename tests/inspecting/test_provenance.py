"""Counters of training batches against the catalogue: every combination that fits, and how many would by chance."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bareface.inspecting.datasets import BATCH_SIZES, DATASETS, MOST_EPOCHS
from bareface.inspecting.provenance import provenance
from bareface.inspecting.window import window
from bareface.targets.running_statistics import is_degenerate, is_fresh, shift


def slow_fits(counter: int) -> Iterator[tuple[str, int, int]]:
    """Every data set, batch size and epochs that make up the counter, tried one by one."""
    for dataset in DATASETS:
        for size in BATCH_SIZES if dataset.images else ():
            for epochs in range(1, MOST_EPOCHS + 1):
                if counter in {epochs * (dataset.images // size), epochs * -(-dataset.images // size)}:
                    yield dataset.name, size, epochs


KNOWN = [(5_822_653 // 1024 * 26, None), (-(-490_623 // 512) * 68, 68), (5_179_510 // 1024 * 20, None), (12_345, None)]


@pytest.mark.parametrize(("counter", "epoch"), KNOWN)
def test_every_combination_that_fits_is_listed(counter: int, epoch: int | None) -> None:
    found = provenance([counter] * 3, epoch).consistent
    assert {(one.dataset, one.batch_size, one.epochs) for one in found} == {
        fit for fit in slow_fits(counter) if epoch is None or fit[2] in (epoch, epoch + 1)
    }
    for one in found:
        assert one.epochs * one.steps_per_epoch == counter


@settings(max_examples=6)
@given(st.integers(2_000, 200_000))
def test_the_number_by_chance_is_the_mean_over_the_neighbourhood(counter: int) -> None:
    near = range(round(counter * 0.9), round(counter * 1.1) + 1)
    sample = np.random.default_rng(0).choice(near, 40)
    fits = [len(provenance([int(n)]).consistent) for n in sample]
    said = provenance([counter]).by_chance
    assert said is not None
    assert abs(np.mean(fits) - said) < 4 * max(np.std(fits), 0.3) / np.sqrt(len(fits)) + 0.05


def test_a_stated_epoch_narrows_it_down_and_may_be_counted_from_zero() -> None:
    counter = -(-5_179_510 // 4096) * 25
    for epoch in (24, 25):
        trained = provenance([counter], epoch)
        assert trained.steps_per_epoch == (1265,)
        assert [(one.dataset, one.batch_size, one.epochs) for one in trained.consistent] == [
            ("MS1MV3 (MS1M-RetinaFace)", 4096, 25)
        ]
        assert trained.reading.endswith(f"= 25 epochs of 1,265; the file states epoch {epoch}")


def test_a_counter_that_began_elsewhere_is_said_to_be_no_whole_number_of_epochs() -> None:
    student = provenance([(51 + 50) * 959], 50)
    assert "no whole number for each of the 50 epochs that the file states: it did not begin at zero" in student.reading
    assert [(one.batch_size, one.epochs) for one in student.consistent] == [(512, 101)]
    assert provenance([65_252], 69).consistent == ()


def test_the_classes_of_a_head_speak_too() -> None:
    trained = provenance([1000], identities=72_778)
    assert trained.same_identities == ("MS1M-v1c",)
    emore = provenance([5_822_653 // 512 * 13], identities=85_742)
    assert emore.same_identities == ("MS1MV2 (MS1M-ArcFace, emore)",)
    assert emore.consistent[0].identities_agree is True
    assert all(one.identities_agree is False for one in provenance([959], identities=7).consistent)
    assert all(one.identities_agree is None for one in provenance([959]).consistent)


@pytest.mark.parametrize(
    ("counters", "reading"),
    [
        ([], "unknown: no BatchNorm layer with running statistics, so no counter"),
        (
            [None, None],
            "unknown: the file has no counters: it is older than torch 0.4.1, was converted, or had them taken",
        ),
        ([0, 0], "unknown: no counter is above zero, so they were set back, or nothing was trained"),
        ([-4], "unknown: no counter is above zero"),
        ([5, 5], "5 batches; the file states no epoch"),
        ([3, 5, 5], "3 to 5 batches, by layer; 5 in most: parts were frozen"),
        ([5, None], "5 to 5 batches, by layer, 1 layers without a counter; 5 in most"),
    ],
)
def test_what_counters_mean(counters: list[int | None], reading: str) -> None:
    trained = provenance(counters)
    assert trained.reading.startswith(reading)
    if reading.startswith("unknown"):
        assert (trained.counter, trained.by_chance, trained.consistent) == (None, None, ())


def test_a_net_that_is_no_recogniser_is_consistent_with_nothing_by_chance() -> None:
    counter = -(-490_623 // 512) * 68
    told = provenance([counter], recogniser=False)
    assert (told.counter, told.consistent, told.by_chance) == (counter, (), None)
    assert provenance([counter], identities=10_572, recogniser=False).consistent
    assert not provenance([counter], identities=1000, recogniser=False).consistent


def test_an_epoch_below_zero_is_none() -> None:
    told = provenance([404], -1)
    assert (told.epoch, told.reading) == (None, "404 batches; the file states no epoch")


def test_numbers_beyond_all_measure_are_only_numbers() -> None:
    assert provenance([2**62], 2**62).consistent == ()
    assert provenance([1], -1).steps_per_epoch == ()


@pytest.mark.parametrize(
    ("momentum", "batches", "effective"), [(0.1, 44, 19), (0.9, 2, 11 / 9), (0.01, 459, 199), (1.0, 1, 1)]
)
def test_the_window_of_a_momentum(momentum: float, batches: int, effective: float) -> None:
    seen = window(momentum, "somebody", 10_000)
    assert seen is not None
    assert (seen.batches, seen.initial_weight) == (batches, pytest.approx(0))
    assert seen.effective_batches == pytest.approx(effective)
    weights = momentum * (1 - momentum) ** np.arange(10_000)
    assert weights.sum() ** 2 / (weights**2).sum() == pytest.approx(effective, rel=1e-3)
    assert weights[:batches].sum() >= 0.99 - 1e-12 > weights[: batches - 1].sum()


def test_a_window_that_is_not_known() -> None:
    assert window(None, "a cumulative average", 5) is None
    unknown = window(0.1, "somebody", None)
    assert unknown is not None
    assert (unknown.batches, unknown.initial_weight) == (44, None)


def test_degenerate_and_fresh_statistics_are_two_things() -> None:
    near, far, ones = np.full(8, 0.05), np.full(8, 0.4), np.ones(8)
    assert is_degenerate(shift(near, ones))
    assert not is_degenerate(shift(far, ones))
    assert not is_degenerate(shift(0 * near, ones))
    assert is_fresh(0 * near, ones)
    assert not is_fresh(near, ones)
    assert not is_fresh(0 * near, 2 * ones)
