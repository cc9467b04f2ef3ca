"""The facts about a checkpoint, as a record and as text."""

import textwrap
from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict

from bareface.inspecting.leftovers import LeftoverFact
from bareface.inspecting.provenance import Combination, ProvenanceFact
from bareface.inspecting.window import WindowFact, window_text
from bareface.targets.counters import State
from bareface.targets.printable import printable
from bareface.targets.running_statistics import is_degenerate

_SHOWN = 6
_WIDTH, _LABEL = 120, 16
# Batch sizes at which an epoch of so many batches is turned into images.
_USUAL_BATCHES = (128, 256, 512, 1024)


class NormFact(BaseModel):
    """One BatchNorm layer that carries running statistics.

    Attributes:
        name: as the backbone calls it.
        channels: how many it normalises.
        dimensions: 2 for feature maps, 1 for vectors; None where the architecture is not known.
        shift: root mean square over channels of running mean / running standard deviation.
        batches: `num_batches_tracked`, how many batches it saw in training; None where no number can be read.
        counter: whether that number is exact, approximate (a cast left gaps in its type), overflowed, no number at all,
            or absent.
        within: the true number lies so close to an approximate one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    channels: int
    dimensions: Literal[1, 2] | None
    shift: float
    batches: int | None
    counter: State
    within: int = 0

    @property
    def degenerate(self) -> bool:
        """Whether its running mean is zero by construction, so that a distance to it is a norm and nothing else."""
        return is_degenerate(self.shift)


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
        sha256: of its bytes, as `sha256sum` prints it.
        weights_sha256: of the backbone's tensors, the same in every file that holds them; an audit's page shows both.
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
        window: how far back the running statistics remember; None without them, or where the momentum is unknown.
        provenance: what the counters are consistent with.
        head: the classification layer, if one was left in the file.
        leftovers: what else lies in the file.
        nets: names of the whole nets in the file, where there are several; the facts are about the first that is
            usual, or about the one that was asked for.
        auditable: what bareface can do with this file, in a sentence or two.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    file: str
    kind: str
    sha256: str
    weights_sha256: str
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
    window: WindowFact | None
    provenance: ProvenanceFact
    head: HeadFact | None
    leftovers: tuple[LeftoverFact, ...]
    nets: tuple[str, ...]
    auditable: str


def facts_text(facts: CheckpointFacts) -> str:
    """The facts as lines of plain text, most telling first."""
    return "\n".join(labelled(label, value) for label, value in _lines(facts) if value)


def labelled(label: str, value: str) -> str:
    """A value beside its label, wrapped below itself."""
    lines = textwrap.wrap(printable(value, 1000), _WIDTH - _LABEL, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"{'' if number else label:<{_LABEL}}{line}".rstrip() for number, line in enumerate(lines))


def _lines(facts: CheckpointFacts) -> Iterator[tuple[str, str]]:
    size = f", embedding of {facts.embedding_size}" if facts.embedding_size else ""
    yield "file", f"{facts.file} ({facts.kind}{', inside ' + facts.wrapper if facts.wrapper else ''})"
    yield "file sha256", facts.sha256
    yield "weights sha256", facts.weights_sha256
    if len(facts.nets) > 1:
        choices = ", ".join(f"{facts.file}#{name}" for name in facts.nets)
        yield "nets", f"{len(facts.nets)} of them are whole: {choices}"
    yield "whole module", facts.whole_module or ""
    yield "refused for", ", ".join(facts.refused)
    yield "architecture", f"{facts.architecture}, {facts.parameters:,} weights{size}"
    if facts.input:
        yield "input", f"{facts.input.spec} ({facts.input.convention})"
        yield "", facts.input.caveat
    yield "BatchNorm", _norms_text(facts)
    yield "statistics of", window_text(facts.window) if facts.window else ""
    yield from _provenance_lines(facts.provenance)
    if facts.head:
        yield "head", f"{facts.head.key} {facts.head.shape}: the centres of {facts.head.identities:,} identities"
    for number, left in enumerate(facts.leftovers):
        meaning = f" ({left.meaning})" if left.meaning else ""
        yield "" if number else "also inside", f"{left.name}: {left.holds}{meaning}"
    yield "can be audited", facts.auditable


def _norms_text(facts: CheckpointFacts) -> str:
    expected = f" of {facts.norms_expected}" if facts.norms_expected is not None else ""
    degenerate = [norm.name for norm in facts.norms if norm.degenerate]
    listed = ", ".join(degenerate[-3:])
    zero = f"; the running means of {len(degenerate)} are zero by construction ({listed})" if degenerate else ""
    return f"{len(facts.norms)}{expected} layers with statistics{zero}"


def _provenance_lines(trained: ProvenanceFact) -> Iterator[tuple[str, str]]:
    yield "trained for", trained.reading
    for steps in trained.steps_per_epoch:
        sizes = ", ".join(f"{steps * size:,} if batches are of {size:,}" for size in _USUAL_BATCHES)
        yield "", f"an epoch of {steps:,} batches has up to so many images: {sizes}"
    if trained.by_chance is not None:
        none = "nothing in the catalogue; another data set, another batch size, or part of a longer history"
        told = [_combination(one) for one in trained.consistent[:_SHOWN]] or [none]
        for number, line in enumerate(told):
            yield "" if number else "consistent with", line
        yield "", _chance(trained)
    elif trained.counter is not None and not trained.within:
        yield "", "not held against the catalogue of face data sets: this net is not known to recognise faces"
    if trained.same_identities:
        yield "as many classes", ", ".join(trained.same_identities)


def _combination(one: Combination) -> str:
    last = {"kept": ", the last batch kept", "dropped": ", the last batch dropped"}.get(one.last_batch, "")
    agrees = "; the head has as many classes" if one.identities_agree else ""
    return (
        f"{one.dataset}, {one.images:,} images of {one.identities:,} people: "
        f"{one.epochs} x {one.steps_per_epoch:,} batches of {one.batch_size:,}{last}{agrees}"
    )


def _chance(trained: ProvenanceFact) -> str:
    more = len(trained.consistent) - _SHOWN
    rest = f"and {more} more (--json has all); " if more > 0 else ""
    agree = [one.identities_agree for one in trained.consistent]
    denied = " (none with as many people as the head has classes)" if False in agree and True not in agree else ""
    return (
        f"{rest}{len(trained.consistent)} found among {trained.tried} pairs of data set and batch size{denied}; "
        f"another number of this size would find {trained.by_chance:.2f}"
    )
