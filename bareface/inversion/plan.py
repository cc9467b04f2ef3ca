"""How far and how fast a search goes."""

import math
from dataclasses import dataclass, field

from bareface.errors import UsageError
from bareface.inversion.priors import Box


@dataclass(frozen=True)
class SearchPlan:
    """How far and how fast.

    Attributes:
        steps: moves of each row.
        rate: Adam's learning rate, in standard deviations of the prior.
        betas: Adam's decay rates.
        ramp_up: share of the steps over which the rate rises linearly.
        ramp_down: share of the steps at the end over which it falls as a cosine.
        tail: share of the steps at the end over which `average` averages.
        box: bound of the whitened coordinates.
        chunk: rows in one forward and backward pass; no part of the result.
        seed: root of the rows' random streams.

    Raises:
        UsageError: a value is out of range.
    """

    steps: int = 150
    rate: float = 0.02
    betas: tuple[float, float] = (0.9, 0.99)
    ramp_up: float = 0.05
    ramp_down: float = 0.25
    tail: float = 1 / 3
    box: Box = field(default_factory=Box)
    chunk: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        shares = (self.ramp_up, self.ramp_down, self.tail, *self.betas)
        if self.steps < 1 or self.chunk < 1 or not self.rate > 0 or not all(0 <= share <= 1 for share in shares):
            raise UsageError(
                "SearchPlan", got=str(self), expected="steps and chunk >= 1, rate > 0, all shares in [0, 1]"
            )

    def rate_at(self, step: int) -> float:
        """The learning rate of move `step`, counted from 0."""
        done, left = (step + 1) / self.steps, (self.steps - step) / self.steps
        up = min(1.0, done / self.ramp_up) if self.ramp_up else 1.0
        down = min(1.0, left / self.ramp_down) if self.ramp_down else 1.0
        return self.rate * up * (0.5 - 0.5 * math.cos(math.pi * down))

    def in_tail(self, step: int) -> bool:
        """Whether `average` counts the place before move `step`; it counts the last place at least."""
        return step >= math.ceil((1 - self.tail) * self.steps)
