"""How membership came about, and whether the two sides of a game are alike, in words."""

from collections.abc import Iterable

from bareface.records import numbers
from bareface.records.evidence import Assignment, Balance, Interval
from bareface.vocabulary import GAMES

_GROUPS = {"pictures": "pictures alone", "embedding": "embeddings alone", "scalars": "lengths and distances alone"}


def assignment_sentence(assignment: Assignment | None) -> str:
    """How it came about who was trained on; says it when the run is from before that was asked."""
    if assignment is None:
        return "How it came about who was trained on was not asked: the run is from before there was such a question."
    return f"Membership is {assignment.how}. {assignment.sentence}"


def balance_sentences(game: str, balances: Iterable[Balance]) -> tuple[str, ...]:
    """What can be told of the sides of a game without the target, before and after matching; empty: nobody looked."""
    return tuple(sentence for one in balances if one.game == game for sentence in _sentences(one))


def _sentences(one: Balance) -> tuple[str, ...]:
    if one.status == "skipped" or one.auc is None:
        return (
            f"Whether the two sides are the same kind of people was not looked at: {one.reason or 'no reason given'}.",
        )
    alone = ", ".join(f"{_GROUPS.get(name, name)} {numbers.auc(value)}" for name, value in one.alone.items())
    before = (
        "Without the target, the sides are told apart with an AUC of "
        f"{numbers.auc(one.auc)}{_brackets(one.auc_interval)} per person ({alone})."
    )
    return (before,) if GAMES[one.game].same_people else (before, _matched(one))


def _matched(one: Balance) -> str:
    if one.overlap:
        return f"The people cannot be matched: {one.overlap}."
    people = f"{one.member_people:,} members and {one.nonmember_people:,} non-members"
    worth = f"{one.effective_members or 0:.0f} and {one.effective_nonmembers or 0:.0f}"
    left = (
        f"{numbers.auc(one.matched_auc)}{_brackets(one.matched_interval)}" if one.matched_auc is not None else "unknown"
    )
    return f"Matched, {people} are worth {worth} equally weighted people, and on other folds {left} is left."


def _brackets(interval: Interval | None) -> str:
    return f" {numbers.interval(interval)}" if interval else ""
