"""What else training left in a file beside the backbone, and what it gives away."""

import itertools
import re
from collections import defaultdict
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from bareface.targets.storages import StaticTensor
from bareface.targets.tree import Opaque

# (what the name contains, what it means), the most telling first.
MEANINGS = (
    (r"optim|exp_avg|momentum|adam|sgd", "state of the optimiser: smoothed last gradients, of the head too"),
    (r"class_?to|to_?class|classes|labels?\b|ident|names|subjects", "class names: who the training people were"),
    (r"head|softmax|kernel|logits|centers?\b|centres?\b|^fc\b|^W$", "part of a classification head"),
    (r"^proj|_proj|predict", "what training put behind the embedding; no part of the backbone"),
    (r"batch_(mean|std)", "moving average of the feature norms in training"),
    (r"ema|swa|average", "a moving average of the weights"),
    (r"sched|lr_|learning_rate", "the schedule of the learning rate"),
    (r"scaler|amp", "the state of the loss scaling"),
    (r"arg|hparam|hyper|config|opts?\b|conf\b", "settings of the run: they may name folders and people"),
    (r"epoch|step|iter|batch_id", "how far the run was"),
    (r"acc|loss|best|metric|history", "how well the run went"),
)
MOST_TOLD, LONGEST_NAME = 60, 200
_EPOCHS = re.compile(r"(.*[./])?(cur_|current_|last_|start_)?epochs?", re.I)


class LeftoverFact(BaseModel):
    """Something beside the backbone.

    Attributes:
        name: first part of its path in the file.
        holds: the value, or how many tensors and other values lie below.
        meaning: what such things are; empty where the name does not tell.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    holds: str
    meaning: str


def leftover_facts(leftovers: Mapping[str, object]) -> tuple[LeftoverFact, ...]:
    """Path -> value, as `unwrap` leaves them over, as facts about the first part of each path; about so many at most.

    Those beyond are one fact together: nobody reads a hundred thousand names, and each costs time to be told.
    """
    groups: dict[str, list[object]] = defaultdict(list)
    paths: dict[str, str] = {}
    for path, value in leftovers.items():
        name = re.split(r"[./]", path)[0]
        groups[name].append(value)
        paths.setdefault(name, path)
    told = [
        LeftoverFact(name=_cut(name), holds=_gist(values), meaning=_meaning(name) or _meaning(paths[name]))
        for name, values in itertools.islice(groups.items(), MOST_TOLD)
    ]
    if len(groups) > MOST_TOLD:
        rest = [value for values in itertools.islice(groups.values(), MOST_TOLD, None) for value in values]
        name = f"{len(groups) - MOST_TOLD:,} more names"
        told.append(LeftoverFact(name=name, holds=f"{len(rest):,} values", meaning=""))
    return tuple(told)


def epoch_of(leftovers: Mapping[str, object]) -> int | None:
    """The epoch that the file states; None where it states none, or several that differ.

    A number below zero stands for "not yet" or "finished", and is none.
    """
    found = [value for path, value in leftovers.items() if _EPOCHS.fullmatch(path)]
    numbers = [value for value in found if isinstance(value, int | float) and not isinstance(value, bool)]
    stated = {int(value) for value in numbers if value >= 0 and float(value).is_integer()}
    return stated.pop() if len(stated) == 1 else None


def _meaning(text: str) -> str:
    return next((meaning for pattern, meaning in MEANINGS if re.search(pattern, text[:LONGEST_NAME], re.I)), "")


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}..."


def _gist(values: list[object]) -> str:
    tensors = sum(isinstance(value, StaticTensor) for value in values)
    if len(values) > 1 or tensors:
        others = f"{len(values) - tensors} other values" if len(values) > tensors else ""
        return ", ".join(filter(None, (f"{tensors} tensors" if tensors else "", others)))
    value = values[0]
    return value.kind if isinstance(value, Opaque) else str(value)[:80]
