"""Finding the backbone's weights among whatever else training saved beside them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from bareface.untrusted.walk import leaves

# Dicts that hold the weights of a backbone, the most telling first.
CONTAINERS = (
    *("state_dict_backbone", "backbone_state_dict", "backbone", "net_state_dict", "model_state_dict"),
    *("state_dict", "model", "net", "module"),
)
# What stands before every key of a backbone that was part of something larger when it was saved.
PREFIXES = ("module.", "model.", "backbone.", "net.", "vit.", "features.", "encoder.", "_orig_mod.")

T = TypeVar("T")


@dataclass(frozen=True)
class Unwrapped(Generic[T]):
    """A backbone's tensors, and what lay beside them.

    Attributes:
        tensors: key as the backbone calls it -> tensor.
        wrapper: the dicts and prefixes that were taken off, for example `state_dict/model.`; empty for a bare one.
        leftovers: path -> tensor or scalar, for everything else.
    """

    tensors: dict[str, T]
    wrapper: str
    leftovers: dict[str, object]


def unwrap(tree: object, tensor: type[T]) -> Unwrapped[T]:
    """Take the known wrappers off a loaded checkpoint.

    Args:
        tree: nested dicts, as a checkpoint holds them.
        tensor: what counts as a tensor there.
    """
    names: list[str] = []
    leftovers: dict[str, object] = {}
    while isinstance(tree, Mapping) and (name := _container(tree, tensor)):
        leftovers |= flatten({key: value for key, value in tree.items() if key != name}, "/".join(names))
        names.append(str(name))
        tree = tree[name]
    tensors = flatten(tree) if isinstance(tree, Mapping) else {}
    prefix = _prefix(tensors)
    inside = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix) and isinstance(v, tensor)}
    leftovers |= {key: v for key, v in tensors.items() if not (key.startswith(prefix) and isinstance(v, tensor))}
    return Unwrapped(inside, "/".join([*names, prefix]) if prefix else "/".join(names), leftovers)


def _container(tree: Mapping[str, object], tensor: type[T]) -> str | None:
    """The entry to look into, if more weights are there than here."""
    inner = {key: _weights(value, tensor) for key, value in tree.items() if isinstance(value, Mapping)}
    here = _weights({key: value for key, value in tree.items() if key not in inner}, tensor)

    def rank(key: str) -> tuple[int, int, int]:
        statistics_there, tensors_there = inner[key]
        return statistics_there, -_familiarity(key), tensors_there

    best = max(inner, key=rank, default=None)
    return best if best is not None and inner[best] > here else None


def _weights(tree: Mapping[str, object], tensor: type[T]) -> tuple[int, int]:
    """How many BatchNorm layers, and how many tensors, lie below."""
    flat = flatten(tree)
    return len(statistics(flat)), sum(isinstance(value, tensor) for value in flat.values())


def _familiarity(key: str) -> int:
    return CONTAINERS.index(key) if key in CONTAINERS else len(CONTAINERS)


def statistics(keys: Iterable[str]) -> list[str]:
    """The keys of BatchNorm running means, in order."""
    return [key for key in keys if key.endswith("running_mean")]


def _prefix(keys: Iterable[str]) -> str:
    """The longest run of known prefixes that stands before every running mean; before every key, if there are none."""
    names = statistics(keys) or list(keys)
    prefix = ""
    while names and (found := next((p for p in PREFIXES if all(name.startswith(prefix + p) for name in names)), None)):
        prefix += found
    return prefix


def flatten(tree: object, path: str = "") -> dict[str, object]:
    """Path -> whatever is no dict; the names on the way are joined by dots.

    Raises:
        TooMuchError: dicts share dicts, so that there are more paths than any checkpoint has.
    """
    return leaves(tree, path)
