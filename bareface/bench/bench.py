"""All defences, all seeds; what is finished is kept, and a bench that was cut short goes on."""

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

import bareface
from bareface.auditing.progress import Progress
from bareface.auditing.run_folder import run_folder
from bareface.bench.record import SCHEMA_VERSION, UNDEFENDED, BenchRecord, DefenceTrial
from bareface.bench.trial import TrialContext, run_trial
from bareface.bench.world import World
from bareface.errors import RunError
from bareface.settings.closed import with_parameters
from bareface.settings.notation import name_and_parameters
from bareface.storage.artefacts import is_sound, write_artefact
from bareface.training.defence import Defence
from bareface.training.defences import defence_class, defences

TRIAL_FILE = "trial.json"
ORDER = ("answer", "release", "training")


def every_defence() -> tuple[str, ...]:
    """What the bench tries unless somebody says otherwise: no defence, then each under the parameters it names.

    Those that share one training come first.
    """
    kinds = sorted(defences().values(), key=lambda kind: (ORDER.index(kind.sort), kind.name))
    return UNDEFENDED, *(f"{kind.name}:{words}".rstrip(":") for kind in kinds for words in kind.tried)


def make_defence(text: str) -> Defence | None:
    """The defence written as `name` or `name:key=value,key=value`; None for `none`.

    Raises:
        UsageError: there is none of that name, or a parameter is unknown or out of range.
    """
    if text == UNDEFENDED:
        return None
    name, parameters = name_and_parameters(text)
    return with_parameters(defence_class(name), parameters, f"defence {name}", f"bareface bench list {name}")


def run_bench(
    world: World,
    asked: Sequence[str],
    seeds: Sequence[int],
    run: Path,
    progress: Progress,
    attacks: tuple[str, ...] = (),
) -> BenchRecord:
    """Try every defence with every seed; trials that lie in the run folder are read.

    Args:
        world: the people.
        asked: defences as in `make_defence`.
        seeds: one target and one shadow for each.
        run: the run folder, for one world.
        progress: called with (stage, done, total).
        attacks: asked beside the usual ones.

    Raises:
        UsageError: a defence or a parameter of one is unknown, or a defence lacks a package.
        RunError: the folder is in use, belongs to another world, or holds a damaged trial.
    """
    wanted = [(text, make_defence(text)) for text in dict.fromkeys(asked)]
    trials, total = list[DefenceTrial](), len(seeds) * len(wanted)
    for _, defence in wanted:
        TrialContext(world, 0, run, progress).guarantee(defence)  # a missing package is found out now, not hours later
    with run_folder(run, {**world.settings(), "attacks": list(attacks)}):
        for seed in seeds:
            stand = TrialContext(world, seed, run / f"seed-{seed}", progress, attacks)
            for text, defence in wanted:
                trials.append(_kept(stand, defence, stand.folder / "defences" / _slug(text)))
                progress("defences", len(trials), total)
    return BenchRecord(
        schema_version=SCHEMA_VERSION, bareface=bareface.__version__, world=world.name, trials=tuple(trials)
    )


def _kept(stand: TrialContext, defence: Defence | None, folder: Path) -> DefenceTrial:
    path = folder / TRIAL_FILE
    asked = [stand.world.settings(), stand.seed, stand.attacks, "" if defence is None else defence.title()]
    key = hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()
    if is_sound(path, of=key):
        return read_trial(path)
    trial = run_trial(stand, defence, folder / "audit")
    write_artefact(path, trial.model_dump_json(indent=1) + "\n", private=False, of=key)
    return trial


def read_trial(path: Path) -> DefenceTrial:
    """A trial that was kept.

    Raises:
        RunError: it is damaged, or of another version.
    """
    try:
        return DefenceTrial.model_validate_json(path.read_bytes(), strict=True)
    except ValidationError as error:
        got = f"{error.errors()[0]['msg']}"
        raise RunError(
            str(path), got=got, expected="a trial of this version", hint="delete it; it is run again"
        ) from None


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9.-]+", "-", text)
