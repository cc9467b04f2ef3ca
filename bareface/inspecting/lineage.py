"""How two checkpoints are related: does one come from the other, do they share a beginning, or nothing?

Weights are compared as directions. Two nets that were drawn apart have a cosine near zero in every layer (for n
weights its standard deviation is about 1 / √n); a net that was trained on for some epochs nearly keeps its direction;
nets of one random beginning lie in between. Measured, as medians over layers: 068 against scratch-001 of the CASIA
MobileFaceNets, which were drawn apart, 0.000 (the largest 0.08); small IR nets of one seed trained on differently
normalised input 0.36 to 0.76; within one run of 20 epochs 0.83 from the first epoch to the last, 0.93 from the fifth,
1.00 from the fifteenth.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from bareface.inspecting.facts import CheckpointFacts, weights_file
from bareface.inspecting.factsheet import labelled
from bareface.inspecting.provenance import ProvenanceFact
from bareface.targets.container import read_static
from bareface.targets.nets import choose, split_reference
from bareface.targets.running_statistics import misfit
from bareface.targets.storages import StaticTensor
from bareface.targets.unwrap import statistics

Relation = Literal["identical", "close", "related", "unrelated"]
Kinship = Literal[
    "same file",
    "same backbone",
    "same weights, other statistics",
    "same run continued",
    "fine-tuned",
    "common beginning",
    "unrelated",
    "other architecture",
]
CLOSE, RELATED = 0.9, 0.2
# Cosines of shorter vectors scatter too much to say anything.
_FEWEST_WEIGHTS = 64
# Weights that were stored in half precision, brain floats included, differ by less than this share.
_ROUNDING = 0.005

Tensors = Mapping[str, StaticTensor]


class LayerKinship(BaseModel):
    """One weight tensor on both sides.

    Attributes:
        name: of the tensor.
        relation: identical, close (cosine at least 0.9), related (at least 0.2) or unrelated.
        cosine: of the two as vectors; None where one is all zero.
        distance: of the two, as a share of the first one's norm; None likewise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    relation: Relation
    cosine: float | None
    distance: float | None


class LineageFact(BaseModel):
    """What two checkpoints have in common.

    Attributes:
        file, other: their names.
        kinship: the verdict.
        sentence: the verdict with the numbers behind it.
        layers: every matrix and convolution of at least 64 weights that both have in the same shape.
        cosine: median over these layers; None where none can be compared.
        statistics_misfit: mean squared Hellinger distance of the running statistics over channels and layers; 0 = the
            same, 1 = disjoint; None where there are none to compare.
        counters: batches that each saw in training; None where unknown.
        batches_between: the second counter less the first; None where one is unknown or not exact.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    file: str
    other: str
    kinship: Kinship
    sentence: str
    layers: tuple[LayerKinship, ...]
    cosine: float | None
    statistics_misfit: float | None
    counters: tuple[int | None, int | None]
    batches_between: int | None


def lineage(path: Path, facts: CheckpointFacts, other_path: Path, other_facts: CheckpointFacts) -> LineageFact:
    """How the checkpoint at `other_path` is related to the one at `path`; nothing in either is executed.

    Raises:
        CheckpointError: one of them cannot be read.
    """
    ours, theirs = _tensors(path), _tensors(other_path)
    layers, apart = _layers(ours, theirs), _statistics_misfit(ours, theirs)
    counters = facts.provenance.counter, other_facts.provenance.counter
    between = _between(facts.provenance, other_facts.provenance)
    cosine = _median([layer.cosine for layer in layers if layer.cosine is not None])
    steps = _steps(facts.provenance, other_facts.provenance, between)
    kinship: Kinship = "same file"
    if facts.sha256 != other_facts.sha256 or split_reference(path)[1] != split_reference(other_path)[1]:
        kinship = _kinship(_shapes(ours) == _shapes(theirs), layers, cosine, apart, between, steps)
    made = LineageFact(
        file=facts.file,
        other=other_facts.file,
        kinship=kinship,
        sentence="",
        layers=layers,
        cosine=cosine,
        statistics_misfit=apart,
        counters=counters,
        batches_between=between,
    )
    return made.model_copy(update={"sentence": _sentence(made, facts, other_facts, steps)})


def _between(ours: ProvenanceFact, theirs: ProvenanceFact) -> int | None:
    """The second counter less the first; None where one is unknown, or is not exact."""
    if ours.counter is None or theirs.counter is None or ours.within or theirs.within:
        return None
    return theirs.counter - ours.counter


def _steps(ours: ProvenanceFact, theirs: ProvenanceFact, between: int | None) -> int | None:
    """Batches in an epoch, if the two can be times of one run; None otherwise.

    Where both state their epoch, the counters have to grow by a whole number of batches for each epoch between them,
    and by as many as the counter and epoch of one of them tell, if they tell a number. Otherwise the two have to agree
    on a number, or one of them alone has one.
    """
    told = set(ours.steps_per_epoch), set(theirs.steps_per_epoch)
    if ours.epoch is None or theirs.epoch is None:
        both = told[0] & told[1] if all(told) else told[0] | told[1]
        return both.pop() if len(both) == 1 else None
    epochs = theirs.epoch - ours.epoch
    if not between or not epochs or between % epochs or between // epochs < 0:
        return None
    steps, known = between // epochs, told[0] | told[1]
    return steps if steps in known or not known else None


def _tensors(path: Path) -> Tensors:
    file, inside = split_reference(path)
    tree = read_static(weights_file(file)).tree
    return choose(tree, StaticTensor, inside, str(file)).of(tree, StaticTensor).tensors


def _shapes(tensors: Tensors) -> dict[str, tuple[int, ...]]:
    """Of what a backbone has whatever its age: counters came with torch 0.4.1."""
    return {key: tensor.shape for key, tensor in tensors.items() if tensor.shape != ()}


def _layers(ours: Tensors, theirs: Tensors) -> tuple[LayerKinship, ...]:
    return tuple(
        _layer(name, tensor, theirs[name])
        for name, tensor in ours.items()
        if len(tensor.shape) >= 2 and tensor.numel >= _FEWEST_WEIGHTS and _comparable(tensor, theirs.get(name))
    )


def _comparable(tensor: StaticTensor, other: StaticTensor | None) -> bool:
    return other is not None and tensor.shape == other.shape


def _layer(name: str, tensor: StaticTensor, other: StaticTensor) -> LayerKinship:
    a, b = tensor.numpy().ravel().astype(float), other.numpy().ravel().astype(float)
    norm, other_norm = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    known = 0 < norm < np.inf and 0 < other_norm < np.inf
    cosine = float(a @ b / (norm * other_norm)) if known else None
    distance = float(np.linalg.norm(a - b)) / norm if known else None
    relation: Relation = "identical" if np.array_equal(a, b) else _relation(cosine)
    return LayerKinship(name=name, relation=relation, cosine=cosine, distance=distance)


def _relation(cosine: float | None) -> Relation:
    if cosine is None or not cosine >= RELATED:
        return "unrelated"
    return "close" if cosine >= CLOSE else "related"


def _statistics_misfit(ours: Tensors, theirs: Tensors) -> float | None:
    """Mean over channels, then over the layers whose statistics both have."""
    pairs = [(key, key.removesuffix("mean") + "var") for key in statistics(ours)]
    apart = [
        float(misfit(*(side[key].numpy().astype(float) for side in (ours, theirs) for key in (mean, variance))).mean())
        for mean, variance in pairs
        if all(_comparable(ours[mean], side.get(key)) for side in (ours, theirs) for key in (mean, variance))
    ]
    return float(np.mean(apart)) if apart else None


def _median(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if values else None


def _kinship(
    same_shapes: bool,
    layers: Sequence[LayerKinship],
    cosine: float | None,
    apart: float | None,
    between: int | None,
    steps: int | None,
) -> Kinship:
    if not same_shapes or cosine is None:
        return "other architecture"
    if all(layer.distance is not None and layer.distance < _ROUNDING for layer in layers) and not between:
        return "same backbone" if not apart or apart < _ROUNDING**2 else "same weights, other statistics"
    if cosine >= CLOSE:
        return "same run continued" if between and steps and between % steps == 0 else "fine-tuned"
    return "common beginning" if cosine >= RELATED else "unrelated"


def _sentence(made: LineageFact, facts: CheckpointFacts, other: CheckpointFacts, steps: int | None) -> str:
    if made.kinship == "other architecture":
        shared = f"{len(made.layers)} layers of one name and shape" if made.layers else "no layer in common"
        return (
            f"{facts.architecture} and {other.architecture} are built differently ({shared}): nothing more can be said."
        )
    rounded = made.kinship == "same backbone" and any(layer.relation != "identical" for layer in made.layers)
    sentence = _KIN[made.kinship] + (" Up to rounding." if rounded else "")
    return f"{sentence}{_moved(made, facts, other, steps)} {_numbers(made)}"


_KIN: dict[Kinship, str] = {
    "same file": "The same bytes.",
    "same backbone": "The same backbone in another file.",
    "same weights, other statistics": "The same weights; the running statistics were estimated anew.",
    "same run continued": "One training run at two times",
    "fine-tuned": "One was trained on from the other",
    "common beginning": "They share a beginning (the same random weights, or a parent far back) and lie far apart now",
    "unrelated": "Trained apart from different beginnings, as far as their weights tell",
}


def _moved(made: LineageFact, facts: CheckpointFacts, other: CheckpointFacts, steps: int | None) -> str:
    """How many batches lie between the two, where the kinship is one of time."""
    if made.kinship not in ("same run continued", "fine-tuned", "common beginning", "unrelated"):
        return ""
    if made.batches_between is None:
        why = "a counter is missing" if None in made.counters else "a counter is not exact"
        return f"; how long is unknown, {why}." if made.kinship == "fine-tuned" else "."
    later, batches = (made.other if made.batches_between > 0 else made.file), abs(made.batches_between)
    if not batches:
        return "; both counters are the same."
    if made.kinship == "same run continued":
        assert steps
        epochs = batches // steps
        return f": {later} is {epochs:,} epoch{'s' if epochs > 1 else ''} of {steps:,} batches later."
    return f"; the counter of {later} is {batches:,} batches ahead{_no_epochs(made, facts, other, steps)}."


def _no_epochs(made: LineageFact, facts: CheckpointFacts, other: CheckpointFacts, steps: int | None) -> str:
    """Why the batches between the two are no epochs of one run, as far as the files state epochs."""
    first, second = facts.provenance.epoch, other.provenance.epoch
    if made.kinship == "fine-tuned" and first is not None and second is not None:
        return f", which does not go with the epochs that they state, {first:,} and {second:,}, in one run"
    batches = abs(made.batches_between or 0)
    return f", no whole number of epochs of {steps:,}" if steps and batches % steps else ""


def _numbers(made: LineageFact) -> str:
    counts = {kind: sum(layer.relation == kind for layer in made.layers) for kind in _ORDER}
    told = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    cosine = "unknown" if made.cosine is None else f"{round(made.cosine, 3) + 0.0:.3f}"
    apart = "unknown" if made.statistics_misfit is None else f"{made.statistics_misfit:.4f}"
    return (
        f"Of {len(made.layers)} layers {told}; median cosine {cosine}; running statistics {apart} apart "
        "(0 = the same, 1 = disjoint)."
    )


_ORDER: tuple[Relation, ...] = ("identical", "close", "related", "unrelated")


def lineage_text(made: LineageFact) -> str:
    """The lineage as lines of plain text."""
    first, second = ("unknown" if counter is None else f"{counter:,}" for counter in made.counters)
    lines = (
        ("compared with", made.other),
        ("kinship", f"{made.kinship}: {made.sentence}"),
        ("counters", f"{first} and {second} batches"),
    )
    return "\n".join(labelled(label, text) for label, text in lines)
