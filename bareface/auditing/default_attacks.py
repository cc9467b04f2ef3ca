"""The usual settings, suited to what can be seen of a target."""

from bareface.auditing.settings import DEFAULT_ATTACKS, AuditSettings, attacks_named
from bareface.probing.kinds import lacks_running_statistics
from bareface.targets.kinds import Auditable

INSTEAD = ("estimated-distance",)


def with_default_attacks(settings: AuditSettings, target: Auditable) -> AuditSettings:
    """The same settings; where the usual attacks are asked of a network whose normalisation left no (or not all)
    running statistics, distances to estimated ones are asked for, too."""
    usual = attacks_named(*DEFAULT_ATTACKS)
    if settings.attacks != usual or not lacks_running_statistics(target):
        return settings
    return settings.model_copy(update={"attacks": (*usual, *attacks_named(*INSTEAD))})
