"""What an ONNX file says about itself, as a record and as text; nothing in it is executed."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from bareface.targets.onnx.architecture import origin_of, read_as_fed
from bareface.targets.onnx.graph import Graph, weights_of
from bareface.targets.printable import printable
from bareface.targets.running_statistics import is_degenerate, shift


class OnnxNorm(BaseModel):
    """A BatchNorm layer that survived export.

    Attributes:
        name: the module that it was, as far as the exporter tells.
        channels: how many it normalises.
        shift: root mean square over channels of running mean / running standard deviation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    channels: int
    shift: float

    @property
    def degenerate(self) -> bool:
        """Whether its running mean is zero by construction, so that a distance to it is a norm and nothing else."""
        return is_degenerate(self.shift)


class OnnxFacts(BaseModel):
    """What an ONNX file says about itself.

    Attributes:
        file: its name, without folders.
        sha256: of the bytes of the file, as `sha256sum` prints it; data beside it are not in it.
        weights_sha256: of the weights, wherever they lie.
        producer: the exporter, as it calls itself.
        opset: version of the standard operators.
        architecture: what its convolutions are those of, or `unknown`.
        parameters: number of weights.
        input: what it takes; size, channels, and a normalisation by convention.
        assumed: whose convention, and why.
        size_is_open: whether height and width are not in the file.
        embedding_size: d.
        norms: the BatchNorm layers that survived export, with their statistics.
        norms_expected: how many the architecture has; None where it is unknown.
        measured: convolutions and linear maps that can be compared with statistics estimated on public faces.
        auditable: what bareface can do with this file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    file: str
    kind: str = "ONNX"
    sha256: str
    weights_sha256: str
    producer: str
    opset: int
    architecture: str
    parameters: int
    input: str
    assumed: str
    size_is_open: bool
    embedding_size: int
    norms: tuple[OnnxNorm, ...]
    norms_expected: int | None
    measured: int
    auditable: str


def onnx_facts(path: Path) -> OnnxFacts:
    """The facts about an ONNX file.

    Raises:
        CheckpointError, UnsafeFileError, TargetError: as `read_graph`.
    """
    graph = read_as_fed(path)
    origin = origin_of(graph)
    measured = sum(linear.by_image for linear in graph.linears)
    return OnnxFacts(
        file=path.name,
        sha256=graph.file_sha256,
        weights_sha256=weights_of(graph.model),
        producer=printable(f"{graph.model.producer_name} {graph.model.producer_version}".strip(), 80),
        opset=max(one.version for one in graph.model.opset_import if one.domain in ("", "ai.onnx")),
        architecture=origin.architecture,
        parameters=graph.parameters,
        input=str(graph.spec),
        assumed=graph.assumed,
        size_is_open=graph.size_is_open,
        embedding_size=graph.embedding_size,
        norms=tuple(OnnxNorm(name=n.name, channels=len(n.mean), shift=shift(n.mean, n.variance)) for n in graph.norms),
        norms_expected=origin.norms,
        measured=measured,
        auditable=_auditable(graph, measured),
    )


def onnx_facts_text(facts: OnnxFacts) -> str:
    """The facts as lines of plain text, most telling first."""
    return "\n".join(f"{label:<16}{printable(value, 1000)}" for label, value in _lines(facts) if value)


def _lines(facts: OnnxFacts) -> Iterator[tuple[str, str]]:
    yield "file", f"{facts.file} (ONNX, opset {facts.opset}{', by ' + facts.producer if facts.producer else ''})"
    yield "file sha256", facts.sha256
    yield "weights sha256", facts.weights_sha256
    yield "architecture", f"{facts.architecture}, {facts.parameters:,} weights, embedding of {facts.embedding_size}"
    yield "input", f"{facts.input} ({facts.assumed})"
    yield "", "height and width are open in the file; give them where they are others" if facts.size_is_open else ""
    yield "BatchNorm", _norms_text(facts)
    yield "can be audited", facts.auditable


def _norms_text(facts: OnnxFacts) -> str:
    expected = f" of {facts.norms_expected}" if facts.norms_expected is not None else ""
    gone = facts.norms_expected is None or len(facts.norms) < facts.norms_expected
    folded = "; the others were folded into convolutions and are gone" if gone else ""
    zero = [norm.name for norm in facts.norms if norm.degenerate]
    degenerate = f"; the running means of {len(zero)} are zero by construction ({', '.join(zero[-3:])})" if zero else ""
    if not facts.norms and facts.norms_expected is None:
        return "none with statistics; if there were any, they were folded into convolutions and are gone"
    return f"{len(facts.norms)}{expected} layers with statistics survived export{folded}{degenerate}"


def _auditable(graph: Graph, measured: int) -> str:
    running = f"distances to running statistics at {len(graph.norms)} layers, " if graph.norms else ""
    estimated = f"distances to statistics estimated on public faces at {measured} layers, " if measured else ""
    return (
        f"Scoring: {running}{estimated}and everything that needs embeddings alone. Not inversion: there are no "
        "gradients; for that bring the checkpoint that it was exported from."
    )
