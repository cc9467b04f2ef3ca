"""`bareface.audit`: the audit as one call from Python."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeGuard

import numpy as np
import torch
from PIL import Image

from bareface.auditing.audit import AuditInputs, conduct
from bareface.auditing.lots import seal_beside
from bareface.auditing.plugins import OF_AUDITS
from bareface.auditing.progress import Progress, silent
from bareface.auditing.settings import (
    DEFAULT_ATTACKS,
    MAX_SHARED_RATE,
    PLANTED_LEAKS,
    AuditSettings,
    Gate,
    attacks_named,
)
from bareface.errors import UsageError, meant
from bareface.faces.in_memory import LabelledImages, written_people
from bareface.faces.people import read_people
from bareface.membership.base import Attack
from bareface.records.evidence import Evidence
from bareface.registry import warn_of_unavailable
from bareface.rosters.roster import Roster, join, read_manifest
from bareface.settings.closed import checked
from bareface.settings.recipe import ReferenceSettings, ShadowSettings
from bareface.settings.sampling import SampleSettings
from bareface.settings.spec import ImageSpec, spec_of
from bareface.shards.choice import chosen
from bareface.stats.power import MAX_SMALLEST_EFFECT
from bareface.targets.device import device_of
from bareface.targets.in_memory import target_from
from bareface.targets.kinds import Auditable, called_by_content, load_any
from bareface.targets.target import Target
from bareface.vocabulary import AssignmentWay, ExecutorKind, FaceChoice, Game, Knowledge, Role

P = ParamSpec("P")
People = Roster | Path | str | Sequence[Path | str | tuple[Path | str, str]] | LabelledImages
"""People in one role: a folder of people or a pack, a roster, or paths of images, each alone or with the name of who is
on it (alone, the folder that it lies in is the name), or a data set of images and labels, of people in memory."""


def _saying_what_was_meant(function: Callable[P, Evidence]) -> Callable[P, Evidence]:
    """The same function, which answers an unknown keyword with a sentence."""
    known = inspect.signature(function).parameters

    @wraps(function)
    def called(*given: P.args, **more: P.kwargs) -> Evidence:
        unknown = next((name for name in more if name not in known), None)
        if unknown is not None:
            expected = f"one of {', '.join(known)}"
            raise UsageError(
                "bareface.audit", got=f"the argument {unknown}", expected=expected, hint=meant(unknown, known)
            )
        return function(*given, **more)

    return called


@_saying_what_was_meant
def audit(
    target: Auditable | Path | str | object,
    roster: Roster | Path | str | None = None,
    *,
    spec: ImageSpec | str | None = None,
    transform: Callable[[Image.Image], Any] | None = None,
    members: People | None = None,
    nonmembers: People | None = None,
    heldout: People | None = None,
    auxiliary: People | None = None,
    public: People | None = None,
    run: Path | str = "runs/audit",
    attacks: Sequence[Attack | str] | None = None,
    foreign: Auditable | Path | str | None = None,
    references: Sequence[Auditable | Path | str] = (),
    recogniser: Auditable | Path | str | None = None,
    seed: int = 7,
    device: str = "cpu",
    fresh: bool = False,
    progress: Progress = silent,
    title: str = "audit",
    games: Sequence[Game] | None = None,
    knowledge: Sequence[Knowledge] | None = None,
    shadow: ShadowSettings | None = None,
    trained_references: ReferenceSettings | None = None,
    assignment: AssignmentWay | None = None,
    folds: int = 5,
    batch_size: int | None = None,
    max_reject_rate: float = 0.01,
    max_shared_rate: float = MAX_SHARED_RATE,
    max_smallest_effect: float = MAX_SMALLEST_EFFECT,
    planted_leaks: int = PLANTED_LEAKS,
    selfcheck: Gate = "refuse",
    detect: bool = False,
    face: FaceChoice | None = None,
    sample: SampleSettings | None = None,
    cache: Path | str | None = None,
    workers: int = 1,
    executor: ExecutorKind | None = None,
) -> Evidence:
    """Audit a backbone; the evidence is also written to the run folder.

    Args:
        target: a backbone, an ONNX graph, a table of embeddings or an endpoint; or a path, an address or a
            `package.module:factory` to load one from; or what a program holds: a torch module, a function of images, an
            array of embeddings in the roster's order, or a data frame with the columns image and embedding.
        roster: images, people and roles, or a path to a manifest; None = the people come by role.
        spec: the input of the target, as an `ImageSpec` or in words, `112x112:RGB:127.5/128`; a module needs it.
        transform: of a PIL image of the spec's size to a module's input, where a spec cannot say it.
        members, nonmembers, heldout, auxiliary, public: people by role, in place of a roster; the images of a data set
            are written beside the run folder, to `<run>-images`, where they stay.
        run: folder of the run; one that was cut short is resumed.
        attacks: attacks, or their names with parameters as in `subject-compactness:k=5`; None = the default ones.
        foreign: a backbone that never saw the members.
        references: backbones of other origin that never saw the members; attacks compare the target with them.
        recogniser: an independent network that finds people under two names; None = nobody looks for them.
        seed: root of every random stream.
        device: where backbones that are loaded here compute; a `Target` that is brought computes where it lies.
        fresh: start over in a used run folder.
        progress: called with (stage, done, total).
        title, games, knowledge, shadow, trained_references, assignment, folds, batch_size, max_reject_rate,
            max_shared_rate, max_smallest_effect, planted_leaks, selfcheck, detect, face, sample: as in
            `bareface.auditing.settings.AuditSettings`.
        cache: a folder of what runs share, as in `bareface.auditing.audit.conduct`; None = nothing is shared.
        workers: how many processes ask models at the same time; a program that asks for more than one needs the usual
            `if __name__ == "__main__":` around it.
        executor: where they are: `inline`, `processes` or `ray`; None = processes, where there is more than one.

    Warns:
        PluginWarning: a plug-in of another package cannot be used; the audit goes on without it.

    Raises:
        BarefaceError: the target, the roster, an attack or the folder is unusable; the message says what to do.
    """
    warn_of_unavailable(*OF_AUDITS)
    asked: dict[str, Any] = {
        "title": title,
        "attacks": _attacks(attacks),
        "games": _listed(games),
        "shadow": shadow,
        "knowledge": _listed(knowledge),
        "trained_references": trained_references,
        "seed": seed,
        "folds": folds,
        "batch_size": batch_size,
        "max_reject_rate": max_reject_rate,
        "max_shared_rate": max_shared_rate,
        "max_smallest_effect": max_smallest_effect,
        "planted_leaks": planted_leaks,
        "selfcheck": selfcheck,
        "detect": detect,
        "face": face,
        "sample": sample,
        "assignment": assignment,
    }
    settings = checked(AuditSettings, asked, "bareface.audit")
    by_role = {
        Role.MEMBER: members, Role.OUTSIDE: nonmembers, Role.HELDOUT: heldout, Role.AUXILIARY: auxiliary,
        Role.PUBLIC: public,
    }  # fmt: skip
    given = {role: people for role, people in by_role.items() if people is not None}
    people = _people(roster, given, Path(run), progress)
    seal = seal_beside(Path(roster)) if isinstance(roster, Path | str) else None
    where = device_of(device)
    other = None if foreign is None else _target(foreign, where)
    judge = None if recogniser is None else _target(recogniser, where)
    others = tuple(_target(one, where) for one in references)
    audited = _target(target, where, people.image, spec, transform)
    brought = AuditInputs(audited, people, other, references=others, recogniser=judge, seal=seal)
    kept = None if cache is None else Path(cache)
    with chosen(executor, workers) as who:
        return conduct(brought, settings, Path(run), fresh=fresh, progress=progress, cache=kept, executor=who)


def _attacks(given: Sequence[Attack | str] | None) -> tuple[Attack, ...]:
    listed = (given,) if isinstance(given, str) else DEFAULT_ATTACKS if given is None else given
    return tuple(one if isinstance(one, Attack) else attacks_named(one)[0] for one in listed)


def _listed(given: Sequence[str] | str | None) -> tuple[str, ...] | None:
    """Several words, or one that stands alone."""
    return (given,) if isinstance(given, str) else None if given is None else tuple(given)


def _people(
    roster: Roster | Path | str | None, by_role: Mapping[Role, People], run: Path, progress: Progress
) -> Roster:
    """Everybody, from one roster or by role."""
    if (roster is None) == (not by_role):
        got = "nobody" if roster is None else f"a roster and {', '.join(by_role)} people"
        expected = "a roster, or people by role: members= and nonmembers= (or heldout=)"
        raise UsageError("bareface.audit", got=got, expected=expected)
    if roster is not None:
        return roster if isinstance(roster, Roster) else read_manifest(Path(roster))
    images = run.with_name(f"{run.name}-images")
    return join(*(_in_role(given, role, images / role, progress) for role, given in by_role.items()))


def _in_role(given: People, role: Role, images: Path, progress: Progress) -> Roster:
    if isinstance(given, Roster):
        return given.with_role(role)
    if isinstance(given, Path | str):
        return read_people(Path(given), role)
    if not _are_paths(given):
        return written_people(given, role, images, partial(progress, f"writing {role} images"))
    pairs = [one if isinstance(one, tuple) else (one, Path(one).parent.name) for one in given]
    paths = [str(Path(path).absolute()).lstrip("/") for path, _ in pairs]
    return Roster(Path("/"), tuple(paths), np.array([name for _, name in pairs]), np.full(len(pairs), str(role)))


def _are_paths(given: object) -> TypeGuard[Sequence[Path | str | tuple[Path | str, str]]]:
    """Whether a list is of files, each alone or with a name; a list may also be a data set."""
    if not isinstance(given, list | tuple) or not given:
        return False
    first = given[0][0] if isinstance(given[0], tuple) and given[0] else given[0]
    return isinstance(first, Path | str)


def _target(
    given: object,
    device: torch.device,
    images: Sequence[str] = (),
    spec: ImageSpec | str | None = None,
    transform: Callable[[Image.Image], Any] | None = None,
) -> Auditable:
    if isinstance(given, Path | str):
        found = called_by_content(load_any(given, spec=spec_of(spec)), given)
    elif hasattr(given, "without_head"):
        return given  # type: ignore[return-value]  # the mark of every kind of target
    else:
        found = target_from(given, images, spec, transform)
    return found.on(device) if isinstance(found, Target) else found
