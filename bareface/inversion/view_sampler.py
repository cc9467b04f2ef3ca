"""From latents to what an objective sees."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from bareface.errors import TargetError
from bareface.inversion.alignment import CropWindow, window_for
from bareface.inversion.generator import Generator, Latents, check_images
from bareface.inversion.variation import SiblingMaker, normal_noise
from bareface.inversion.view_batch import ViewBatch
from bareface.inversion.views import STILL, ViewAugmentation, draw

SLACK = 1e-3  # rounding that a value in [0, 1] may show


@dataclass(frozen=True)
class ViewSampler:
    """A generator and the way its images are looked at.

    Attributes:
        generator: where the images come from.
        augmentation: how views differ from them.
        window: the part of the image that shows the face as a recogniser wants it; by default from the generator's
            alignment.
        variation: makes siblings of each row; none by default.
        upto: render the partial image of this side only, for speed.
    """

    generator: Generator
    augmentation: ViewAugmentation = field(default_factory=ViewAugmentation)
    window: CropWindow | None = None
    variation: SiblingMaker | None = None
    upto: int | None = None

    @property
    def siblings(self) -> int:
        """Images of each row, itself included."""
        return 1 if self.variation is None else 1 + self.variation.count

    def look(self, latents: Latents, rows: Sequence[int], numbers: Sequence[int], seed: int, step: int) -> ViewBatch:
        """The views that the restarts called `numbers`, in these rows, get at one step; siblings included."""
        per_image, siblings = self.augmentation.pairs, self.siblings
        if self.variation is not None:
            latents = self.variation.siblings(latents, normal_noise(seed, numbers, step, self.variation))
        images = self.render(latents)
        draws = draw(seed, numbers, step, siblings * per_image).reshape(len(rows), siblings, per_image, -1)
        return self.through(images.reshape(len(rows), siblings, *images.shape[1:]), draws, rows)

    def plainly(self, latents: Latents, rows: Sequence[int]) -> ViewBatch:
        """Each image as it is, and its mirror image; where the scene has siblings, the same ones whenever one looks."""
        if self.variation is not None:
            latents = self.variation.siblings(latents, normal_noise(0, rows, 0, self.variation))
        images = self.render(latents)
        still = torch.tensor(STILL).expand(len(rows), self.siblings, 1, -1)
        return self.through(images.reshape(len(rows), self.siblings, *images.shape[1:]), still, rows)

    def through(self, images: Tensor, draws: Tensor, rows: Sequence[int]) -> ViewBatch:
        """(n, s, 3, H, W) images seen through the windows that (n, s, q, DRAWS) numbers stand for."""
        windows = self.augmentation.windows(draws, self.window or window_for(self.generator.alignment))
        return ViewBatch(images, windows, self.augmentation.swapped(draws), torch.as_tensor(rows))

    def render(self, latents: Latents) -> Tensor:
        """(n, 3, H, W) RGB in [0, 1].

        Raises:
            TargetError: the generator returns something else; NaN included.
        """
        where, side = f"{self.generator.name}: render()", self.upto or self.generator.size
        images = check_images(where, self.generator.render(latents, self.upto), len(latents), 3, side)
        low, high = images.detach().aminmax()
        if low < -SLACK or high > 1 + SLACK:
            got = f"pixels from {low:.3g} to {high:.3g}"
            raise TargetError(where, got=got, expected="values in [0, 1]", hint="declare the generator's value range")
        return images
