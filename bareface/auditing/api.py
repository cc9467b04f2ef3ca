"""`bareface.audit`: the audit as one call from Python."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from bareface.auditing.audit import AuditInputs, conduct
from bareface.auditing.lots import seal_beside
from bareface.auditing.plugins import OF_AUDITS
from bareface.auditing.progress import Progress, silent
from bareface.auditing.settings import DEFAULT_ATTACKS, MAX_SHARED_RATE, AuditSettings, Gate, attacks_named
from bareface.membership.base import Attack
from bareface.records.evidence import Evidence
from bareface.registry import warn_of_unavailable
from bareface.rosters.roster import Roster, read_manifest
from bareface.settings.closed import checked
from bareface.settings.recipe import ReferenceSettings, ShadowSettings
from bareface.settings.sampling import SampleSettings
from bareface.stats.power import MAX_SMALLEST_EFFECT
from bareface.targets.device import device_of
from bareface.targets.kinds import Auditable, called_by_content, load_any
from bareface.targets.target import Target
from bareface.vocabulary import AssignmentWay, FaceChoice, Game, Knowledge


def audit(
    target: Auditable | Path | str,
    roster: Roster | Path | str,
    *,
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
    selfcheck: Gate = "refuse",
    detect: bool = False,
    face: FaceChoice | None = None,
    sample: SampleSettings | None = None,
    cache: Path | str | None = None,
) -> Evidence:
    """Audit a backbone; the evidence is also written to the run folder.

    Args:
        target: a backbone, an ONNX graph, a table of embeddings or an endpoint; or a path, an address or a
            `package.module:factory` to load one from.
        roster: images, people and roles, or a path to a manifest.
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
            max_shared_rate, max_smallest_effect, selfcheck, detect, face, sample: as in
            `bareface.auditing.settings.AuditSettings`.
        cache: a folder of what runs share, as in `bareface.auditing.audit.conduct`; None = nothing is shared.

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
        "selfcheck": selfcheck,
        "detect": detect,
        "face": face,
        "sample": sample,
        "assignment": assignment,
    }
    settings = checked(AuditSettings, asked, "bareface.audit")
    people = roster if isinstance(roster, Roster) else read_manifest(Path(roster))
    seal = None if isinstance(roster, Roster) else seal_beside(Path(roster))
    where = device_of(device)
    other = None if foreign is None else _target(foreign, where)
    judge = None if recogniser is None else _target(recogniser, where)
    others = tuple(_target(one, where) for one in references)
    brought = AuditInputs(_target(target, where), people, other, references=others, recogniser=judge, seal=seal)
    kept = None if cache is None else Path(cache)
    return conduct(brought, settings, Path(run), fresh=fresh, progress=progress, cache=kept)


def _attacks(given: Sequence[Attack | str] | None) -> tuple[Attack, ...]:
    listed = (given,) if isinstance(given, str) else DEFAULT_ATTACKS if given is None else given
    return tuple(one if isinstance(one, Attack) else attacks_named(one)[0] for one in listed)


def _listed(given: Sequence[str] | str | None) -> tuple[str, ...] | None:
    """Several words, or one that stands alone."""
    return (given,) if isinstance(given, str) else None if given is None else tuple(given)


def _target(given: Auditable | Path | str, device: torch.device) -> Auditable:
    found = called_by_content(load_any(given), given) if isinstance(given, Path | str) else given
    return found.on(device) if found is not given and isinstance(found, Target) else found
