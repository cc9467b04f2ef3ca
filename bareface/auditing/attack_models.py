"""Keeping the fitted attack models, so that stage 2 can rebuild and steer by them."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bareface.auditing.answers import Answer
from bareface.membership import attack_class
from bareface.membership.base import FeatureAttack
from bareface.membership.engine.attack_model import AttackModel
from bareface.storage.artefacts import artefact_path, refuse_damaged, remove_artefact
from bareface.storage.folders import subfolder


@dataclass(frozen=True)
class FittedAttack:
    """The fitted models of one attack.

    Attributes:
        attack, parameters: which attack.
        game, knowledge: what they were fitted for.
        models: one for each fold in order (partial knowledge), or one (shadow knowledge).
    """

    attack: str
    parameters: dict[str, Any]
    game: str
    knowledge: str
    models: tuple[AttackModel, ...]

    @property
    def made(self) -> FeatureAttack:
        """The attack under its parameters.

        Raises:
            UsageError: there is no attack of that name here, as where a plug-in package is not installed.
        """
        attack = attack_class(self.attack)(**self.parameters)
        assert isinstance(attack, FeatureAttack)  # only those fit models
        return attack


def kept_attack_models(folder: Path, run: str) -> tuple[FittedAttack, ...]:
    """Everything that `write_attack_models` wrote into a folder for one run, in order of file name.

    Raises:
        RunError: a file does not fit its digest, or is of another run.
    """
    return tuple(_kept(path, run) for path in sorted(folder.glob("*.npz")))


def write_attack_models(answers: Sequence[Answer], folder: Path, run: str) -> None:
    """One file for each attack that fitted models: those of all folds, and what they were fitted for.

    Args:
        answers: of all attacks.
        folder: is made where its outer folder is there.
        run: the fingerprint of the run that they belong to.
    """
    fitted = {f"{_name(answer)}.npz": answer for answer in answers if answer.models}
    for path in folder.glob("*.npz"):
        if path.name not in fitted:  # of an attack that fitted models when the run was asked otherwise
            remove_artefact(path)
    for name, answer in fitted.items():
        _write(answer, subfolder(folder) / name, run)


def read_attack_models(path: Path, run: str = "") -> list[AttackModel]:
    """The attack models in a file that an audit wrote; of the run with that fingerprint, where one is named.

    Raises:
        RunError: it does not fit its digest, or is of another run.
    """
    refuse_damaged(path, hint="run the audit again; it makes this file again", of=run)
    with np.load(path, allow_pickle=False) as arrays:
        count = json.loads(str(arrays["card"]))["models"]
        return [
            AttackModel.from_arrays({k.split("/", 1)[1]: arrays[k] for k in arrays if k.startswith(f"{n}/")})
            for n in range(count)
        ]


def _kept(path: Path, run: str) -> FittedAttack:
    models = tuple(read_attack_models(path, run))
    with np.load(path, allow_pickle=False) as arrays:
        card = json.loads(str(arrays["card"]))
    named = {name: card[name] for name in ("attack", "parameters", "game", "knowledge")}
    return FittedAttack(**named, models=models)


def _write(answer: Answer, path: Path, run: str) -> None:
    card = {
        "models": len(answer.models),
        "attack": answer.attack.name,
        "parameters": answer.attack.parameters(),
        "game": answer.arena.game,
        "knowledge": answer.knowledge,
    }
    arrays = {f"{n}/{name}": values for n, model in enumerate(answer.models) for name, values in model.arrays().items()}
    with artefact_path(path, of=run) as temporary, temporary.open("wb") as file:
        np.savez(file, card=np.array(json.dumps(card)), **arrays)  # type: ignore[arg-type]


def _name(answer: Answer) -> str:
    title = re.sub(r"[^a-z0-9.=-]+", "-", answer.attack.title().lower()).strip("-")
    return f"{answer.arena.game}_{answer.knowledge}_{title}"
