"""Rows of images as an objective sees them: through views, by any target, asked once."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from bareface.inversion.answers import Answers, ask
from bareface.inversion.views import resample
from bareface.targets.target import Target


@dataclass(frozen=True, eq=False)
class ViewBatch:
    """n rows, each one image or several siblings, and the windows through which they are seen.

    Attributes:
        images: (n, s, 3, H, W) RGB in [0, 1]; s siblings: images that should show one person.
        windows: (n, s, q, 4) left, top, width, height in fractions of the image; q windows on each sibling.
        swapped: (n, s, q) whether the mirror image comes first in the pair.
        rows: (n,) which rows of the search these are, for objectives that want something else of each.
    """

    images: Tensor
    windows: Tensor
    swapped: Tensor
    rows: Tensor
    _views: dict[tuple[int, int], Tensor] = field(default_factory=dict, repr=False)
    _answers: dict[int, Answers] = field(default_factory=dict, repr=False)

    @property
    def siblings(self) -> int:
        """s."""
        return self.images.shape[1]

    def by(self, target: Target) -> Answers:
        """What a target answers about all p = s q pairs of views, sibling by sibling; asked once and remembered."""
        if id(target) not in self._answers:
            self._answers[id(target)] = ask(target, self.views(target.spec.height, target.spec.width))
        return self._answers[id(target)]

    def views(self, height: int, width: int) -> Tensor:
        """(n, p, 2, 3, height, width) the pairs: a view and its mirror image."""
        if (height, width) not in self._views:
            self._views[height, width] = self._pairs(height, width)
        return self._views[height, width]

    def _pairs(self, height: int, width: int) -> Tensor:
        seen = resample(self.images.flatten(0, 1), self.windows.flatten(0, 1).to(self.images), height, width)
        seen = seen.reshape(len(self.images), -1, *seen.shape[2:])
        swapped = self.swapped.to(seen.device).flatten(1)[..., None, None, None]
        mirrored = seen.flip(-1)
        return torch.stack([torch.where(swapped, mirrored, seen), torch.where(swapped, seen, mirrored)], 2)
