"""`bareface selfcheck`: is the backbone fed as in training?"""

from collections import Counter
from pathlib import Path

import numpy as np

from bareface.auditing.images import images_for
from bareface.cli.manners import Stages
from bareface.cli.people import say_ignored
from bareface.errors import RosterError, UsageError
from bareface.faces.examine import Examination, examine
from bareface.inspecting.selfcheck import entrance_of, selfcheck
from bareface.records.selfcheck import SelfCheck
from bareface.rosters.roster import Roster, read_folder
from bareface.settings.spec import parse_spec
from bareface.streams import stream
from bareface.targets.kinds import load_any
from bareface.vocabulary import Role


def run_selfcheck(
    model: str, images: Path, most: int, seed: int, spec: str | None = None, *, links: bool = False
) -> SelfCheck:
    """Check a model on some images of a folder.

    Raises:
        BarefaceError: the model cannot be loaded, or the folder holds no usable images.
    """
    target = load_any(model, spec=parse_spec(spec) if spec else None)
    if entrance_of(target) is None:
        got, hint = f"{target.architecture}", "the checkpoint that it was made from"
        raise UsageError(model, got=got, expected="a backbone in torch, which can be fed in several ways", hint=hint)
    brought = read_folder(images, Role.PUBLIC, links=links)
    say_ignored(brought)
    seen = examine(_some(brought, most, seed))
    usable, unusable = seen.accepted, len(seen.rejects)
    if not len(usable):
        expected = f"faces of people it was not trained on ({_reasons(seen)})"
        hint = "saving them as PNG or JPEG" if seen.rejects else ""
        raise RosterError(str(images), got="no usable image", expected=expected, hint=hint)
    source = f"{len(usable)} images" + (f" ({unusable} more were unusable)" if unusable else "")
    with Stages() as stages:
        return selfcheck(target, images_for(target, usable), source, lambda *at: stages("self-check", *at))


def _reasons(seen: Examination) -> str:
    """Why images were not used: how many for each reason, and the first of them in full."""
    counted = Counter(reject.reason for reject in seen.rejects)
    first = {reject.reason: f"{reject.image}: {reject.detail}" for reject in reversed(seen.rejects)}
    return "; ".join(f"{count} {reason}, the first {first[reason]}" for reason, count in counted.most_common(3))


def selfcheck_text(check: SelfCheck) -> str:
    """The check as lines of plain text: the verdict, then every way of feeding, the best first."""
    head = [("verdict", check.verdict or check.status), ("", check.sentence)]
    if check.status == "skipped":
        return _lined(head)
    told = [("declared", check.declared), ("channel order", check.order)]
    told.append(("compared", f"{check.source}, {check.layers} BatchNorm layers; 0 = the same statistics, 1 = disjoint"))
    width = max(len(fit.input) for fit in check.fits)
    rows = [f"{fit.misfit:.4f} ± {fit.error:.4f}  {fit.input:{width}}  {fit.project}" for fit in check.fits]
    return "\n".join([_lined(head + told), "", "misfit (± standard error of the distance to the best)", *rows])


def _lined(pairs: list[tuple[str, str]]) -> str:
    return "\n".join(f"{label:<16}{text}" for label, text in pairs)


def _some(roster: Roster, most: int, seed: int) -> Roster:
    chosen = stream(seed, "selfcheck").permutation(len(roster))[:most]
    return roster.take(np.sort(chosen))
