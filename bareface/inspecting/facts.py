"""What a checkpoint says about itself before anything is loaded: the facts behind `bareface inspect`.

Everything is read statically, from key names, shapes, buffers and counters, so whole pickled modules can be
described too, although they are never loaded.
"""

from collections.abc import Mapping
from pathlib import Path

from torch import nn

from bareface.errors import TargetError
from bareface.inspecting.factsheet import CheckpointFacts, HeadFact, InputFact, NormFact, facts_text
from bareface.inspecting.leftovers import epoch_of, leftover_facts
from bareface.inspecting.provenance import provenance
from bareface.inspecting.window import window
from bareface.storage.files import sha256_of
from bareface.targets.backbones.plan import Shapes
from bareface.targets.card import BackboneCard, read_card
from bareface.targets.container import read_static
from bareface.targets.counters import Count, count_of
from bareface.targets.heads import find_head
from bareface.targets.nets import Choice, choose, several, split_reference
from bareface.targets.recognise import RecognisedBackbone, differences, norms, recognise, shapes_of, stranger
from bareface.targets.running_statistics import shift
from bareface.targets.storages import StaticTensor
from bareface.targets.store import CARD, HEAD, WEIGHTS
from bareface.targets.unsafe import EXPORT, offenders
from bareface.targets.unsupported_architectures import FACTORY, Unsupported
from bareface.targets.unwrap import statistics
from bareface.targets.weights import COUNTER, weights_sha256
from bareface.untrusted.regular import is_folder

__all__ = ["CheckpointFacts", "HeadFact", "InputFact", "NormFact", "facts_of", "facts_text", "weights_file"]

BUFFERS = ("running_mean", "running_var", COUNTER)


def facts_of(path: Path | str) -> CheckpointFacts:
    """The facts about a checkpoint file, or about a folder that `save_target` wrote; nothing is executed.

    Args:
        path: of it; `file.pt#model_ema.module` means the net of that name in a file with several.

    Raises:
        CheckpointError: it is no checkpoint, is cut off, or claims more than its bytes can mean.
        UnsafeFileError: it is a program rather than a checkpoint.
    """
    path, inside = split_reference(Path(path))
    file = weights_file(path)
    static = read_static(file)
    choice = choose(static.tree, StaticTensor, inside, str(file))
    found = choice.of(static.tree, StaticTensor)
    shapes = {key: tensor.shape for key, tensor in found.tensors.items()}
    known, blank = _recognised(shapes, found.wrapper)
    own, head = known.part(found.tensors) if known else (found.tensors, {})
    layers = norms(blank) if blank else {}
    leftovers = found.leftovers | head | _head_beside(path)
    counts = _counts(own)
    statistics_found = _norms(own, layers, counts)
    counters = [norm.batches for norm in statistics_found if norm.batches is not None]
    head_found = _head({key: value for key, value in leftovers.items() if not choice.is_of_another(key)}, known)
    identities = head_found.identities if head_found else None
    counters_found = [counts[norm.name] for norm in statistics_found]
    is_recogniser = known is not None and known.convention.trains_faces
    trained = provenance(counters_found, epoch_of(leftovers), identities, recogniser=is_recogniser)
    fed = _input(known, _card(path)) if known else None
    facts = CheckpointFacts(
        file=path.name,
        kind=static.kind,
        sha256=sha256_of(file),
        weights_sha256=weights_sha256({key: tensor.numpy for key, tensor in own.items()}),
        wrapper=found.wrapper,
        whole_module=static.whole_module,
        refused=tuple(offenders(static.names)),
        architecture=known.architecture if known else _name(stranger(shapes)),
        known=known is not None,
        parameters=sum(t.numel for key, t in own.items() if not key.endswith(BUFFERS)),
        embedding_size=known.embedding_size if known else None,
        input=fed,
        norms=statistics_found,
        norms_expected=len(layers) if known else None,
        batches=(min(counters), max(counters)) if counters else None,
        window=window(fed.momentum, fed.convention, trained.counter) if fed and statistics_found else None,
        provenance=trained,
        head=head_found,
        leftovers=leftover_facts(leftovers),
        nets=choice.nets if len(choice.nets) > 1 else (),
        auditable="",
    )
    told = _several(choice, path) or _obstacle(shapes, known, blank)
    alike = f" {_alike(choice)}" if facts.nets and not (told or inside) else ""
    return facts.model_copy(update={"auditable": _auditable(facts, told) + alike})


def _recognised(shapes: Shapes, wrapper: str) -> tuple[RecognisedBackbone | None, nn.Module | None]:
    """The backbone, and what it looks like without numbers, if it is one that could be built."""
    try:
        known = recognise(shapes, wrapper)
        return known, known.blank()
    except TargetError:
        return None, None


def _obstacle(shapes: Shapes, known: RecognisedBackbone | None, blank: nn.Module | None) -> str:
    """Why the file cannot be loaded, and what to try; empty where it can."""
    if known is None or blank is None:
        found = stranger(shapes)
        return f"These facts only. Try {found.advice if found else FACTORY}."
    misfit = differences(shapes_of(blank.state_dict()), known.part(shapes)[0])
    return f"These facts only: of its tensors, {misfit}. Try {FACTORY}." if misfit else ""


def _several(choice: Choice, path: Path) -> str:
    """Why a file with several nets is not loaded as it is, and what to ask for."""
    if not choice.is_open:
        return ""
    named = " or ".join(f"{path.name}#{name}" for name in choice.nets)
    return f"One of {several(choice)}, once it is named: {named}."


def _alike(choice: Choice) -> str:
    return f"It does not matter which of {several(choice)} is taken: they have the same weights."


def weights_file(path: Path) -> Path:
    """The file with the weights: the path itself, or the one in a folder that `save_target` wrote."""
    return path / WEIGHTS if is_folder(path) else path


def _name(found: Unsupported | None) -> str:
    return found.name if found else "unknown"


def _card(path: Path) -> BackboneCard | None:
    beside = path / CARD if is_folder(path) else path.with_suffix(".json")
    is_ours = is_folder(path) or (path.suffix.lower() == ".safetensors" and beside.exists())
    return read_card(beside) if is_ours else None


def _input(known: RecognisedBackbone, card: BackboneCard | None) -> InputFact:
    convention = known.convention
    if card is None:
        project, spec = convention.project, known.spec
        return InputFact(spec=str(spec), convention=project, caveat=known.caveat, momentum=convention.momentum)
    return InputFact(spec=str(card.spec.spec()), convention=f"{CARD} beside it", caveat="", momentum=card.momentum)


def _counts(tensors: Mapping[str, StaticTensor]) -> dict[str, Count]:
    """Layer with running statistics -> its counter."""
    prefixes = [key.removesuffix("running_mean") for key in statistics(tensors)]
    return {prefix.rstrip("."): count_of(tensors.get(f"{prefix}{COUNTER}")) for prefix in prefixes}


def _norms(
    tensors: Mapping[str, StaticTensor], layers: Mapping[str, nn.Module], counts: Mapping[str, Count]
) -> tuple[NormFact, ...]:
    prefixes = [key.removesuffix("running_mean") for key in statistics(tensors)]
    whole = {prefix.rstrip("."): prefix for prefix in prefixes if _is_whole(tensors, prefix)}
    return tuple(_norm(tensors, prefix, layers.get(name), counts[name]) for name, prefix in whole.items())


def _is_whole(tensors: Mapping[str, StaticTensor], prefix: str) -> bool:
    mean, variance = tensors[f"{prefix}running_mean"], tensors.get(f"{prefix}running_var")
    return variance is not None and mean.shape == variance.shape and mean.numel > 0


def _norm(tensors: Mapping[str, StaticTensor], prefix: str, layer: nn.Module | None, count: Count) -> NormFact:
    mean, variance = tensors[f"{prefix}running_mean"].numpy(), tensors[f"{prefix}running_var"].numpy()
    return NormFact(
        name=prefix.rstrip("."),
        channels=mean.size,
        dimensions=None if layer is None else 1 if isinstance(layer, nn.BatchNorm1d) else 2,
        shift=shift(mean.astype(float), variance.astype(float)),
        batches=count.batches,
        counter=count.state,
        within=count.within,
    )


def _head(leftovers: Mapping[str, object], known: RecognisedBackbone | None) -> HeadFact | None:
    head = find_head(leftovers, known.embedding_size) if known else None
    return HeadFact(key=head.key, shape=head.shape, identities=head.identities) if head else None


def _head_beside(path: Path) -> dict[str, object]:
    """The head that a folder of ours keeps in a file of its own."""
    file = path / HEAD
    tree = read_static(file).tree if is_folder(path) and file.exists() else {}
    return {f"{HEAD}/{key}": value for key, value in tree.items()} if isinstance(tree, dict) else {}


def _auditable(facts: CheckpointFacts, obstacle: str) -> str:
    """What bareface can do with the file."""
    if facts.whole_module:
        return f"These facts only: a whole pickled module is never loaded. Try {EXPORT}."
    if facts.refused:
        return f"Nothing: reading the file would run what it imports. Try {EXPORT}."
    if obstacle:
        return obstacle
    attacks = _attacks(facts)
    return f"{attacks} The head is still in the file: take it out before it is shipped." if facts.head else attacks


def _attacks(facts: CheckpointFacts) -> str:
    if not facts.norms:
        return "Distances to statistics estimated on public faces and black-box attacks: there is no BatchNorm layer."
    degenerate = sum(norm.degenerate for norm in facts.norms)
    telling = f", {degenerate} of them degenerate" if degenerate else ""
    return f"All attacks, BatchNorm distances on {len(facts.norms)} layers{telling}."
