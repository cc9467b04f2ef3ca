"""The record of a self-check: whether a backbone is fed as it was in training."""

from typing import Literal

from bareface.records.record import Record


class InputFit(Record):
    """How well faces fit the running statistics when they are fed in one way.

    Attributes:
        input: channel order and normalisation, in words.
        project: whose convention it is.
        misfit: 0 where the statistics of the faces are the running ones, 1 where they are disjoint.
        behind: its misfit less that of the best.
        error: standard error of `behind`, from leaving out parts of the images.
    """

    input: str
    project: str
    misfit: float
    behind: float
    error: float


class SelfCheck(Record):
    """What the running statistics say about the declared input.

    Attributes:
        status: `skipped` with its reason, where there is nothing to compare with.
        images: how many were fed, and what they were.
        layers: BatchNorm layers compared.
        declared: the input that the target declares.
        fits: every way of feeding that was tried, the best first.
        order: whether the channel order could be told, in words.
        verdict: `fits`, `misfit` (another way fits far better, or none fits), `cannot tell`; None if skipped.
        sentence: the verdict with its numbers.
        overridden: whether the audit went on although the verdict is `misfit`.
    """

    status: Literal["done", "skipped"]
    reason: str
    images: int
    source: str
    layers: int
    declared: str
    fits: tuple[InputFit, ...]
    order: str
    verdict: Literal["fits", "misfit", "cannot tell"] | None
    sentence: str
    overridden: bool = False
