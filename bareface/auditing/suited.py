"""The usual question, suited to what can be seen of a target."""

from dataclasses import replace

from bareface.auditing.question import Question, make_attacks
from bareface.config import DEFAULT_ATTACKS, make_attack_configs
from bareface.probing.kinds import lacks_running_statistics
from bareface.targets.kinds import Auditable

INSTEAD = ("estimated-distance",)


def suited_to(question: Question, target: Auditable) -> Question:
    """The same question; where the usual attacks are asked of a network whose normalisation left no (or not all)
    running statistics, distances to estimated ones are asked for, too."""
    usual = make_attacks(DEFAULT_ATTACKS)
    if question.attacks != usual or not lacks_running_statistics(target):
        return question
    return replace(question, attacks=(*usual, *make_attacks(make_attack_configs(INSTEAD))))
