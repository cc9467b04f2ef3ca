"""A prober for a target of any kind."""

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from torch import nn

from bareface.faces.source import Images
from bareface.probing.backbone import BackboneProber
from bareface.probing.estimated import Estimate, estimate
from bareface.probing.negative_classes import PublicDirections, negative_classes
from bareface.probing.prober import Prober
from bareface.probing.recorded import TableProber
from bareface.probing.remote import EndpointProber
from bareface.probing.taps import batchnorm_layers
from bareface.targets.dlib_network import DlibNetwork
from bareface.targets.endpoint import Endpoint
from bareface.targets.kinds import Auditable
from bareface.targets.table import EmbeddingTable
from bareface.targets.target import Target
from bareface.trace import Channel

if TYPE_CHECKING:
    from bareface.probing.graph import GraphProber

BLACK_BOXES = (EmbeddingTable, Endpoint, DlibNetwork)
_WITHOUT_STATISTICS = (nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)


def prober_of(
    target: Auditable,
    images: Sequence[str],
    digests: Sequence[str],
    channels: Collection[Channel] = (),
    compared_with: Estimate | None = None,
    others: PublicDirections | None = None,
) -> Prober:
    """Who answers for a target about these images.

    Args:
        target: of any kind.
        images: (n,) names in the roster, by which a table may know them.
        digests: (n,) SHA-256 of the files.
        channels: what will be read; some are answered only if they are among these, and if the target can.
        compared_with: statistics for `estimated_distance`; a black box has no use for them.
        others: the other classes for `margin_gradient`; only a backbone in torch has a use for them.

    Raises:
        TargetError: a table lacks some of the images.
    """
    if isinstance(target, EmbeddingTable):
        return TableProber(target, target.rows_of(images, digests))
    if isinstance(target, Endpoint | DlibNetwork):
        return EndpointProber(target, frozenset(channels))
    return _inside(target, channels, compared_with, others)


def estimate_of(
    target: Auditable,
    images: Images,
    *,
    batch_size: int | None = None,
    report: Callable[[int, int], None] | None = None,
) -> Estimate | None:
    """Statistics of a target's features over public images; None for a black box, or where no layer can be measured.

    Raises:
        UsageError: there are fewer than two images.
    """
    if isinstance(target, BLACK_BOXES):
        return None
    return estimate(_inside(target).watched(), images, batch_size=batch_size, report=report)


def strangers_of(target: Auditable, images: Images) -> PublicDirections | None:
    """Where public faces lie for a target; None where nothing can be differentiated by its weights."""
    return negative_classes(target, images) if isinstance(target, Target) else None


def lacks_running_statistics(target: Auditable) -> bool:
    """Whether one can look inside and finds normalisation that left no running statistics.

    So it is with ONNX graphs that lost some in export, networks without BatchNorm, and those that have other
    normalisation beside it (transformers with a BatchNorm at the end).
    """
    if isinstance(target, BLACK_BOXES):
        return False
    if isinstance(target, Target):
        others = any(isinstance(layer, _WITHOUT_STATISTICS) for layer in target.module.modules())
        return others or not batchnorm_layers(target.module)
    norms, expected = _graph(target)
    return expected is None or norms < expected


def _graph(target: Auditable) -> tuple[int, int | None]:
    """How many BatchNorm layers survived export, of how many."""
    from bareface.targets.onnx.target import OnnxTarget

    assert isinstance(target, OnnxTarget)
    return len(target.graph.norms), target.origin.norms


def _inside(
    target: Auditable,
    channels: Collection[Channel] = (),
    compared_with: Estimate | None = None,
    others: PublicDirections | None = None,
) -> "BackboneProber | GraphProber":
    if isinstance(target, Target):
        return BackboneProber(target, compared_with, frozenset(channels), others)
    from bareface.probing.graph import GraphProber  # ONNX is an extra; whoever has such a target has it
    from bareface.targets.onnx.target import OnnxTarget

    assert isinstance(target, OnnxTarget)
    return GraphProber(target, compared_with, frozenset(channels))
