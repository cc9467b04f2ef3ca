"""Which backbone a bare checkpoint belongs to, from its keys and shapes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from bareface.errors import CheckpointError, TargetError
from bareface.settings.spec import ChannelOrder, ImageSpec
from bareface.targets.backbones.plan import Plan, Shapes
from bareface.targets.build import name_of
from bareface.targets.conventions import Convention
from bareface.targets.families import Family, families
from bareface.targets.printable import printable
from bareface.targets.unsupported_architectures import FACTORY, STRANGERS, Unsupported
from bareface.targets.weights import COUNTER

T = TypeVar("T")


@dataclass(frozen=True)
class RecognisedBackbone:
    """A backbone that `build` could have built.

    Attributes:
        architecture: its name, for example `iresnet50`; `<family>-custom` for widths that no table lists.
        plan: the same in numbers.
        spec: the input, by the convention of the project that publishes such files.
        embedding_size: d.
        convention: whose convention it is.
        caveat: what keys and shapes leave open; empty where they tell everything.
        head: keys of a classification layer that the backbone carries along.
    """

    architecture: str
    plan: Plan
    spec: ImageSpec
    embedding_size: int
    convention: Convention
    caveat: str = ""
    head: tuple[str, ...] = ()

    @property
    def assumed(self) -> str:
        """Why this input is assumed, in words."""
        told = f"the convention of {self.convention.project}, whose {self.architecture} has these tensors"
        return f"{told}; {self.caveat}" if self.caveat else told

    def part(self, tensors: Mapping[str, T]) -> tuple[dict[str, T], dict[str, T]]:
        """The tensors of the backbone, and those of the classification layer that it carries along."""
        own = {key: value for key, value in tensors.items() if key not in self.head}
        return own, {key: value for key, value in tensors.items() if key in self.head}

    def blank(self, spec: ImageSpec | None = None) -> nn.Module:
        """The backbone without numbers, on torch's meta device: it costs no memory and no random draws.

        Raises:
            CheckpointError: the shapes do not go together.
            TargetError: the net cannot take such an input.
        """
        try:
            with torch.device("meta"):
                module = self.plan.net(spec or self.spec, self.embedding_size)
        except (ValueError, RuntimeError) as error:
            got = f"shapes of which no net can be made ({str(error).partition(chr(10))[0]})"
            raise CheckpointError(self.architecture, got=got, expected="those of a backbone", hint=FACTORY) from None
        for norm in norms(module).values():
            norm.eps, norm.momentum = self.convention.eps, self.convention.momentum
        return module


def recognise(shapes: Shapes, wrapper: str = "", where: str = "checkpoint") -> RecognisedBackbone:
    """The backbone that has tensors of these names and shapes.

    Args:
        shapes: key -> shape, wrappers taken off.
        wrapper: what was taken off; some projects are told apart by it alone.
        where: the file, for messages.

    Raises:
        TargetError: no such architecture is known, or one that bareface does not build.
        CheckpointError: the family is known but tensors of it are missing.
    """
    family = next((family for family in families() if family.owns(shapes)), None)
    if family is None:
        raise _unknown(shapes, where)
    if empty := [key for key, shape in shapes.items() if 0 in shape]:
        raise CheckpointError(where, got=f"no numbers in {printable(empty[0])}", expected="all tensors of a backbone")
    try:
        return _read(family, shapes, wrapper)
    except (KeyError, IndexError, ValueError, TypeError, ZeroDivisionError) as error:
        got = f"part of the {family.name} family, unreadable at {error}"
        raise CheckpointError(where, got=got, expected="all tensors of a backbone", hint=FACTORY) from None


def _read(family: Family, shapes: Shapes, wrapper: str) -> RecognisedBackbone:
    reading, convention = family.read(shapes), family.convention(wrapper)
    if reading.channels not in (1, 3):
        raise ValueError(f"an input of {reading.channels} channels")
    order: ChannelOrder = "RGB" if convention.order == "GRAY" else convention.order
    order = "GRAY" if reading.channels == 1 else order
    mean, std = (_for(reading.channels, values) for values in (convention.mean, convention.std))
    caveat = "; ".join(filter(None, (convention.caveat, reading.caveat)))
    name, spec = name_of(reading.plan, family.name), ImageSpec(*reading.size, order, mean, std)
    return RecognisedBackbone(name, reading.plan, spec, reading.embedding_size, convention, caveat, reading.head)


def _for(channels: int, values: tuple[float, ...]) -> tuple[float, ...]:
    """One number for all channels of a grey image, where the convention has one for each colour: their mean."""
    return values if channels == 3 or len(values) == 1 else (round(sum(values) / len(values), 3),)


def stranger(shapes: Shapes) -> Unsupported | None:
    """The backbone that bareface can name but does not build, if it is one."""
    return next((stranger for stranger in STRANGERS if stranger.owns(shapes)), None)


def _unknown(shapes: Shapes, where: str) -> TargetError:
    found = stranger(shapes)
    seen = printable(", ".join(list(shapes)[:4])) or "no tensors at all"
    got = f"{found.name}, with {len(shapes)} tensors ({seen}, ...)" if found else f"unknown tensors ({seen}, ...)"
    expected = f"one of the families {', '.join(dict.fromkeys(family.name for family in families()))}"
    return TargetError(where, got=got, expected=expected, hint=found.advice if found else FACTORY)


def assemble(
    found: RecognisedBackbone, tensors: Mapping[str, Tensor], where: str, spec: ImageSpec | None = None
) -> nn.Module:
    """The backbone with these weights: all of them, and nothing else but a classification layer, which is left out.

    Counters of batches may be missing, as they are from files older than torch 0.4.1; they start at zero then.

    Raises:
        CheckpointError: with the first missing and unexpected keys and the shapes that differ; or the weights are those
            of a net for another input than `spec`.
    """
    module, (weights, _) = found.blank(spec), found.part(tensors)
    own = module.state_dict()
    if misfit := differences(shapes_of(own), shapes_of(weights)):
        if spec is not None and not differences(shapes_of(found.blank().state_dict()), shapes_of(weights)):
            raise _other_input(where, spec, found.spec, misfit)
        expected = f"the {len(own)} of the backbone"
        raise CheckpointError(where, got=f"tensors {misfit}", expected=expected, hint=FACTORY)
    module.to_empty(device="cpu")
    counters = {key: torch.zeros((), dtype=torch.long) for key in own if key.endswith(COUNTER)}
    module.load_state_dict(counters | weights)
    return module


def _other_input(where: str, given: ImageSpec, own: ImageSpec, misfit: str) -> CheckpointError:
    got, expected = (f"{s.height}x{s.width} in {'grey' if s.channels == 1 else 'colour'}" for s in (given, own))
    hint = "leaving the spec out, or one of that size"
    return CheckpointError(where, got=f"a spec of {got}", expected=f"{expected}, by its tensors ({misfit})", hint=hint)


def differences(own: Shapes, given: Shapes) -> str:
    """Which tensors of a backbone are missing, unexpected or of another shape, in words; empty where all fit."""
    complaints = {
        "missing": [key for key in own if key not in given and not key.endswith(COUNTER)],
        "unexpected": [key for key in given if key not in own],
        "of another shape": [
            f"{key} {given[key]} instead of {own[key]}"
            for key in own
            if key in given and given[key] != own[key] and not key.endswith(COUNTER)
        ],
    }
    told = (f"{len(keys)} {what} ({', '.join(keys[:3])})" for what, keys in complaints.items() if keys)
    return printable("; ".join(told), 500)


def shapes_of(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """Key -> shape."""
    return {key: tuple(value.shape) for key, value in tensors.items()}


def norms(module: nn.Module) -> dict[str, _BatchNorm]:
    """Name -> BatchNorm layer, in the order of the module tree."""
    return {name: layer for name, layer in module.named_modules() if isinstance(layer, _BatchNorm)}
