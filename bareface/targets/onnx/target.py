"""A face model in an ONNX file as a target: scoring only, there is no gradient to go by."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from bareface.records.evidence import TargetCard
from bareface.settings.spec import ImageSpec
from bareface.targets.onnx.architecture import Origin, origin_of, read_as_fed
from bareface.targets.onnx.graph import Graph, weights_of
from bareface.targets.onnx.session import Session
from bareface.targets.running_statistics import is_degenerate, shift


@dataclass(frozen=True, eq=False)
class OnnxTarget:
    """Images in, embeddings out, run by onnxruntime.

    Attributes:
        name: what reports call it.
        graph: what was read.
        source: the file, shown only to the owner.
        centres: none; a classification head is no part of such a file.
    """

    name: str
    graph: Graph
    source: str = ""
    centres: ClassVar[None] = None

    @property
    def spec(self) -> ImageSpec:
        """The input it expects."""
        return self.graph.spec

    @property
    def embedding_size(self) -> int:
        """d."""
        return self.graph.embedding_size

    @cached_property
    def origin(self) -> Origin:
        """The architecture that it was exported from, if that can be told."""
        return origin_of(self.graph)

    @property
    def architecture(self) -> str:
        """Its name, as far as it can be told."""
        return f"{self.origin.architecture}, in ONNX"

    @property
    def assumed(self) -> str:
        """Why this input is assumed, in words."""
        return self.graph.assumed

    @property
    def sha256(self) -> str:
        """Fingerprint of the file, the data beside it and the input spec."""
        return hashlib.sha256(f"onnx {self.graph.sha256} {self.spec}".encode()).hexdigest()

    def without_head(self) -> "OnnxTarget":
        """The same."""
        return self

    def card(self) -> TargetCard:
        """What a report says of it."""
        graph = self.graph
        return TargetCard(
            name=self.name,
            source="onnx",
            sha256=self.sha256,
            architecture=self.architecture,
            parameters=graph.parameters,
            embedding_size=self.embedding_size,
            input=str(self.spec),
            batchnorm_layers=len(graph.norms),
            batchnorm_expected=self.origin.norms,
            degenerate_layers=tuple(n.name for n in graph.norms if is_degenerate(shift(n.mean, n.variance))),
            head_identities=None,
            file_sha256=graph.file_sha256,
            weights_sha256=weights_of(graph.model),
            input_assumed=graph.assumed,
        )

    def embed(self, images: Tensor) -> Tensor:
        """(n, 3, h, w) uint8 RGB to (n, d) float32 embeddings, as the graph gives them.

        Raises:
            TargetError: the runtime cannot run the graph.
        """
        (embedding,), _ = self._session.run(self.spec.normalise(images).numpy())
        return torch.from_numpy(np.ascontiguousarray(embedding.reshape(len(images), -1)))

    @cached_property
    def _session(self) -> Session:
        graph = self.graph
        return Session(self.name, graph.model, graph.input, (graph.embedding,), (), graph.batch)


def load_onnx(path: Path, *, spec: ImageSpec | None = None, name: str | None = None) -> OnnxTarget:
    """The face model in an ONNX file.

    Raises:
        CheckpointError: it is no ONNX model, or a damaged one.
        UnsafeFileError: it is no plain graph of standard operators.
        TargetError: it takes no images or gives no embedding.
    """
    return OnnxTarget(name or path.stem, read_as_fed(path, spec), str(path))
