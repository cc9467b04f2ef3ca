"""Numbers as people read them: never rounded into a certainty that was not measured.

A value that would round to 0 or 1 without being exactly that is shown as a bound (`< 0.001`, `> 0.999`).
Intervals round outwards, p-values upwards.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from bareface.records.evidence import Interval

Written = Callable[[float, str], str]


def auc(value: float, rounding: str = ROUND_HALF_EVEN) -> str:
    """An AUC or another number in [0, 1]: `0.812`."""
    return _fixed(Decimal(repr(float(value))), 3, rounding)


def percent(value: float, rounding: str = ROUND_HALF_EVEN) -> str:
    """A share in [0, 1] as a percentage with one decimal, without the sign: `66.2`."""
    return _fixed(Decimal(repr(float(value))) * 100, 1, rounding, top=100)


def difference(value: float, rounding: str = ROUND_HALF_EVEN) -> str:
    """A signed difference of AUCs: `+0.120`, `−0.031`; `< +0.001` where it would round to nothing."""
    exact = Decimal(repr(float(value))) + 0
    shown = exact.quantize(Decimal("0.001"), rounding)
    if shown == 0 and exact != 0:
        return "< +0.001" if exact > 0 else "> −0.001"
    return _minus(f"{shown:+f}" if exact else "0.000")


def p_value(value: float, *, bound: bool = False) -> str:
    """A p-value, rounded up: `0.032`, `< 0.001`; `≤ 0.032` where it is a bound, since more permutations lower it."""
    if value < 0.001:
        return "< 0.001"
    return ("≤ " if bound and value < 1 else "") + auc(value, ROUND_CEILING)


def interval(value: Interval, written: Written = auc) -> str:
    """A confidence interval, rounded outwards: `[0.790, 0.834]`; its level is named unless it is 95 %."""
    level = "" if value.level == 0.95 else f" ({100 * value.level:g} %)"
    return f"[{written(value.low, ROUND_FLOOR)}, {written(value.high, ROUND_CEILING)}]{level}"


def nominal(rate: float) -> str:
    """A nominal rate as it is spoken of: `0.1 %`."""
    return f"{100 * rate:g} %"


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 image`, `2,995 images`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def distance(value: float) -> str:
    """A distance with three significant digits."""
    return _minus(f"{value:#.3g}".rstrip("."))


def duration(seconds: float) -> str:
    """`12.3 s`, `4 min 05 s`, `2 h 03 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60:,} h {minutes % 60:02d} min"


def moment(written: str) -> str:
    """A point in time as people write it, in UTC: `23 November 2025, 16:50 UTC`; what is no such point stays."""
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        return written
    at = at.astimezone(UTC) if at.tzinfo else at
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}, {at:%H:%M}{' UTC' if at.tzinfo else ''}"


_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def _fixed(exact: Decimal, places: int, rounding: str, top: int = 1) -> str:
    step = Decimal(1).scaleb(-places)
    shown = exact.quantize(step, rounding) + 0  # + 0: no negative zero
    for end in (0, top):
        if shown == end != exact:
            return _minus(f"< {end + step:f}" if exact > end else f"> {end - step:f}")
    return _minus(f"{shown:f}")


def _minus(text: str) -> str:
    return text.replace("-", "−")
