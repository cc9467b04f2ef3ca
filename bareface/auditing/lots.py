"""How it came about who was trained on: by lot, sealed or stated, or in a way that nobody knows."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from bareface.errors import RosterError
from bareface.records.evidence import Assignment
from bareface.rosters.assignment import Seal, check_seal, read_seal, seal_path
from bareface.rosters.roster import Roster
from bareface.untrusted.regular import is_there
from bareface.vocabulary import AssignmentWay

OBSERVATIONAL = (
    "Nobody drew lots for who was trained on, as far as this audit knows: where the two sides are different people, "
    "they may differ in more than that, and are compared as far as they can be matched."
)
STATED = (
    "Members were drawn by lot before training, as whoever asked for this audit states; no seal was there to check it."
)
SLACK = timedelta(days=1)
"""Clocks may differ by as much."""
SEALED = "Members were drawn by lot before training: the seal of {day} fits this roster, drawn again with seed {seed}."


def seal_beside(roster: Path) -> Seal | None:
    """The seal that lies beside a manifest; None where there is none.

    Raises:
        RosterError: there is one, and it is no seal of this version.
    """
    path = seal_path(roster)
    return read_seal(path) if is_there(path) else None


def assignment_of(stated: AssignmentWay | None, seal: Seal | None, roster: Roster) -> Assignment:
    """What is known of how membership came about.

    Args:
        stated: by whoever asks; None = nothing, so that only a seal counts.
        seal: of a draw; None = there is none.
        roster: as it was brought.

    Raises:
        RosterError: there is a seal, and this is not the roster that was drawn, or its day is still to come.
    """
    if stated == "observational" or (stated is None and seal is None):
        return Assignment(how="observational", sealed=False, sentence=OBSERVATIONAL)
    if seal is None:
        return Assignment(how="randomised", sealed=False, sentence=STATED)
    if reason := check_seal(roster, seal):
        raise RosterError(
            "seal",
            got=reason,
            expected="the roster as it was drawn by lot before training",
            hint="bringing that roster, or --assignment observational, which matches people instead of trusting lots",
        )
    if datetime.fromisoformat(seal.drawn) > datetime.now(UTC) + SLACK:
        raise RosterError(
            "seal",
            got=f"a seal of {seal.drawn}, which is still to come",
            expected="the day on which lots were drawn, before training",
            hint="the seal that `bareface split` wrote, or a look at this machine's clock",
        )
    sentence = SEALED.format(day=seal.drawn[:10], seed=seal.seed)
    return Assignment(how="randomised", sealed=True, sentence=sentence)
