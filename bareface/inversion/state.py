"""Everything that a search must remember to go on as if it had never stopped."""

import json
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from bareface.errors import RunError
from bareface.storage.artefacts import artefact_path, is_sound

FORMAT = 1


@dataclass(frozen=True, eq=False)
class State:
    """A search of n rows after some steps.

    Attributes:
        step: looks so far.
        coordinates: (n, ...) where the rows are.
        first, second: (n, ...) Adam's running moments of the gradient.
        best: (n, ...) where each row's score minus penalty was highest so far.
        best_value: (n,) that value; minus infinity before the first look.
        tail: (n, ...) sum of the coordinates over the last part of the steps.
        tail_count: (1,) how many were summed.
        crowd: (n, d) directions of the rows at the last look, at the start before the first; d = 0 if nobody asks.
        scores, penalties: (looks, n) the trajectories so far.
    """

    step: int
    coordinates: Tensor
    first: Tensor
    second: Tensor
    best: Tensor
    best_value: Tensor
    tail: Tensor
    tail_count: Tensor
    crowd: Tensor
    scores: Tensor
    penalties: Tensor

    @classmethod
    def begin(cls, coordinates: Tensor, crowd: Tensor) -> "State":
        """Before the first look."""
        zeros, n = torch.zeros_like(coordinates), len(coordinates)
        never, none = coordinates.new_full((n,), -torch.inf), coordinates.new_empty(0, n)
        return cls(0, coordinates, zeros, zeros, coordinates, never, zeros, zeros.new_zeros(1), crowd, none, none)


def write_state(path: Path, state: State, key: str) -> None:
    """Keep a state as safetensors with JSON in its header; the key says what it belongs to.

    Raises:
        RunError: the file cannot be written.
    """
    card = {"format": FORMAT, "step": state.step, "key": key}
    tensors = {name: getattr(state, name).detach().cpu().contiguous().clone() for name in _TENSORS}
    with artefact_path(path) as temporary:
        save_file(tensors, temporary, {"search": json.dumps(card)})


def read_state(path: Path, key: str, device: torch.device) -> State | None:
    """The state in a file; None if there is no file, or one that does not fit its digest.

    Raises:
        RunError: the file holds no state, or belongs to another search.
    """
    if not is_sound(path):
        return None
    try:
        with safe_open(path, "pt") as file:
            card = json.loads((file.metadata() or {})["search"])
            tensors = {name: file.get_tensor(name).to(device) for name in _TENSORS}
        step, found = int(card["step"]), card["key"]
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise RunError(
            str(path),
            got=f"no state of a search ({error})",
            expected="what a search wrote",
            hint="delete it to begin anew",
        ) from error
    if found != key or card.get("format") != FORMAT:
        raise RunError(
            str(path),
            got="the state of another search",
            expected="the same generator, objective, start, plan and seed",
            hint="another file, or delete it to begin anew",
        )
    return State(step, **tensors)


_TENSORS = tuple(one.name for one in fields(State) if one.name != "step")
