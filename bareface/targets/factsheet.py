"""The facts about a checkpoint, as a record and as text."""

from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict

from bareface.targets.printable import printable

# In trained nets, running means are either below 0.1 running standard deviations (root mean square over channels)
# or above 0.3, with nothing in between: measured on MobileFaceNets after 1, 68 and 70 epochs on CASIA-WebFace.
DEGENERATE = 0.1


class NormFact(BaseModel):
    """One BatchNorm layer that carries running statistics.

    Attributes:
        name: as the backbone calls it.
        channels: how many it normalises.
        dimensions: 2 for feature maps, 1 for vectors; None where the architecture is not known.
        shift: root mean square over channels of running mean / running standard deviation.
        batches: `num_batches_tracked`, how many batches it saw in training; None in files without counters.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    channels: int
    dimensions: Literal[1, 2] | None
    shift: float
    batches: int | None

    @property
    def degenerate(self) -> bool:
        """Whether its running mean is zero by construction, so that a distance to it is a norm and nothing else.

        So it comes out where one BatchNorm feeds another through a linear map alone: the bias of the first cannot
        reach the output in training, gets no gradient, and decays.
        """
        return self.shift < DEGENERATE and self.batches != 0


class InputFact(BaseModel):
    """The input that the backbone expects, by convention.

    Attributes:
        spec: size, channels and normalisation, in words.
        convention: whose loader feeds such nets like this.
        caveat: what the keys leave open; empty where they tell everything.
        momentum: of the BatchNorm layers there; the statistics average about (2 - momentum) / momentum batches.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    spec: str
    convention: str
    caveat: str
    momentum: float | None


class HeadFact(BaseModel):
    """A classification layer that was left beside the backbone."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    key: str
    shape: tuple[int, ...]
    identities: int


class CheckpointFacts(BaseModel):
    """What a checkpoint says about itself.

    Attributes:
        file: its name, without folders.
        kind: `safetensors`, `torch zip` or `torch legacy`.
        sha256: of its bytes.
        wrapper: dicts and prefixes around the weights; empty for a bare state_dict.
        whole_module: the class of the pickled module, where the file holds one.
        refused: the imports for which loading is refused; empty where the file is plain data.
        architecture: as `build` knows it, or what bareface takes it for, or `unknown`.
        known: whether bareface can build that architecture.
        parameters: number of weights of the backbone; buffers are not counted.
        embedding_size: d; None for architectures that are not known.
        input: what the backbone expects; None likewise.
        norms: the BatchNorm layers with running statistics, in the order of the file.
        norms_expected: how many the architecture has; None where it is not known.
        batches: smallest and largest counter of training batches; None in files without counters.
        head: the classification layer, if one was left in the file.
        leftovers: what else lies in the file: name -> value, or how many tensors.
        auditable: what bareface can do with this file, in a sentence or two.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    file: str
    kind: str
    sha256: str
    wrapper: str
    whole_module: str | None
    refused: tuple[str, ...]
    architecture: str
    known: bool
    parameters: int
    embedding_size: int | None
    input: InputFact | None
    norms: tuple[NormFact, ...]
    norms_expected: int | None
    batches: tuple[int, int] | None
    head: HeadFact | None
    leftovers: dict[str, str]
    auditable: str


def facts_text(facts: CheckpointFacts) -> str:
    """The facts as lines of plain text, most telling first."""
    return "\n".join(f"{label:<16}{printable(value, 1000)}" for label, value in _lines(facts) if value)


def _lines(facts: CheckpointFacts) -> Iterator[tuple[str, str]]:
    size = f", embedding of {facts.embedding_size}" if facts.embedding_size else ""
    yield "file", f"{facts.file} ({facts.kind}{', inside ' + facts.wrapper if facts.wrapper else ''})"
    yield "sha256", facts.sha256
    yield "whole module", facts.whole_module or ""
    yield "refused for", ", ".join(facts.refused)
    yield "architecture", f"{facts.architecture}, {facts.parameters:,} weights{size}"
    if facts.input:
        yield "input", f"{facts.input.spec} ({facts.input.convention})"
        yield "", facts.input.caveat
    yield "BatchNorm", _norms_text(facts)
    yield "trained for", _batches_text(facts)
    if facts.head:
        yield "head", f"{facts.head.key} {facts.head.shape}: the centres of {facts.head.identities:,} identities"
    yield "also inside", ", ".join(f"{name}: {value}" for name, value in facts.leftovers.items())
    yield "can be audited", facts.auditable


def _norms_text(facts: CheckpointFacts) -> str:
    expected = f" of {facts.norms_expected}" if facts.norms_expected is not None else ""
    degenerate = [norm.name for norm in facts.norms if norm.degenerate]
    listed = ", ".join(degenerate[-3:])
    zero = f"; the running means of {len(degenerate)} are zero by construction ({listed})" if degenerate else ""
    return f"{len(facts.norms)}{expected} layers with statistics{zero}"


def _batches_text(facts: CheckpointFacts) -> str:
    if facts.batches is None:
        return ""
    low, high = facts.batches
    return f"{low:,} batches" if low == high else f"{low:,} to {high:,} batches, by layer"
