"""The prober of a table: what the model said was written down before; no image is decoded for it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from bareface.probing.prober import Ask, Batch, ProbeSpec
from bareface.targets.table import EmbeddingTable
from bareface.trace import Channel, FloatArray


@dataclass(frozen=True)
class TableProber:
    """A table that is asked about images by their digests.

    Attributes:
        target: the table.
        rows: digest of an image -> its row in the table.
    """

    target: EmbeddingTable
    rows: Mapping[str, int]

    @property
    def name(self) -> str:
        """What messages call the target."""
        return self.target.name

    @cached_property
    def offer(self) -> ProbeSpec:
        """The embedding in every view that the table has."""
        shapes = {Channel.EMBEDDING: (len(self.target.views), self.target.embedding_size)}
        return ProbeSpec(self.target.sha256, shapes, self.target.views)

    @contextmanager
    def asked(self) -> Iterator[Ask]:
        """Nothing to prepare."""
        yield self._answer

    def _answer(self, batch: Batch) -> dict[Channel, FloatArray]:
        return {Channel.EMBEDDING: self.target.values[[self.rows[digest] for digest in batch.image.tolist()]]}
