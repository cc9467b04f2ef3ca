"""The gate before an audit: a target that is fed in another way than in training answers about nothing.

Recognition hardly suffers from a wrong normalisation, so nobody notices; distances to running statistics do. The
faces for the check are those of people whom the target was not trained on, the audit's own non-members first:
they come through the same storage, crop and alignment as everything else here.
"""

import numpy as np

from bareface.auditing.images import images_for
from bareface.auditing.progress import Progress
from bareface.auditing.settings import AuditSettings
from bareface.faces.examine import Examination
from bareface.inspecting.selfcheck import BLACK_BOX, ENOUGH_IMAGES, entrance_of, refuse_if_misfit, selfcheck, skipped
from bareface.records.selfcheck import SelfCheck
from bareface.rosters.roster import Roster
from bareface.streams import stream
from bareface.targets.kinds import Auditable
from bareface.targets.store import TRAINED_SO
from bareface.targets.target import Target
from bareface.vocabulary import Role

_ROLES = (Role.OUTSIDE, Role.PUBLIC, Role.AUXILIARY, Role.HELDOUT)
OVERRIDE = "selfcheck: report in the configuration (--selfcheck report) to audit it all the same"


def fed_as_trained(
    target: Auditable, examination: Examination, settings: AuditSettings, progress: Progress
) -> SelfCheck:
    """Whether the running statistics fit the way in which the target is fed.

    An ONNX graph shows only the layers that survived export, with which nobody has measured where to draw the line: a
    misfit there is reported and not refused. So is one of a backbone that bareface itself trained with that input: a
    short training on few people leaves statistics behind that fit another way as well.

    Raises:
        TargetError: they fit another way far better, or none, and the question does not override the check.
    """
    check = _checked(target, examination, settings, progress)
    if settings.selfcheck == "refuse" and isinstance(target, Target) and target.assumed != TRAINED_SO:
        refuse_if_misfit(check, target.name, f"the spec that fits, as `spec` in the configuration, or {OVERRIDE}")
    return check.model_copy(update={"overridden": check.verdict == "misfit"})


def foreign_fed_as_trained(
    foreign: Auditable | None, examination: Examination, settings: AuditSettings, progress: Progress
) -> SelfCheck | None:
    """The same of a foreign model that was brought, which is never refused; None where none was.

    One that is fed wrongly says less about people than it could, and its control is then too easy to beat.
    """
    if foreign is None:
        return None
    check = _checked(foreign, examination, settings, progress)
    return check.model_copy(update={"overridden": check.verdict == "misfit"})


def _checked(target: Auditable, examination: Examination, settings: AuditSettings, progress: Progress) -> SelfCheck:
    if settings.selfcheck == "skip":
        return skipped(target.spec, "no images", "it was not asked for")
    if entrance_of(target) is None:
        return skipped(target.spec, "no images", BLACK_BOX)
    people, source = _strangers(examination.accepted, settings.seed)
    return selfcheck(
        target, images_for(target, people), source, lambda done, total: progress("self-check", done, total)
    )


def _strangers(roster: Roster, seed: int) -> tuple[Roster, str]:
    """Enough images of the first role that has them, else of all such roles together."""
    enough = (role for role in _ROLES if len(roster.rows(role)) >= ENOUGH_IMAGES)
    role = next(enough, None)
    rows = roster.rows(*(_ROLES if role is None else (role,)))
    chosen = np.sort(stream(seed, "selfcheck").permutation(rows)[:ENOUGH_IMAGES])
    return roster.take(chosen), f"{len(chosen)} {role or 'non-member'} images"
