"""Targets of any kind: what an audit may ask of all of them, and loading one by what it is called."""

from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from bareface.extras import extra
from bareface.records.evidence import TargetCard
from bareface.settings.rate_limit import RateLimit
from bareface.settings.spec import ImageSpec
from bareface.targets.device import CPU
from bareface.targets.dlib_network import is_dlib, load_dlib
from bareface.targets.endpoint import endpoint, is_address
from bareface.targets.nets import split_reference
from bareface.targets.store import load_target
from bareface.targets.table import is_table, read_table
from bareface.targets.target import Target


class Auditable(Protocol):
    """A target of any kind: a torch backbone, an ONNX graph, a table of embeddings, an endpoint, dlib's."""

    @property
    def name(self) -> str:
        """What reports call it."""

    @property
    def architecture(self) -> str:
        """The layout of its network, as far as it is known."""

    @property
    def spec(self) -> ImageSpec:
        """The size of the images that it is shown."""

    @property
    def source(self) -> str:
        """Where it came from, shown only to the owner."""

    @property
    def centres(self) -> Tensor | None:
        """(identities, d) class centres, if a classification head came with it."""

    @property
    def sha256(self) -> str:
        """Fingerprint of everything that its answers depend on, as far as that can be seen."""

    @property
    def embedding_size(self) -> int:
        """d."""

    def without_head(self) -> "Auditable":
        """The same target without class centres."""

    def card(self) -> TargetCard:
        """What a report says of it; None and `unknown` for whatever it hides."""


def device_under(target: Auditable) -> torch.device:
    """Where a target of any kind computes, as far as torch has to do with it."""
    return target.device if isinstance(target, Target) else CPU


Kind = TypeVar("Kind", bound=Auditable)


def called_by_content(found: Kind, reference: Path | str) -> Kind:
    """The target, called by its architecture where its name was only that of its file: records show no file names."""
    file, inside = split_reference(Path(reference))
    part = f"#{inside}" if inside else ""
    if found.name != f"{file.stem}{part}":
        return found
    return replace(found, name=f"{found.architecture}{part}")  # type: ignore[type-var]


def load_any(reference: Path | str, *, spec: ImageSpec | None = None, rate_limit: RateLimit | None = None) -> Auditable:
    """The target that a reference names.

    Args:
        reference: `dlib`, an address (http, https), a table of embeddings (.parquet, .npy), an ONNX file (.onnx), or
            whatever `load_target` takes.
        spec: the input, where the file or the project's convention is wrong or silent.
        courtesy: how an endpoint is asked.

    Raises:
        BarefaceError: as the loader of that kind.
    """
    if is_address(str(reference)):
        return endpoint(str(reference), spec=spec, rate_limit=rate_limit)
    if is_dlib(reference):
        return load_dlib(spec=spec)
    path = Path(reference)
    if is_table(path):
        return read_table(path)
    if path.suffix.lower() != ".onnx":
        return load_target(path, spec=spec)
    with extra("onnx", str(path)):
        from bareface.targets.onnx.target import load_onnx
    return load_onnx(path, spec=spec)
