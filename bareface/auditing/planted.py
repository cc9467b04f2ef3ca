"""A positive control of the audit itself: what it would have said of a leak that is known to be there.

"Not shown" is worth as much as the audit's eye for what it looks for. So scores with a leak of the smallest size that
would have been shown are drawn for the same images of the same people, and go the way that the scores of an attack
go: the same folds and attack model, the same controls beside them, the same intervals, permutations and rules. As many
go without a leak. Truth is needed to plant one; only counts of verdicts leave.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import sqrt

import numpy as np

from bareface.auditing.answers import Answer
from bareface.auditing.findings import (
    FoundLeaks,
    control_beside,
    fits_on_the_judged,
    measured_answer,
    on_matched_people,
)
from bareface.auditing.progress import Progress
from bareface.auditing.settings import AuditSettings
from bareface.auditing.traces import Traces
from bareface.records.evidence import Control, Finding, Matched, Measurement, PlantedLeak, apart_from_head
from bareface.stats.planted import across_folds, in_common, shift
from bareface.stats.roc import judged_auc
from bareface.stats.sample import Bools, Codes, Floats, Sides, units
from bareface.stats.verdict import ALPHA, Grounds, decide
from bareface.streams import stream
from bareface.vocabulary import Verdict

DRAWS = 500
"""Of each bootstrap: a standard error is then known to 3 %. Permutations are as many as the attacks want."""
MOST_IMAGES = 400_000
"""Images that are judged in all audits of a game together; with more of them fewer audits are drawn, five at least."""
FEWEST = 5
PILOTS = 20
"""Draws by which it is known what fitting costs."""
_LARGEST = 0.995
_BEYOND_HELP = ("people", "unseen", "reversed")


def planted_leaks(
    answers: Sequence[Answer], found: FoundLeaks, traces: Traces, settings: AuditSettings, progress: Progress
) -> tuple[PlantedLeak, ...]:
    """One positive control for each game, beside the finding that would have shown the largest effects only.

    Args:
        answers, found: of every attack.
        traces: of the foreign model, for the controls.
        settings: how many audits are drawn, and everything that the audit itself was asked.
        progress: called with (stage, done, total).
    """
    if not settings.planted_leaks:
        return ()
    rooms = list(_rooms(answers, found, traces, settings))
    planted = []
    for number, room in enumerate(rooms):
        progress("planted leaks", number, len(rooms))
        planted.append(room.record())
    progress("planted leaks", len(rooms), len(rooms))
    return tuple(planted)


def _rooms(answers: Sequence[Answer], found: FoundLeaks, traces: Traces, settings: AuditSettings) -> Iterator["_Room"]:
    counted = {id(finding) for finding in apart_from_head(found.findings)}
    cases = [case for case in zip(answers, found.findings, found.grounds, strict=True) if id(case[1]) in counted]
    done = sum(answer.target is not None for answer in answers)
    matched = sum(grounds.matched is not None for grounds in found.grounds)
    for game in dict.fromkeys(answer.arena.game for answer in answers):
        sized = [case for case in cases if case[1].game == game and case[1].visible is not None]
        if sized:
            answer, finding, grounds = max(sized, key=lambda case: case[1].visible or 0.0)
            yield _Room(answer, finding, grounds, found, traces, settings, done, matched)


@dataclass(frozen=True, eq=False)
class _Room:
    """One game, where leaks are planted beside one finding.

    Attributes:
        answer, finding, grounds: of the attack in whose place scores are drawn.
        found: of the whole audit.
        traces: of the foreign model.
        settings: of the audit.
        attacks, matches: how many findings share the error rate, and how many those on matched people do.
    """

    answer: Answer
    finding: Finding
    grounds: Grounds
    found: FoundLeaks
    traces: Traces
    settings: AuditSettings
    attacks: int
    matches: int

    def record(self) -> PlantedLeak:
        """Counts of verdicts with the leak and without."""
        effect, audits = self.finding.visible, self._audits()
        assert effect is not None
        told = {
            "game": self.finding.game, "knowledge": self.finding.knowledge, "attack": self.finding.label,
            "unit": self.answer.arena.unit, "effect": effect,
        }  # fmt: skip
        if self.finding.cause in _BEYOND_HELP:
            why = "the sides of this game cannot be compared, so that no leak of any size could have been shown"
            return PlantedLeak(audits=0, reason=why, **told)  # type: ignore[arg-type]
        if effect > _LARGEST:
            why = "the people are so few that no leak could be counted on to be shown"
            return PlantedLeak(audits=0, reason=why, **told)  # type: ignore[arg-type]
        said, of_none = (Counter(self.verdict(size, n).value for n in range(audits)) for size in (effect, 0.5))
        return PlantedLeak(audits=audits, said=dict(said), said_of_none=dict(of_none), **told)  # type: ignore[arg-type]

    def verdict(self, effect: float, number: int) -> Verdict:
        """What one audit of drawn scores says, of which the members' lie higher so that their AUC is `effect`."""
        settings = self.settings.model_copy(update={"seed": self.settings.seed + number})
        drawn = replace(self.answer, target=self._scores(effect, number), unfitted=None)
        measured = measured_answer(drawn, drawn.arena.unit, settings, self.attacks, 0, draws=DRAWS)
        matched = self._matched(drawn, settings)
        controls = () if matched else tuple(self._controls(drawn, settings))
        grounds = replace(self.grounds, matched=matched, direction=None)
        return decide(_adjusted(measured, self.attacks), controls, grounds).verdict

    def _audits(self) -> int:
        images = int(self.answer.scope.sum())
        return min(self.settings.planted_leaks, max(FEWEST, MOST_IMAGES // (2 * images)))

    def _scores(self, effect: float, number: int) -> Floats:
        """(n,) drawn scores; NaN where the attack gave none."""
        rng = stream(self.settings.seed, "planted", self.answer.arena.game, number, effect > 0.5)
        return self._drawn(rng, self._lift if effect > 0.5 else 0.0)

    @cached_property
    def _lift(self) -> float:
        """What is added to the members' scores so that their AUC is the planted one on average, as it is measured.

        Fitting on other folds costs some of it; how much, a few draws tell.
        """
        effect = self.finding.visible
        assert effect is not None
        lift = shift(effect, self._shared, self._by)
        rng = stream(self.settings.seed, "planted", self.answer.arena.game, "pilot")
        reached = float(np.mean([self._auc(self._drawn(rng, lift)) for _ in range(PILOTS)]))
        return shift(min(_LARGEST, 2 * effect - reached), self._shared, self._by)

    @cached_property
    def _known(self) -> Bools:
        """(n,) images to which the attack gave a score."""
        assert self.answer.target is not None
        return self.answer.scope & ~np.isnan(self.answer.target)

    @cached_property
    def _shared(self) -> float:
        arena, known, said = self.answer.arena, self._known, self.answer.target
        assert said is not None
        return in_common(said[known], arena.member[known], arena.subject[known])

    @property
    def _by(self) -> tuple[Codes, Bools] | None:
        arena, known = self.answer.arena, self._known
        return (arena.subject[known], arena.member[known]) if arena.unit == "person" else None

    def _auc(self, scores: Floats) -> float:
        arena, known = self.answer.arena, self._known
        judged = units(scores[known], Sides(arena.member[known], arena.subject[known]), arena.unit)
        return judged_auc(judged)

    def _drawn(self, rng: np.random.Generator, lift: float) -> Floats:
        """(n,) normal scores, those of a person with as much in common as the attack's; members' are `lift` higher."""
        arena = self.answer.arena
        person = np.unique(arena.subject, return_inverse=True)[1]
        own, of_person = rng.normal(size=len(person)), rng.normal(size=int(person.max()) + 1)[person]
        scores = sqrt(self._shared) * of_person + sqrt(1 - self._shared) * own + lift * arena.member
        scores = np.where(self._known, scores, np.nan)
        fitted = fits_on_the_judged(self.answer.knowledge)
        return across_folds(scores, arena.member, arena.fold) if fitted else scores

    def _matched(self, drawn: Answer, settings: AuditSettings) -> Matched | None:
        alike = self.found.alike[drawn.arena.game]
        if self.grounds.matched is None or alike is None:
            return None
        matched = on_matched_people(drawn, alike, self.traces, settings, self.attacks, draws=DRAWS)
        return matched.model_copy(update={"measurement": _adjusted(matched.measurement, self.matches)})

    def _controls(self, drawn: Answer, settings: AuditSettings) -> Iterator[Control]:
        """The audit's own controls beside the drawn scores; what they say for themselves is as it was."""
        alike = self.found.alike[drawn.arena.game]
        there = {**drawn.controls, "who": alike.who if alike else ""}
        for control in self.finding.controls:
            said = there[control.kind]
            if control.status == "done" and self._may_decide(control) and not isinstance(said, str):
                beside = control_beside(control.kind, control.what, said, drawn, settings, self.attacks, draws=DRAWS)
                yield beside.model_copy(update={"p_value_holm": control.p_value_holm})

    def _may_decide(self, control: Control) -> bool:
        """Whether the verdict may turn on it: where lots were drawn only on one that fails by itself."""
        fails = control.p_value_holm is not None and control.p_value_holm < ALPHA
        return control.decides and (fails or self.grounds.how == "observational")


def _adjusted(measured: Measurement, tests: int) -> Measurement:
    """The measurement at the first step of Holm's procedure, which asks most."""
    p = measured.p_value
    return measured if p is None else measured.model_copy(update={"p_value_holm": min(1.0, tests * p)})
