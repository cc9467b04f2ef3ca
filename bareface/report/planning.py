"""A plan in plain words."""

from collections.abc import Iterator

from bareface.records import numbers
from bareface.records.planning import PlanRecord
from bareface.report.clean import visible

_MINUTE, _HOUR = 60, 3600


def plan_text(plan: PlanRecord) -> str:
    """The plan as plain text."""
    return "\n".join(visible(line) for line in _lines(plan)) + "\n"


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s" if seconds >= 1 else f"{seconds:.1f} s"
    return f"{seconds / _MINUTE:.0f} min" if seconds < 2 * _HOUR else f"{seconds / _HOUR:.1f} h"


def size(count: int) -> str:
    """Bytes as people say them."""
    return f"{count / (1 << 20):,.0f} MB" if count < 1 << 30 else f"{count / (1 << 30):,.1f} GB"


def _lines(plan: PlanRecord) -> Iterator[str]:
    brought = f"{numbers.count(plan.images, 'image')} of {numbers.count(plan.people, 'person', 'people')}"
    yield f"{plan.title}: {brought}, about {duration(plan.seconds)} on this machine as it is now"
    yield f"memory about {size(plan.memory)}, disk about {size(plan.disk)}"
    yield ""
    yield from (f"{one.stage:24} {duration(one.seconds):>8}   {one.what}" for one in plan.stages)
    yield ""
    for one in plan.attacks:
        price = "unknown" if one.seconds is None else duration(one.seconds)
        yield f"{one.attack:32} {price:>8}   {one.why}".rstrip()
    yield ""
    for game in plan.visible:
        sides = f"{game.inside:,} people inside, {game.outside:,} outside"
        least = "nothing" if game.smallest_effect is None else f"an AUC per person of {game.smallest_effect:.3f}"
        yield f"{game.game} game: {sides}; the smallest effect that would show: {least}"
    yield ""
    yield from (f"to cut: {line}" for line in plan.advice)
