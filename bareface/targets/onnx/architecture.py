"""Which backbone an ONNX graph was exported from, by the kernels of its convolutions, and how many BatchNorm it had."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from bareface.targets.build import PLANS
from bareface.targets.onnx.graph import Graph
from bareface.targets.spec import ImageSpec

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
    """

    architecture: str
    norms: int | None


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
    return Origin(best.architecture, best.norms) if best and convolutions else Origin(UNKNOWN, None)


@cache
def _known(channels: int) -> tuple[_Known, ...]:
    spec = ImageSpec(112, 112, "RGB" if channels == 3 else "GRAY")
    return tuple(_described(name, spec) for name in PLANS)


def _described(name: str, spec: ImageSpec) -> _Known:
    with torch.device("meta"):
        layers = list(PLANS[name].net(spec, ANY_SIZE).modules())
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
