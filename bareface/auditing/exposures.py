"""How exposed each person is: ranks among those who were never trained on, under pseudonyms."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bareface.auditing.answers import Answer
from bareface.records.evidence import Exposure, Finding
from bareface.stats.roc import auc, person_scores
from bareface.stats.sample import Sides, units
from bareface.vocabulary import Verdict

MOST_EXPOSURES = 500


def exposures(answers: Sequence[Answer], found: Sequence[Finding], names: NDArray[np.str_]) -> tuple[Exposure, ...]:
    """How exposed each member-side person is, in the games in which a leak is shown.

    The attack that ranks a person is the most telling one on the *other* folds, so that nobody's rank chose it.

    Args:
        answers, found: of the attacks on which a verdict may rest.
        names: (candidates,) the pseudonym behind each candidate image.
    """
    by_game = defaultdict(list)
    for answer, finding in zip(answers, found, strict=True):
        if finding.verdict is Verdict.LEAK_SHOWN:
            by_game[answer.arena.game].append(answer)
    return tuple(row for shown in by_game.values() for row in _exposed(shown, names))


def _exposed(answers: Sequence[Answer], names: NDArray[np.str_]) -> list[Exposure]:
    """The people of each fold, ranked by the attack that tells people best on the other folds."""
    arena, rows = answers[0].arena, list[Exposure]()
    for fold in np.unique(arena.fold):
        here = arena.fold == fold
        best = max(answers, key=lambda answer: _reached(answer, ~here))
        assert best.target is not None
        scores, subject, member = person_scores(best.target, arena.subject, arena.member)
        others = np.sort(scores[~member & ~np.isnan(scores)])
        asked = member & ~np.isnan(scores) & np.isin(subject, arena.subject[here])
        rows += [_exposure(best, subject[i], scores[i], others, names) for i in np.flatnonzero(asked)]
    return sorted(rows, key=lambda row: -row.rank)[:MOST_EXPOSURES]


def _reached(answer: Answer, rows: NDArray[np.bool_]) -> float:
    """The AUC per person on some rows; 0 where it cannot be had."""
    assert answer.target is not None
    arena = answer.arena
    judged = units(answer.target[rows], Sides(arena.member[rows], arena.subject[rows]), "person").answered
    return auc(judged.scores, judged.member) if len(np.unique(judged.member)) == 2 else 0.0


def _exposure(
    answer: Answer, subject: np.generic, score: float, others: NDArray[np.float64], names: NDArray[np.str_]
) -> Exposure:
    arena = answer.arena
    assert answer.target is not None
    images = np.flatnonzero((arena.subject == subject) & arena.member)
    return Exposure(
        game=arena.game,
        attack=answer.attack.name,
        person=str(names[arena.rows[images[0]]]),
        images=int((~np.isnan(answer.target[images])).sum()),
        rank=float(np.searchsorted(others, score, "left") / len(others)),
    )
