"""From answers and truth to findings: here they meet, and only counts and intervals leave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bareface.auditing.alike import WHO, Alike, compare_sides, skipped
from bareface.auditing.answers import Answer
from bareface.auditing.directions import directions
from bareface.auditing.games import GameSplit
from bareface.auditing.settings import AuditSettings
from bareface.auditing.traces import Traces
from bareface.records.evidence import Balance, Control, Finding, Matched, Measurement
from bareface.stats.intervals import DRAWS
from bareface.stats.measure import Beside, controls_with_holm, excess, measure, with_holm
from bareface.stats.power import Bar
from bareface.stats.sample import Sides
from bareface.stats.verdict import Grounds, beyond_remainder, decide, remainder
from bareface.streams import stream
from bareface.trace import Trace
from bareface.vocabulary import AssignmentWay, ControlKind, Game, Knowledge, Unit


@dataclass(frozen=True)
class FoundLeaks:
    """What truth and scores gave together.

    Attributes:
        findings: one for each answer, in order.
        balances: one for each game.
        alike: what anybody can tell of the sides of each game, None where nobody could look.
        grounds: what the verdict on each answer rests on, in their order.
    """

    findings: tuple[Finding, ...]
    balances: tuple[Balance, ...]
    alike: Mapping[Game, Alike | None]
    grounds: tuple[Grounds, ...]


def findings(
    answers: Sequence[Answer],
    traces: Traces,
    settings: AuditSettings,
    pictures: Trace,
    how: AssignmentWay = "observational",
) -> FoundLeaks:
    """What every attack found; attacks share one error rate, and so do controls.

    Args:
        answers: of every attack.
        traces: of target, controls and shadows.
        settings: what was asked.
        pictures: blind features of the candidates.
        how: how membership came about.
    """
    done = [answer for answer in answers if answer.target is not None]
    alike = {a.game: compare_sides(a, traces, pictures, settings.seed) for a in _arenas(answers)}
    beside = _adjusted_controls(done, alike, traces, settings)
    matched = _adjusted_matches(done, alike, traces, settings) if how == "observational" else {}
    pointed, reversed_games = directions(done, traces, alike if how == "observational" else {}, settings)
    balances = _adjusted_balances(answers, alike, beside, traces.foreign_unfit)
    measured = {
        unit: with_holm([measured_answer(a, unit, settings, len(done), 0 if how == "randomised" else 2) for a in done])
        for unit in ("image", "person")
    }
    rows = {id(a): (measured["image"][i], measured["person"][i]) for i, a in enumerate(done)}
    grounds = tuple(
        Grounds(
            how, answer.arena.same_people, balances[answer.arena.game], matched.get(id(answer)),
            pointed.get(id(answer)), answer.arena.game in reversed_games,
            settings.max_smallest_effect,
        )
        for answer in answers
    )  # fmt: skip
    found = [
        _finding(answer, rows.get(id(answer)), beside.get(id(answer), ()), rests_on, traces.target)
        for answer, rests_on in zip(answers, grounds, strict=True)
    ]
    return FoundLeaks(tuple(found), tuple(balances.values()), alike, grounds)


def _arenas(answers: Sequence[Answer]) -> tuple[GameSplit, ...]:
    return tuple({answer.arena.game: answer.arena for answer in answers}.values())


def measured_answer(
    answer: Answer, unit: Unit, settings: AuditSettings, attacks: int, controls: int, *, draws: int = DRAWS
) -> Measurement:
    """How well an answer tells the sides of its game apart; `draws` of the bootstrap."""
    assert answer.target is not None
    arena, scope = answer.arena, answer.scope
    rng = stream(settings.seed, "measure", arena.game, answer.knowledge, unit)
    measured = measure(
        answer.target[scope], _sides(answer), unit, rng,
        Bar(attacks, controls, settings.max_smallest_effect), crossfit=fits_on_the_judged(answer.knowledge),
        draws=draws,
    )  # fmt: skip
    if unit == "person":
        return measured
    outside = {
        "out_of_scope_members": int((arena.member & ~scope).sum()),
        "out_of_scope_nonmembers": int((~arena.member & ~scope).sum()),
    }
    return measured.model_copy(update=outside)


def fits_on_the_judged(knowledge: Knowledge) -> bool:
    """Whether scores come from models fitted to the *membership* of the other folds, whose sampling error they share.

    With partial knowledge alone: shadows are other people, and who knows no member fits nothing to membership.
    """
    return knowledge == "partial"


def _finding(
    answer: Answer, measured: tuple[Measurement, Measurement] | None, controls: tuple[Control, ...], grounds: Grounds,
    asked: Trace,
) -> Finding:  # fmt: skip
    image, person = measured or (None, None)
    judged = image if answer.arena.unit == "image" else person
    decision = None if judged is None else decide(judged, controls, grounds)
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
        matched=grounds.matched,
        direction=grounds.direction,
        cause=None if decision is None else decision.cause,
        access=answer.attack.access(asked.channels),
        photos=answer.attack.photos,
    )


def _adjusted_controls(
    done: Sequence[Answer], alike: Mapping[Game, Alike | None], traces: Traces, settings: AuditSettings
) -> dict[int, tuple[Control, ...]]:
    """The controls beside each answer, Holm-adjusted over all of them."""
    sets = {id(answer): _controls(answer, alike[answer.arena.game], traces, settings, len(done)) for answer in done}
    adjusted = iter(controls_with_holm([control for controls in sets.values() for control in controls]))
    return {key: tuple(next(adjusted) for _ in controls) for key, controls in sets.items()}


def _controls(
    answer: Answer, alike: Alike | None, traces: Traces, settings: AuditSettings, attacks: int
) -> tuple[Control, ...]:
    what: dict[ControlKind, str] = {
        "blind": "the picture and its file alone, same classifier, same folds",
        "foreign": traces.foreign_is,
        "bn-swap": f"running statistics re-estimated on {traces.swapped_on}",
    }
    who = () if alike is None else (control_beside("who", WHO, alike.who, answer, settings, attacks),)
    beside = {kind: _control(answer, kind, text, traces, settings, attacks) for kind, text in what.items()}
    return (beside["blind"], *who, beside["foreign"], beside["bn-swap"])


def _control(
    answer: Answer, kind: ControlKind, what: str, traces: Traces, settings: AuditSettings, attacks: int
) -> Control:
    said = answer.controls[kind]
    decides = kind == "blind" or (kind == "foreign" and not traces.foreign_unfit)
    if isinstance(said, str):
        return Control(
            kind=kind, status="skipped", what=what, reason=said, decides=decides,
            auc=None, auc_interval=None, difference=None, difference_interval=None,
        )  # fmt: skip
    return control_beside(kind, what, said, answer, settings, attacks, decides=decides)


def control_beside(
    kind: ControlKind, what: str, said: NDArray[np.float64], answer: Answer, settings: AuditSettings, tests: int, *,
    decides: bool = True, weight: NDArray[np.float64] | None = None, draws: int = DRAWS,
) -> Control:  # fmt: skip
    """A control's scores beside an answer, on the images that the attack is about."""
    assert answer.target is not None
    arena, scope = answer.arena, answer.scope
    rng = stream(settings.seed, "control", kind, arena.game, answer.knowledge)
    # Blind and who are always fitted to membership on other folds, whatever the attack beside them knows.
    crossfit = fits_on_the_judged(answer.knowledge) or kind in ("blind", "who")
    return excess(
        Beside(kind, what, said[scope], decides), answer.target[scope], _sides(answer, weight), rng,
        unit=arena.unit, crossfit=crossfit, tests=tests, draws=draws,
    )  # fmt: skip


def _sides(answer: Answer, weight: NDArray[np.float64] | None = None) -> Sides:
    """The sides of the images that the attack may be judged on."""
    arena, scope = answer.arena, answer.scope
    inside = None if weight is None else weight[scope]
    return Sides(arena.member[scope], arena.subject[scope], arena.fold[scope], inside)


def _adjusted_balances(
    answers: Sequence[Answer], alike: Mapping[Game, Alike | None], beside: Mapping[int, Sequence[Control]], unfit: str
) -> dict[Game, Balance]:
    """The comparison of each game's sides, with the adjusted p-value of its `who`."""
    balances: dict[Game, Balance] = {}
    for arena in _arenas(answers):
        compared = alike[arena.game]
        if compared is None:
            balances[arena.game] = skipped(arena, unfit or "the foreign model gives no embeddings")
            continue
        told = [c.p_value_holm for a in answers if a.arena.game == arena.game for c in beside.get(id(a), ())
                if c.kind == "who" and c.p_value_holm is not None]  # fmt: skip
        balances[arena.game] = compared.record.model_copy(update={"p_value_holm": min(told, default=None)})
    return balances


def _adjusted_matches(
    done: Sequence[Answer], alike: Mapping[Game, Alike | None], traces: Traces, settings: AuditSettings
) -> dict[int, Matched]:
    """Every attack on matched people, where the sides are different people and could be compared."""
    matches = {}
    for answer in done:
        compared = alike[answer.arena.game]
        if compared is not None and not answer.arena.same_people and not compared.record.overlap:
            matches[id(answer)] = on_matched_people(answer, compared, traces, settings, len(done))
    adjusted = with_holm([match.measurement for match in matches.values()])
    return {
        key: match.model_copy(update={"measurement": measurement})
        for (key, match), measurement in zip(matches.items(), adjusted, strict=True)
    }


def on_matched_people(
    answer: Answer, alike: Alike, traces: Traces, settings: AuditSettings, attacks: int, *, draws: int = DRAWS
) -> Matched:
    """An answer and the foreign control beside it, on people weighted until the sides are alike; not yet adjusted."""
    assert answer.target is not None
    arena, scope, said = answer.arena, answer.scope, answer.controls["foreign"]
    beside = np.full(len(arena.rows), np.nan) if isinstance(said, str) else said
    weight = alike.weights(np.where(scope, beside, np.nan))
    unit = arena.unit
    rng = stream(settings.seed, "matched", arena.game, answer.knowledge, unit)
    left = remainder(alike.record)
    bar = Bar(attacks, 1, settings.max_smallest_effect - left)
    measurement = measure(
        answer.target[scope], _sides(answer, weight), unit, rng, bar,
        crossfit=fits_on_the_judged(answer.knowledge), draws=draws,
    )  # fmt: skip
    foreign = control_beside("foreign", traces.foreign_is, beside, answer, settings, 1, weight=weight, draws=draws)
    visible = measurement.smallest_effect
    needed = None if visible is None else beyond_remainder(visible, left)
    return Matched(measurement=measurement, foreign=foreign, smallest_effect=needed)
