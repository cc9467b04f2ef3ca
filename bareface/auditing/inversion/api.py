"""`bareface.invert`: the inversion of an audited backbone as one call from Python."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bareface.auditing.inversion.conduct import Inverted, conduct_inversion
from bareface.auditing.inversion.generators import SHIPPED, open_generator
from bareface.auditing.inversion.judges import Judge, open_judge
from bareface.auditing.inversion.settings import InversionSettings
from bareface.auditing.plugins import OF_INVERSIONS
from bareface.auditing.progress import Progress, silent
from bareface.inversion.generator import Generator
from bareface.records.inversion import InversionRecord
from bareface.registry import warn_of_unavailable
from bareface.rosters.roster import Roster, read_manifest
from bareface.targets.kinds import Auditable, called_by_content, load_any
from bareface.targets.target import Target


def invert(
    target: Auditable | Path | str,
    roster: Roster | Path | str,
    judges: Sequence[Judge | Target | Path | str],
    *,
    run: Path | str = "runs/audit",
    generator: Generator | Path | str = SHIPPED,
    objective: str = "membership",
    home: Path | str | None = None,
    seed: int = 7,
    fresh: bool = False,
    progress: Progress = silent,
    **more: Any,
) -> InversionRecord:
    """Reconstruct what an audited backbone remembers; the record is also written to the folder of the inversion.

    Args:
        target: the audited backbone, or a path, address or `package.module:factory` to load one from; one that only
            answers (ONNX, a service) needs `search="evolution"`.
        roster: the people of the audit, or a path to its manifest.
        judges: independent face models, trained on other people; the first is the primary one. `rendered-1` and
            `rendered-2` are in the box, for rendered faces; `dlib` is an extra.
        run: folder of the finished audit.
        generator: proposes faces; or a name or path as `bareface invert --generator` takes it.
        objective: what the search makes larger: names joined by `+`, each perhaps `weight*name`.
        home: folder of the inversion; `inversion/` in the audit's by default.
        seed: root of every random stream.
        fresh: start over in a used folder.
        progress: called with (stage, done, total).
        more: other fields of `bareface.auditing.inversion.settings.InversionSettings`, such as restarts, steps.

    Warns:
        PluginWarning: a plug-in of another package cannot be used; the inversion goes on without it.

    Raises:
        BarefaceError: something that was brought is unusable; the message says what to do.
    """
    warn_of_unavailable(*OF_INVERSIONS)
    terms, folder = InversionSettings(objective=objective, seed=seed, **more), Path(run)
    network = _target(target)
    proposes, source = _opened(generator, network.spec.height, folder)
    brought = Inverted(network, _people(roster), proposes, tuple(_judge(one) for one in judges), source)
    where = None if home is None else Path(home)
    return conduct_inversion(brought, terms, folder, home=where, fresh=fresh, progress=progress).record


def _target(given: Auditable | Path | str) -> Auditable:
    return called_by_content(load_any(given), given) if isinstance(given, Path | str) else given


def _people(given: Roster | Path | str) -> Roster:
    return given if isinstance(given, Roster) else read_manifest(Path(given))


def _opened(given: Generator | Path | str, size: int, run: Path) -> tuple[Generator, str]:
    if isinstance(given, Path | str):
        return open_generator(str(given), size=size, kept=run / "generators")
    return given, "brought"


def _judge(given: Judge | Target | Path | str) -> Judge:
    if isinstance(given, Path | str):
        return open_judge(given)
    return given if isinstance(given, Judge) else Judge(given, "unknown")
