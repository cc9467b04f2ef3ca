"""The answer to one person in plain words: what was compared, what it says, and what it cannot prove."""

import textwrap
from collections.abc import Iterator

from bareface.records import numbers
from bareface.records.query import QueryRecord
from bareface.report.clean import visible, without_folders
from bareface.vocabulary import GAMES

WIDTH = 100


def query_text(answer: QueryRecord) -> str:
    """The answer as plain text of at most 100 columns."""
    wrapped = ("\n".join(textwrap.wrap(without_folders(visible(line)), WIDTH)) for line in _paragraphs(answer))
    return "\n\n".join(wrapped) + "\n"


def headline(answer: QueryRecord) -> str:
    """The answer in a sentence."""
    if answer.p_value is None or answer.at_or_above is None:
        return f"No answer: {answer.reason}."
    scores = "scores" if answer.at_or_above == 1 else "score"
    counted = (
        f"Of {numbers.count(answer.strangers, 'photo set')} of strangers, {answer.at_or_above:,} {scores} as high "
        f"(p = {answer.p_value:.3g})."
    )
    if answer.stands_out:
        return f"These photos stand out: the model treats them like those of people it was trained on. {counted}"
    return f"These photos do not stand out. {counted}"


def _paragraphs(answer: QueryRecord) -> Iterator[str]:
    yield headline(answer)
    if answer.status == "answered":
        yield _means(answer)
        yield from _power(answer)
        yield _made(answer)
    yield from (f"Not used: {line}" for line in answer.rejected)


def _means(answer: QueryRecord) -> str:
    chance = f"Of people who were never trained on, at most {100 * answer.fpr:g} % stand out like this"
    if answer.stands_out:
        return (
            f"What it says: evidence, not proof. {chance}, if their photos are like those of this audit's strangers. "
            "Photos that were taken, cut or stored otherwise may stand out for that reason alone."
        )
    return f"What it says: nothing was shown, which does not show that this person was not in training. {chance}."


def _power(answer: QueryRecord) -> Iterator[str]:
    if (found := answer.detected) is not None:
        yield (
            f"How much it would see: of {numbers.count(found.trials, 'person', 'people')} who were trained on, "
            f"{found.events:,} stand out with as many photos ({numbers.percent(found.rate)} %, 95 % interval "
            f"{numbers.interval(found.interval, numbers.percent)} %)."
        )


def _made(answer: QueryRecord) -> str:
    assert answer.game is not None
    asks = GAMES[answer.game].question.partition("?")[0]
    usable = answer.photos - answer.repeated - len(answer.rejected)
    drawn = f", drawn by lot from {usable}" if usable > answer.used else ""
    copies = f" ({numbers.count(answer.repeated, 'copy', 'copies')} left aside)" if answer.repeated else ""
    judged = "This person stands in the audit: only models that were fitted without them judged. "
    seen = " It was shown on training photos, so it speaks of these very photos more than of the person."
    return (
        f"How it was made: {numbers.count(answer.used, 'photo')}{drawn}{copies}, beside as many photos of each "
        f"stranger. {judged if answer.known else ''}The attack is {answer.attack} ({answer.knowledge} knowledge) of "
        f"the {answer.game} game (“{asks}?”): of those that showed a leak in this audit the most telling one, chosen "
        f"without this person.{seen if answer.game == 'dataset' else ''}"
    )
