"""What a report says of a target, whatever kind it is."""

from torch import nn

from bareface.evidence import TargetCard
from bareface.probing.taps import batchnorm_layers
from bareface.targets.endpoint import Endpoint
from bareface.targets.kinds import Auditable
from bareface.targets.running_statistics import is_degenerate, shift
from bareface.targets.table import EmbeddingTable
from bareface.targets.target import Target


def target_card(target: Auditable) -> TargetCard:
    """What a report says of a target; None and `unknown` for whatever a black box hides."""
    if isinstance(target, Target):
        return _backbone(target)
    if isinstance(target, EmbeddingTable):
        return _black_box(target, "embeddings", "images that somebody else showed to the model")
    if isinstance(target, Endpoint):
        return _black_box(target, "endpoint", f"PNG, {target.spec.height} x {target.spec.width} pixels, over HTTP")
    return _graph(target)


def _backbone(target: Target) -> TargetCard:
    layers = batchnorm_layers(target.module)
    return TargetCard(
        name=target.name,
        source="factory" if ":" in target.source else "checkpoint",
        sha256=target.sha256,
        architecture=target.architecture,
        parameters=sum(parameter.numel() for parameter in target.module.parameters()),
        embedding_size=target.embedding_size,
        input=str(target.spec),
        batchnorm_layers=len(layers),
        degenerate_layers=tuple(name for name, layer in layers.items() if _degenerate(layer)),
        head_identities=None if target.centres is None else len(target.centres),
        file_sha256=target.file_sha256 or None,
        weights_sha256=target.weights_sha256,
        input_assumed=target.assumed,
    )


def _graph(target: Auditable) -> TargetCard:
    from bareface.targets.onnx.graph import weights_of
    from bareface.targets.onnx.target import OnnxTarget  # ONNX is an extra; whoever has such a target has it

    assert isinstance(target, OnnxTarget)
    graph = target.graph
    return TargetCard(
        name=target.name,
        source="onnx",
        sha256=target.sha256,
        architecture=target.architecture,
        parameters=graph.parameters,
        embedding_size=target.embedding_size,
        input=str(target.spec),
        batchnorm_layers=len(graph.norms),
        batchnorm_expected=target.origin.norms,
        degenerate_layers=tuple(n.name for n in graph.norms if is_degenerate(shift(n.mean, n.variance))),
        head_identities=None,
        file_sha256=graph.file_sha256,
        weights_sha256=weights_of(graph.model),
        input_assumed=graph.assumed,
    )


def _black_box(target: EmbeddingTable | Endpoint, source: str, shown: str) -> TargetCard:
    return TargetCard(
        name=target.name,
        source=source,
        sha256=target.sha256,
        architecture=target.architecture,
        parameters=None,
        embedding_size=target.embedding_size,
        input=shown,
        batchnorm_layers=None,
        degenerate_layers=(),
        head_identities=None,
    )


def _degenerate(layer: nn.Module) -> bool:
    mean, variance = (layer.get_buffer(f"running_{what}").cpu().numpy() for what in ("mean", "var"))
    return is_degenerate(shift(mean, variance))
