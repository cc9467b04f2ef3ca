"""What stands beside a trace goes with it."""

from dataclasses import replace

import numpy as np
import pytest
from toy import toy_world

from bareface.trace import Channel, Reference, join


def test_references_follow_the_rows_and_their_grouping() -> None:
    trace = toy_world(1, people=3).trace
    rows = np.array([5, 0, 17])
    taken = trace.take(rows).with_photo_set(np.array([7, 8, 9]))
    for before, after in zip(trace.references, taken.references, strict=True):
        assert after.trace.photo_set.tolist() == [7, 8, 9]
        np.testing.assert_array_equal(
            after.trace.channels[Channel.EMBEDDING], before.trace.channels[Channel.EMBEDDING][rows]
        )
    assert taken.gallery is trace.gallery


def test_joined_traces_keep_what_both_have() -> None:
    first, second = toy_world(1, people=2).trace, toy_world(2, people=3).trace
    fewer = replace(second, channels={Channel.EMBEDDING: second.channels[Channel.EMBEDDING]})
    both = join(first, fewer)
    assert set(both.channels) == {Channel.EMBEDDING}
    assert both.image.tolist() == [*first.image, *second.image]
    assert [len(reference.trace) for reference in both.references] == [len(first) + len(second)] * 2
    np.testing.assert_array_equal(both.take(np.arange(len(first), len(both))).image, second.image)


def test_a_reference_about_other_images_is_refused() -> None:
    trace = toy_world(1, people=2).trace
    with pytest.raises(AssertionError, match="a trace of 24 images has columns of lengths"):
        replace(trace, references=(Reference(trace.take(np.arange(3)), np.zeros(3, bool)),))
