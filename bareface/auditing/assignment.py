"""How it came about who was trained on: by lot, sealed or stated, or in a way that nobody knows."""

from bareface.auditing.question import Question
from bareface.evidence import Assignment
from bareface.roster import Roster

OBSERVATIONAL = (
    "Nobody drew lots for who was trained on, as far as this audit knows: people on the two sides may differ in more "
    "than that, so they are compared as far as they can be matched."
)
STATED = (
    "Members were drawn by lot before training, as whoever asked for this audit states; there is no seal to check that "
    "by."
)


def assignment_of(question: Question, roster: Roster) -> Assignment:
    """What is known of how membership came about."""
    if question.assignment == "randomised":
        return Assignment(how="randomised", sealed=False, sentence=STATED)
    return Assignment(how="observational", sealed=False, sentence=OBSERVATIONAL)
