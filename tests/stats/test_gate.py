"""What a gate reads in a finding, where whole audits would not show the difference."""

from typing import Any

import pytest

from bareface.records.evidence import Control, Finding, Interval, Matched, Measurement
from bareface.settings.policy import Policy
from bareface.stats.gate import judge
from bareface.vocabulary import Verdict


def measured(smallest: float) -> Measurement:
    return Measurement(
        unit="image", members=60, nonmembers=60, abstained_members=0, abstained_nonmembers=0, member_people=60,
        nonmember_people=60, auc=0.55, auc_interval=Interval(low=0.45, high=0.64), p_value=0.2, p_value_holm=0.4,
        smallest_effect=smallest, operating_points=(), roc_fpr=(), roc_tpr=(),
    )  # fmt: skip


def not_shown(**more: Any) -> Finding:
    return Finding(
        attack="embedding-norm", parameters={}, game="dataset", knowledge="partial", status="done", reason="",
        image=measured(0.6), person=None, controls=(), verdict=Verdict.NOT_SHOWN, sentence="Nothing is shown.", **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("left", "outcome", "bound"), [(0.68, "passed", 0.68), (0.74, "inconclusive", 0.74), (None, "inconclusive", 1.0)]
)
def test_the_power_of_matched_people_counts_what_matching_may_leave(
    left: float | None, outcome: str, bound: float
) -> None:
    """The measurement alone would have shown .66; with the remainder it takes more, and unknown is the most."""
    foreign = Control(
        kind="foreign", status="skipped", what="", auc=None, auc_interval=None, difference=None,
        difference_interval=None, reason="not needed here",
    )  # fmt: skip
    matched = Matched(measurement=measured(0.66), foreign=foreign, smallest_effect=left)
    (line,) = judge([not_shown(matched=matched)], Policy(require_visible=0.7))
    assert (line.outcome, line.bound) == (outcome, bound)


def test_where_nobody_was_matched_the_measurement_tells_the_power() -> None:
    (line,) = judge([not_shown()], Policy(require_visible=0.7))
    assert (line.outcome, line.bound) == ("passed", 0.6)
