"""Targets on disk: a folder that holds the weights, a card that says how to feed them, and perhaps a head.

backbone.safetensors   weights and buffers
backbone.json          architecture, input spec, embedding size, notes
head.safetensors       class centres, only where the target has them; delete it and the head is gone
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from bareface.errors import CheckpointError, TargetError
from bareface.settings.spec import GIVEN, ImageSpec
from bareface.storage.files import atomic_path, sha256_of, write_text
from bareface.targets.card import BackboneCard, SpecCard, read_card
from bareface.targets.checkpoint import read_checkpoint
from bareface.targets.factory import PATTERN, make_target
from bareface.targets.heads import find_head
from bareface.targets.nets import split_reference
from bareface.targets.recognise import RecognisedBackbone, assemble, norms, recognise, shapes_of
from bareface.targets.target import Target
from bareface.untrusted.regular import is_folder, is_there

TRAINED_SO = "the training by bareface that made the weights fed it so"
TRAINING_NOTE = "data"  # the digest of the training images, which no other card has
WEIGHTS, CARD, HEAD = "backbone.safetensors", "backbone.json", "head.safetensors"


def save_target(target: Target, folder: Path, notes: dict[str, str | int | float] | None = None) -> None:
    """Write a target to `folder`; one without centres removes an older head from there.

    Raises:
        TargetError: the module is of no architecture that could be read back, or ends in a classification layer.
        RunError: the folder cannot be written.
    """
    state = target.module.state_dict()
    found = recognise(shapes_of(state), where=target.name)
    if found.head:
        got, expected = f"a classification layer inside the module ({found.head[0]})", "a backbone alone"
        raise TargetError(target.name, got=got, expected=expected, hint="a linear map called embedding, or none")
    eps, momentum = _norm_settings(target)
    card = BackboneCard(
        name=target.name,
        architecture=found.architecture,
        embedding_size=found.embedding_size,
        spec=SpecCard.of(target.spec),
        eps=eps,
        momentum=momentum,
        notes=notes or {},
    )
    _save_tensors(state, folder / WEIGHTS)
    if target.centres is None:
        (folder / HEAD).unlink(missing_ok=True)
    else:
        _save_tensors({"centres": target.centres}, folder / HEAD, private=True)  # templates of people
    write_text(folder / CARD, card.model_dump_json(indent=2) + "\n")


def load_target(path: Path | str, *, spec: ImageSpec | None = None, name: str | None = None) -> Target:
    """The target that lies at `path`, in evaluation mode, on the CPU.

    Args:
        path: a folder that `save_target` wrote (with its head, if it has one); the `.safetensors` file in it (the
            backbone alone, as it would be shipped); a checkpoint of another project (`file.pt#model_ema.module` for
            one net of several in it); or `package.module:factory`, which runs that code.
        spec: the input, where the card or the project's convention is wrong; needed for a factory.
        name: what reports shall call it.

    Raises:
        TargetError: the architecture is not known, or the factory cannot be called.
        CheckpointError: there is no file, or not the weights it should hold.
        UnsafeFileError: reading the file would execute what is inside it.
    """
    file = Path(path)
    if not is_there(file) and PATTERN.fullmatch(str(path)):
        return make_target(str(path), spec=spec, name=name)
    if is_folder(file):
        target = _load_own(file / WEIGHTS, file / CARD, spec, name)
        return _with_head(target, file / HEAD)
    if file.suffix.lower() == ".safetensors" and is_there(file.with_suffix(".json")):
        return _load_own(file, file.with_suffix(".json"), spec, name)
    return _load_foreign(file, spec, name)


def _load_own(file: Path, card_path: Path, spec: ImageSpec | None, name: str | None) -> Target:
    card = read_card(card_path)
    tensors = read_checkpoint(file).tensors
    found = recognise(shapes_of(tensors), where=str(file))
    promised, got = (card.architecture, card.embedding_size), (found.architecture, found.embedding_size)
    if promised != got:
        expected = f"{promised[0]} with {promised[1]} numbers, as {card_path.name} says"
        raise CheckpointError(str(file), got=f"{got[0]} with {got[1]} numbers", expected=expected)
    own = spec or card.spec.spec()
    module = assemble(found, tensors, str(file), own)
    for norm in norms(module).values():
        norm.eps, norm.momentum = card.eps or norm.eps, card.momentum
    saved = TRAINED_SO if TRAINING_NOTE in card.notes else f"{card_path.name} beside the weights says so"
    assumed = saved if spec is None else GIVEN
    return Target(
        name or card.name,
        card.architecture,
        module,
        own,
        str(file.parent),
        assumed=assumed,
        file_sha256=sha256_of(file),
    )


def _load_foreign(file: Path, spec: ImageSpec | None, name: str | None) -> Target:
    checkpoint = read_checkpoint(file)
    found = recognise(shapes_of(checkpoint.tensors), checkpoint.wrapper, str(file))
    module = assemble(found, checkpoint.tensors, str(file), spec)
    beside = {key: value for key, value in checkpoint.leftovers.items() if key not in checkpoint.of_others}
    centres = _centres(beside | found.part(checkpoint.tensors)[1], found)
    path, inside = split_reference(file)
    called = name or (f"{path.stem}#{inside}" if inside else file.stem)
    return Target(
        called, found.architecture, module, spec or found.spec, str(file), centres,
        assumed=found.assumed if spec is None else GIVEN, file_sha256=sha256_of(path),
    )  # fmt: skip


def _centres(leftovers: Mapping[str, object], found: RecognisedBackbone) -> Tensor | None:
    head = find_head(leftovers, found.embedding_size)
    matrix = leftovers[head.key] if head else None
    if head is None or not isinstance(matrix, Tensor):
        return None
    return (matrix.T if head.transposed else matrix).detach().float().contiguous()


def _with_head(target: Target, path: Path) -> Target:
    if not path.exists():
        return target
    centres = read_checkpoint(path).tensors.get("centres")
    if centres is None or centres.ndim != 2 or centres.shape[1] != target.embedding_size:
        got = "no centres" if centres is None else f"centres of shape {tuple(centres.shape)}"
        raise CheckpointError(str(path), got=got, expected=f"(identities, {target.embedding_size})")
    return replace(target, centres=centres)


def _norm_settings(target: Target) -> tuple[float | None, float | None]:
    """Epsilon and momentum that all BatchNorm layers share."""
    settings = {(norm.eps, norm.momentum) for norm in norms(target.module).values()}
    if len(settings) > 1:
        got = f"BatchNorm layers of {len(settings)} kinds of eps and momentum"
        raise TargetError(target.name, got=got, expected="one kind, which a card can hold")
    return next(iter(settings), (None, None))


def _save_tensors(tensors: Mapping[str, Tensor], path: Path, *, private: bool = False) -> None:
    whole = {key: value.detach().cpu().clone(memory_format=torch.contiguous_format) for key, value in tensors.items()}
    with atomic_path(path, private=private) as temporary:
        save_file(whole, temporary)
