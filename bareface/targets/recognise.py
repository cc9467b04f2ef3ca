"""Which backbone a bare checkpoint belongs to, from its keys and shapes."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from bareface.errors import CheckpointError, TargetError
from bareface.targets.backbones.shapes import Shapes
from bareface.targets.build import Plan, name_of
from bareface.targets.families import FAMILIES, STRANGERS, Convention, Family
from bareface.targets.printable import printable
from bareface.targets.spec import ImageSpec

COUNTER = "num_batches_tracked"
FACTORY = "a factory of your own, package.module:factory, that returns the module with its weights"


@dataclass(frozen=True)
class Recognised:
    """A backbone that `build` could have built.

    Attributes:
        architecture: its name, for example `iresnet50`; `<family>-custom` for widths that no table lists.
        plan: the same in numbers.
        spec: the input, by the convention of the project that publishes such files.
        embedding_size: d.
        convention: whose convention it is, and what the keys leave open.
    """

    architecture: str
    plan: Plan
    spec: ImageSpec
    embedding_size: int
    convention: Convention

    def blank(self, spec: ImageSpec | None = None) -> nn.Module:
        """The backbone without numbers, on torch's meta device: it costs no memory and no random draws."""
        with torch.device("meta"):
            module = self.plan.net(spec or self.spec, self.embedding_size)
        for norm in norms(module).values():
            norm.eps, norm.momentum = self.convention.eps, self.convention.momentum
        return module


def recognise(shapes: Shapes, wrapper: str = "", where: str = "checkpoint") -> Recognised:
    """The backbone that has tensors of these names and shapes.

    Args:
        shapes: key -> shape, wrappers taken off.
        wrapper: what was taken off; some projects are told apart by it alone.
        where: the file, for messages.

    Raises:
        TargetError: no such architecture is known, or one that bareface does not build.
        CheckpointError: the family is known but tensors of it are missing.
    """
    family = next((f for f in FAMILIES if all(mark in shapes for mark in f.marks)), None)
    if family is None:
        raise _unknown(shapes, where)
    try:
        return _read(family, shapes, wrapper)
    except (KeyError, IndexError, ValueError, TypeError, ZeroDivisionError) as error:
        got = f"part of the {family.name} family, unreadable at {error}"
        raise CheckpointError(where, got=got, expected="all tensors of a backbone", hint=FACTORY) from None


def _read(family: Family, shapes: Shapes, wrapper: str) -> Recognised:
    plan, convention = family.plan(shapes), family.convention(wrapper)
    channels, (height, width) = shapes[family.stem][1], family.size(shapes)
    if channels not in (1, 3):
        raise ValueError(f"{family.stem}: {channels} input channels")
    spec = ImageSpec(height, width, "GRAY" if channels == 1 else convention.order, convention.mean, convention.std)
    return Recognised(name_of(plan, family.name), plan, spec, shapes[family.embedding][0], convention)


def stranger(shapes: Shapes) -> str:
    """The name of a family that bareface knows but does not build, or `unknown`."""
    return next((name for marks, name in STRANGERS if all(mark in shapes for mark in marks)), "unknown")


def _unknown(shapes: Shapes, where: str) -> TargetError:
    name = stranger(shapes)
    seen = printable(", ".join(list(shapes)[:4])) or "no tensors at all"
    got = f"{name}, with {len(shapes)} tensors ({seen}, ...)" if name != "unknown" else f"unknown tensors ({seen}, ...)"
    expected = f"one of the families {', '.join(family.name for family in FAMILIES)}"
    return TargetError(where, got=got, expected=expected, hint=FACTORY)


def assemble(found: Recognised, tensors: Mapping[str, Tensor], where: str, spec: ImageSpec | None = None) -> nn.Module:
    """The backbone with these weights: all of them, and nothing else.

    Counters of batches may be missing, as they are from files older than torch 0.4.1; they start at zero then.

    Raises:
        CheckpointError: with the first missing and unexpected keys and the shapes that differ.
    """
    module = found.blank(spec)
    own = module.state_dict()
    _compare(own, tensors, where)
    module.to_empty(device="cpu")
    counters = {key: torch.zeros((), dtype=torch.long) for key in own if key.endswith(COUNTER)}
    module.load_state_dict(counters | dict(tensors))
    return module


def _compare(own: Mapping[str, Tensor], tensors: Mapping[str, Tensor], where: str) -> None:
    complaints = {
        "missing": [key for key in own if key not in tensors and not key.endswith(COUNTER)],
        "unexpected": [key for key in tensors if key not in own],
        "of another shape": [
            f"{key} {tuple(tensors[key].shape)} instead of {tuple(own[key].shape)}"
            for key in own
            if key in tensors and tensors[key].shape != own[key].shape
        ],
    }
    if any(complaints.values()):
        told = (f"{len(keys)} {what} ({', '.join(keys[:3])})" for what, keys in complaints.items() if keys)
        got = f"tensors {printable('; '.join(told), 500)}"
        raise CheckpointError(where, got=got, expected=f"the {len(own)} of the backbone", hint=FACTORY)


def norms(module: nn.Module) -> dict[str, _BatchNorm]:
    """Name -> BatchNorm layer, in the order of the module tree."""
    return {name: layer for name, layer in module.named_modules() if isinstance(layer, _BatchNorm)}
