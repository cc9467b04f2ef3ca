"""People who do not exist, by number."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bareface.errors import UsageError
from bareface.streams import stream
from bareface.synthetic.calm import calm
from bareface.synthetic.parameters import IDENTITY_SIZE, NUISANCE_SIZE, Nuisance, decode
from bareface.synthetic.render import render_parameters

Numbers = NDArray[np.int64]

SMALLEST = 16
CHUNK_PIXELS = 100_000  # few enough for the planes of a chunk to stay in a core's cache
HEAP_LESSON = 31 * 2**20


@dataclass(frozen=True)
class SyntheticFaces:
    """An endless crowd: photo j of person k is the same picture whatever else is rendered.

    Attributes:
        seed: which crowd.
        size: height and width of a photo in pixels, at least 16.
        calm: nothing before the face and the head held still, as `calm` moves the latents of the same photos.

    Raises:
        UsageError: the size is too small for a face.
    """

    seed: int
    size: int = 112
    calm: bool = False

    def __post_init__(self) -> None:
        if self.size < SMALLEST:
            raise UsageError("SyntheticFaces", got=f"size {self.size}", expected=f"{SMALLEST} pixels or more")

    def render(self, identity: Numbers, image: Numbers) -> Tensor:
        """Row i is photo number image[i] of person number identity[i]: (n, 3, size, size) uint8 RGB.

        Raises:
            UsageError: the numbers are not two lists of one length.
        """
        if identity.shape != image.shape or identity.ndim != 1:
            got = f"shapes {identity.shape} and {image.shape}"
            raise UsageError(
                "SyntheticFaces.render", got=got, expected="an identity and an image number for each photo"
            )
        pictures = torch.empty(len(identity), 3, self.size, self.size, dtype=torch.uint8)
        # Having freed a block this large, glibc keeps memory for the next chunk: a third faster. Nothing elsewhere.
        torch.empty(HEAP_LESSON, dtype=torch.uint8)
        step = max(1, CHUNK_PIXELS // self.size**2)
        with one_thread():
            for start in range(0, len(identity), step):
                rows = slice(start, start + step)
                pictures[rows] = self._develop(identity[rows], image[rows])
        return pictures

    def latents(self, identity: Numbers, image: Numbers) -> tuple[Tensor, Tensor]:
        """What `render_parameters` needs for these photos: (n, IDENTITY_SIZE) and (n, NUISANCE_SIZE) float32."""
        pairs = list(zip(identity.tolist(), image.tolist(), strict=True))
        people = [stream(self.seed, "person", k).standard_normal(IDENTITY_SIZE, dtype=np.float32) for k, _ in pairs]
        photos = [stream(self.seed, "photo", k, j).standard_normal(NUISANCE_SIZE, dtype=np.float32) for k, j in pairs]
        taken = torch.from_numpy(np.stack(photos))
        return torch.from_numpy(np.stack(people)), calm(taken) if self.calm else taken

    @torch.no_grad()
    def _develop(self, identity: Numbers, image: Numbers) -> Tensor:
        people, photos = self.latents(identity, image)
        grain = self._grain(identity, image).mul_(decode(Nuisance, photos).noise)
        return (
            render_parameters(people, photos, self.size).add_(grain).mul_(255).round_().clamp_(0, 255).to(torch.uint8)
        )

    def _grain(self, identity: Numbers, image: Numbers) -> Tensor:
        grain = np.empty((len(identity), 3, self.size, self.size), dtype=np.float32)
        for plate, k, j in zip(grain, identity.tolist(), image.tolist(), strict=True):
            stream(self.seed, "grain", k, j).standard_normal(out=plate, dtype=np.float32)
        return torch.from_numpy(grain)


@contextmanager
def one_thread() -> Iterator[None]:
    """Thousands of operations of some microseconds each: waking other threads for them costs more than it brings."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
