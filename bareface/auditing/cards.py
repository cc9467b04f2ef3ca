"""What a report says of a target, whatever kind it is: each kind says it itself."""

from bareface.records.evidence import TargetCard
from bareface.targets.kinds import Auditable


def target_card(target: Auditable) -> TargetCard:
    """What a report says of a target; None and `unknown` for whatever a black box hides."""
    return target.card()
