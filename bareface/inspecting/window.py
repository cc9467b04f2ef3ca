"""How far back the running statistics of a net remember.

BatchNorm keeps an exponential moving average: of a batch k steps before the end, m (1 − m)^k is left, with torch's
momentum m. The sum of the squared weights gives the number of equally weighted batches that would be as steady
(Kish): (2 − m) / m.
"""

import math

from pydantic import BaseModel, ConfigDict


class WindowFact(BaseModel):
    """Which batches the running statistics are an average of.

    Attributes:
        momentum: in torch's sense: the weight of the newest batch.
        whose: who says so; files do not hold it.
        effective_batches: of how many equally weighted batches the average is as steady.
        batches: the last so many carry 99 % of the weight.
        initial_weight: what is left of the initial mean 0 and variance 1; None where the counter is unknown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    momentum: float
    whose: str
    effective_batches: float
    batches: int
    initial_weight: float | None


def window(momentum: float | None, whose: str, counter: int | None) -> WindowFact | None:
    """The window of a momentum after `counter` batches; None for a cumulative average, which has none."""
    if momentum is None or not 0 < momentum <= 1:
        return None
    last = 1 if momentum == 1 else math.ceil(math.log(0.01) / math.log(1 - momentum))
    return WindowFact(
        momentum=momentum,
        whose=whose,
        effective_batches=(2 - momentum) / momentum,
        batches=last if counter is None else min(last, counter),
        initial_weight=None if counter is None else (1 - momentum) ** counter,
    )


def window_text(window: WindowFact) -> str:
    """The window in words."""
    said = (
        f"as steady as {window.effective_batches:.3g} batches, 99 % of the weight on the last {window.batches:,} "
        f"(momentum {window.momentum:g}, according to {window.whose}; of one worker where several trained together)"
    )
    initial = window.initial_weight or 0.0
    return said + (f"; {initial:.0%} of them is still the initial 0 and 1" if initial >= 0.01 else "")
