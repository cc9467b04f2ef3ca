"""From answers and truth to findings: here they meet, and only counts and intervals leave."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bareface.auditing.answers import Answer
from bareface.auditing.games import Game
from bareface.auditing.question import Question
from bareface.auditing.traces import Traces
from bareface.evidence import Control, Exposure, Finding, Measurement
from bareface.stats.measure import excess, measure, with_holm
from bareface.stats.roc import person_scores
from bareface.stats.verdict import decide
from bareface.streams import stream

Unit = Literal["image", "person"]
Kind = Literal["blind", "foreign", "bn-swap"]

# The unit of the question that a game asks; its measurement gives the verdict.
UNIT: dict[Game, Unit] = {"record": "image", "dataset": "image", "person": "person"}
MOST_EXPOSURES = 500


def findings(answers: Sequence[Answer], traces: Traces, question: Question) -> tuple[Finding, ...]:
    """What every attack found, Holm-adjusted over all of them."""
    done = [answer for answer in answers if answer.target is not None]
    measured = {unit: with_holm([_measure(a, unit, question, len(done)) for a in done]) for unit in ("image", "person")}
    rows = {id(answer): (measured["image"][i], measured["person"][i]) for i, answer in enumerate(done)}
    return tuple(_finding(answer, rows.get(id(answer)), traces, question) for answer in answers)


def exposures(answers: Sequence[Answer], found: Sequence[Finding], names: NDArray[np.str_]) -> tuple[Exposure, ...]:
    """How exposed each member-side person is to the most telling attack of each game.

    Args:
        names: (candidates,) the pseudonym behind each candidate image.
    """
    rows: list[Exposure] = []
    for game in dict.fromkeys(answer.arena.game for answer in answers):
        of_game = [(a, f) for a, f in zip(answers, found, strict=True) if a.arena.game == game]
        told = [(f.person.auc, a) for a, f in of_game if f.person is not None and f.person.auc is not None]
        if told:
            rows += _exposed(max(told, key=lambda pair: pair[0])[1], names)
    return tuple(rows)


def _measure(answer: Answer, unit: Unit, question: Question, attacks: int) -> Measurement:
    assert answer.target is not None
    arena, scope = answer.arena, answer.scope
    rng = stream(question.seed, "measure", arena.game, answer.knowledge, unit)
    measured = measure(
        answer.target[scope], arena.member[scope], arena.subject[scope], arena.fold[scope], unit, rng,
        attacks=attacks, crossfit=answer.knowledge != "shadow",
    )  # fmt: skip
    if unit == "person":
        return measured
    outside = {
        "out_of_scope_members": int((arena.member & ~scope).sum()),
        "out_of_scope_nonmembers": int((~arena.member & ~scope).sum()),
    }
    return measured.model_copy(update=outside)


def _finding(
    answer: Answer, measured: tuple[Measurement, Measurement] | None, traces: Traces, question: Question
) -> Finding:
    image, person = measured or (None, None)
    controls = _controls(answer, traces, question) if measured else ()
    judged = image if UNIT[answer.arena.game] == "image" else person
    decision = None if judged is None else decide(judged, controls)
    status: Literal["done", "abstained", "failed"] = "failed" if answer.failed else "abstained"
    return Finding(
        attack=answer.attack.name,
        title=answer.attack.title(),
        parameters=answer.attack.parameters(),
        game=answer.arena.game,
        knowledge=answer.knowledge,
        status=status if decision is None else "done",
        reason=answer.failure,
        image=image,
        person=person,
        controls=controls,
        verdict=None if decision is None else decision.verdict,
        sentence=answer.failure if decision is None else decision.sentence,
    )


def _controls(answer: Answer, traces: Traces, question: Question) -> tuple[Control, ...]:
    what: dict[Kind, str] = {
        "blind": "the picture and its file alone, same classifier, same folds",
        "foreign": traces.foreign_is,
        "bn-swap": f"running statistics re-estimated on {traces.swapped_on}",
    }
    return tuple(_control(answer, kind, text, question) for kind, text in what.items())


def _control(answer: Answer, kind: Kind, what: str, question: Question) -> Control:
    said, arena, scope = answer.controls[kind], answer.arena, answer.scope
    if isinstance(said, str):
        return Control(
            kind=kind, status="skipped", what=what, reason=said,
            auc=None, auc_interval=None, difference=None, difference_interval=None,
        )  # fmt: skip
    assert answer.target is not None
    rng = stream(question.seed, "control", kind, arena.game, answer.knowledge)
    # The blind baseline is always cross-fitted, whatever the attack beside it knows.
    crossfit = answer.knowledge != "shadow" or kind == "blind"
    return excess(
        kind, what, answer.target[scope], said[scope], arena.member[scope], arena.subject[scope], rng,
        unit=UNIT[arena.game], crossfit=crossfit,
    )  # fmt: skip


def _exposed(answer: Answer, names: NDArray[np.str_]) -> list[Exposure]:
    assert answer.target is not None
    arena = answer.arena
    scores, subject, member = person_scores(answer.target, arena.subject, arena.member)
    others = np.sort(scores[~member & ~np.isnan(scores)])
    people = [i for i in np.argsort(-scores) if member[i] and not np.isnan(scores[i])][:MOST_EXPOSURES]
    rows = []
    for i in people:
        images = np.flatnonzero((arena.subject == subject[i]) & arena.member)
        rows.append(
            Exposure(
                game=arena.game,
                attack=answer.attack.name,
                person=str(names[arena.rows[images[0]]]),
                images=int((~np.isnan(answer.target[images])).sum()),
                rank=float(np.searchsorted(others, scores[i], "left") / len(others)),
            )
        )
    return rows
