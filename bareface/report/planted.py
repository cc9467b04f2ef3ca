"""The positive control of an audit, in words."""

from collections.abc import Iterable

from bareface.records import numbers
from bareface.records.evidence import PlantedLeak
from bareface.vocabulary import Verdict

WHY = (
    "“Not shown” is worth something only if the audit would have seen what it looks for. So leaks were planted: scores "
    "were drawn for the same people, folds and controls, with a leak of the smallest size that is said to be visible, "
    "and judged by the same rules; and as many without a leak. Four of five leaks or more should be shown, and "
    "hardly anything where nothing was planted."
)
NONE = "No leaks were planted in this audit: it was not asked to, or it is from before there was such a control."


def planted_sentences(planted: Iterable[PlantedLeak]) -> tuple[str, ...]:
    """One sentence for each game."""
    return tuple(map(_sentence, planted))


def _sentence(one: PlantedLeak) -> str:
    where = f"{one.game.capitalize()} game, beside {one.attack} with {one.knowledge} knowledge"
    if not one.audits or one.effect is None:
        return f"{where}: no leak was planted, since {one.reason or 'no reason was given'}."
    shown, false = (said.get(Verdict.LEAK_SHOWN.value, 0) for said in (one.said, one.said_of_none))
    size = f"an AUC of {numbers.auc(one.effect, 'ROUND_CEILING')} per {one.unit}"
    otherwise = ", ".join(f"{times} {verdict}" for verdict, times in one.said.items() if verdict != Verdict.LEAK_SHOWN)
    return (
        f"{where}: of {one.audits} planted leaks of {size}, {shown} were called LEAK SHOWN"
        f"{f' (otherwise {otherwise})' if otherwise else ''}; of {one.audits} audits without a leak, {false}."
    )
