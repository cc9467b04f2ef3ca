"""Numbers on the page: no certainty that was not measured."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bareface.records import numbers
from bareface.records.evidence import Interval

unit = st.floats(0, 1) | st.sampled_from([0.0, 1.0, 5e-324, 1e-9, 0.0004, 0.9996, 1 - 1e-16, 0.57, 0.29])


@given(unit)
def test_an_auc_is_rounded_to_0_or_1_only_when_it_is_that(value: float) -> None:
    assert (numbers.auc(value) == "0.000") == (value == 0)
    assert (numbers.auc(value) == "1.000") == (value == 1)


@given(unit)
def test_a_percentage_is_rounded_to_0_or_100_only_when_it_is_that(value: float) -> None:
    assert (numbers.percent(value) == "0.0") == (value == 0)
    assert (numbers.percent(value) == "100.0") == (value == 1)


@given(st.lists(unit, min_size=2, max_size=2).map(sorted))
def test_an_interval_is_never_shown_narrower_than_it_is(ends: list[float]) -> None:
    low, high = numbers.interval(Interval(low=ends[0], high=ends[1])).strip("[]").split(", ")
    assert low.startswith("<") or Decimal(low.strip("> ")) <= Decimal(repr(ends[0]))
    assert high.startswith(">") or Decimal(high.strip("< ")) >= Decimal(repr(ends[1]))


@given(unit)
def test_a_p_value_is_never_shown_smaller_than_it_is(value: float) -> None:
    shown = numbers.p_value(value)
    assert shown == "< 0.001" if value < 0.001 else shown.startswith(">") or Decimal(shown) >= Decimal(repr(value))


@given(st.floats(-1, 1))
def test_a_difference_shows_its_sign_and_never_vanishes(value: float) -> None:
    shown = numbers.difference(value)
    assert (shown == "0.000") == (value == 0)
    assert ("+" in shown) == (value > 0)
    assert ("−" in shown) == (value < 0)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (numbers.auc(0.8124), "0.812"),
        (numbers.auc(0.9999), "> 0.999"),
        (numbers.percent(0.6622), "66.2"),
        (numbers.percent(0.0004), "< 0.1"),
        (numbers.percent(0.99996), "> 99.9"),
        (numbers.p_value(0.0496), "0.050"),
        (numbers.p_value(0.0004), "< 0.001"),
        (numbers.difference(-0.0312), "−0.031"),
        (numbers.difference(0.0001), "< +0.001"),
        (numbers.difference(-0.0001), "> −0.001"),
        (numbers.difference(-0.0), "0.000"),
        (numbers.interval(Interval(low=0.57, high=0.6101)), "[0.570, 0.611]"),
        (numbers.interval(Interval(low=0.5, high=0.6, level=0.9)), "[0.500, 0.600] (90 %)"),
        (numbers.interval(Interval(low=-0.0101, high=0.02), numbers.difference), "[−0.011, +0.020]"),
        (numbers.nominal(0.001), "0.1 %"),
        (numbers.count(1, "image"), "1 image"),
        (numbers.count(2995, "person", "people"), "2,995 people"),
        (numbers.distance(-0.0123456), "−0.0123"),
        (numbers.distance(512.4), "512"),
        (numbers.distance(1.3), "1.30"),
        (numbers.duration(12.34), "12.3 s"),
        (numbers.duration(245), "4 min 05 s"),
        (numbers.duration(7385), "2 h 03 min"),
    ],
)
def test_numbers_as_people_read_them(shown: str, expected: str) -> None:
    assert shown == expected


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("2025-11-23T16:50:00Z", "23 November 2025, 16:50 UTC"),
        ("2026-01-02T00:30:00+02:00", "1 January 2026, 22:30 UTC"),
        ("2026-05-09T07:05:09", "9 May 2026, 07:05"),
        ("yesterday", "yesterday"),
        ("", ""),
    ],
)
def test_points_in_time_as_people_write_them(written: str, shown: str) -> None:
    assert numbers.moment(written) == shown


def test_a_p_value_at_the_resolution_of_the_permutations_is_a_bound() -> None:
    assert numbers.p_value(0.0099976, bound=True) == "≤ 0.010"
    assert numbers.p_value(0.0004, bound=True) == "< 0.001"
    assert numbers.p_value(1.0, bound=True) == "1.000"
    assert numbers.p_value(0.0099976) == "0.010"
