"""Which backbone an ONNX graph was exported from, by the kernels of its convolutions; what it had, how it was fed."""

import itertools
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from bareface.settings.spec import ImageSpec
from bareface.targets.families import plans
from bareface.targets.onnx.graph import Graph, read_graph
from bareface.targets.recognise import RecognisedBackbone, recognise, shapes_of

UNKNOWN = "unknown"
# Stands for the embedding size where kernels are listed; no layer of any backbone is as wide.
ANY_SIZE = 509
Kernels = tuple[tuple[tuple[int, ...], int], ...]


@dataclass(frozen=True)
class Origin:
    """What a graph was before it was exported.

    Attributes:
        architecture: as `build` knows it, or `unknown`.
        norms: how many BatchNorm layers that architecture has; None where it is unknown.
        rivals: other architectures that account for the graph as well.
    """

    architecture: str
    norms: int | None
    rivals: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Known:
    architecture: str
    kernels: Kernels
    norms: int
    biased: int


def origin_of(graph: Graph) -> Origin:
    """The backbone with the same convolutions whose BatchNorm layers best account for what is left in the graph.

    Every BatchNorm that was folded into a convolution left a bias there; architectures with the same convolutions
    are told apart by it.
    """
    convolutions = [linear.kernel for linear in graph.linears if len(linear.kernel) == 4]
    kernels = _counted(convolutions)
    biased = sum(linear.biased for linear in graph.linears if len(linear.kernel) == 4)

    def unexplained(known: _Known) -> int:
        folded = known.norms - len(graph.norms)
        return abs(folded - (biased - known.biased))

    fitting = (known for known in _known(graph.spec.channels) if known.norms >= len(graph.norms))
    alike = [known for known in fitting if _sized(known.kernels, graph.embedding_size) == kernels]
    best = min(alike, key=unexplained, default=None)
    if best is None or not convolutions:
        return Origin(UNKNOWN, None)
    rivals = (one.architecture for one in alike if one is not best and unexplained(one) == unexplained(best))
    return Origin(best.architecture, best.norms, tuple(rivals))


def read_as_fed(path: Path, spec: ImageSpec | None = None) -> Graph:
    """The graph in a file, with the input of the family that it was exported from, where that is known.

    Args:
        path: the `.onnx` file.
        spec: the input, where the convention is wrong.

    Raises:
        CheckpointError, UnsafeFileError, TargetError: as `read_graph`.
    """
    graph = read_graph(path, spec)
    found = None if spec is not None else family_input(graph)
    if found is None:
        return graph
    fed, why = found
    if (fed.height, fed.width) != (graph.spec.height, graph.spec.width):
        graph = read_graph(path, fed)
    return replace(graph, spec=fed, assumed=why)


def family_input(graph: Graph) -> tuple[ImageSpec, str] | None:
    """The input by the convention of the graph's family, and why; None where the family is not known."""
    origin = origin_of(graph)
    if origin.architecture == UNKNOWN:
        return None
    family = _family(origin.architecture, graph.spec.channels, _wrapper(graph))
    return _fed(graph, family), _why(origin, family, graph)


def _fed(graph: Graph, family: RecognisedBackbone) -> ImageSpec:
    """The family's input, as far as the graph leaves it open: its size, and normalisation that is not inside."""
    own, project = graph.spec, family.spec
    mean, std = (own.mean, own.std) if graph.is_normalising else (project.mean, project.std)
    size = (project.height, project.width) if graph.size_is_open else (own.height, own.width)
    return ImageSpec(*size, project.order, mean, std)


def _why(origin: Origin, family: RecognisedBackbone, graph: Graph) -> str:
    told = [f"the convention of {family.convention.project}, whose {origin.architecture} has these convolutions"]
    told += [family.caveat] if family.caveat else []
    ways = {name: _family(name, graph.spec.channels, "") for name in origin.rivals}
    others = [
        f"{name} has them too and takes {_way(one.spec)}" for name, one in ways.items() if not _alike(one, family)
    ]
    told += others[:2]
    return "; ".join([*told, "the graph normalises by itself"] if graph.is_normalising else told)


def _alike(one: RecognisedBackbone, other: RecognisedBackbone) -> bool:
    return _way(one.spec) == _way(other.spec)


def _way(spec: ImageSpec) -> str:
    return str(spec).partition(" ")[2]


def _wrapper(graph: Graph) -> str:
    """What stands before the names of all layers: some projects are told apart by it alone."""
    parts = [re.findall(r"[^.]*[.]", linear.name) for linear in graph.linears]
    alike = itertools.takewhile(lambda column: len(set(column)) == 1, zip(*parts, strict=False))
    return "".join(column[0] for column in alike) if len(parts) > 1 else ""


@cache
def _family(architecture: str, channels: int, wrapper: str) -> RecognisedBackbone:
    """The backbone of that name as its checkpoints are recognised."""
    with torch.device("meta"):
        net = plans()[architecture].net(_blank_spec(channels), ANY_SIZE)
    return recognise(shapes_of(net.state_dict()), wrapper, architecture)


@cache
def _known(channels: int) -> tuple[_Known, ...]:
    return tuple(_described(name, _blank_spec(channels)) for name in plans())


def _blank_spec(channels: int) -> ImageSpec:
    return ImageSpec(112, 112, "RGB" if channels == 3 else "GRAY")


def _described(name: str, spec: ImageSpec) -> _Known:
    with torch.device("meta"):
        layers = list(plans()[name].net(spec, ANY_SIZE).modules())
    convolutions = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
    return _Known(
        name,
        _counted(tuple(layer.weight.shape) for layer in convolutions),
        sum(isinstance(layer, _BatchNorm) for layer in layers),
        sum(layer.bias is not None for layer in convolutions),
    )


def _counted(kernels: Iterable[tuple[int, ...]]) -> Kernels:
    return tuple(sorted(Counter(kernels).items()))


def _sized(kernels: Kernels, embedding_size: int) -> Kernels:
    """The same kernels for another embedding size."""
    return _counted(
        tuple(embedding_size if n == ANY_SIZE else n for n in shape) for shape, count in kernels for _ in range(count)
    )
