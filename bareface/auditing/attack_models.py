"""Keeping the fitted attack models, so that stage 2 can rebuild and steer by them."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bareface.auditing.answers import Answer
from bareface.auditing.crossfit import lessons
from bareface.auditing.question import Question
from bareface.auditing.traces import Traces, in_arena, shadow_lessons
from bareface.files import atomic_path
from bareface.membership.attack_model import AttackModel
from bareface.membership.base import FeatureAttack
from bareface.streams import stream


def write_attack_models(answers: Sequence[Answer], traces: Traces, question: Question, folder: Path) -> None:
    """One file for each attack that answered: the models of all folds, and what they were fitted for."""
    for answer in answers:
        if answer.target is not None and isinstance(answer.attack, FeatureAttack):
            models = _fitted(answer, answer.attack, traces, question)
            _write(models, answer, folder / f"{_name(answer)}.npz")


def read_attack_models(path: Path) -> list[AttackModel]:
    """The attack models in a file that an audit wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        count = json.loads(str(arrays["card"]))["models"]
        return [
            AttackModel.from_arrays({k.split("/", 1)[1]: arrays[k] for k in arrays if k.startswith(f"{n}/")})
            for n in range(count)
        ]


def _fitted(answer: Answer, attack: FeatureAttack, traces: Traces, question: Question) -> list[AttackModel]:
    """The same fits as for the scores: same lessons, same streams."""
    arena = answer.arena
    shadows = shadow_lessons(traces, arena.game, question) if answer.knowledge == "shadow" else None
    told = lessons(in_arena(traces.target, arena), arena, shadows)
    return [
        attack.fit(lesson.known, stream(question.seed, "attack", attack.name, arena.game, number))
        for number, lesson in enumerate(told)
    ]


def _write(models: list[AttackModel], answer: Answer, path: Path) -> None:
    card = {
        "models": len(models),
        "attack": answer.attack.name,
        "parameters": answer.attack.parameters(),
        "game": answer.arena.game,
        "knowledge": answer.knowledge,
    }
    arrays = {f"{n}/{name}": values for n, model in enumerate(models) for name, values in model.arrays().items()}
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, card=np.array(json.dumps(card)), **arrays)  # type: ignore[arg-type]


def _name(answer: Answer) -> str:
    defaults = type(answer.attack)().parameters()
    changed = [f"{k}-{v}" for k, v in answer.attack.parameters().items() if defaults[k] != v]
    return "_".join([answer.arena.game, answer.knowledge, answer.attack.name, *changed])
