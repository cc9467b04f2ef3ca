"""Norms of per-image gradients: how hard one image would pull at each layer's weights.

The losses need no label. For views a and b of an image one is 1 − cos(f(a), f(b)), which is near zero, and flat,
where training has already pulled both to one point; the other is a margin loss (`strangers.py`). The gradient with
respect to a layer's weight is the sum over both views and all positions of (gradient of what leaves the layer) x (what
entered it), so one backward pass over a batch is enough: each image's gradient is put together from its own rows and
reduced to its norm at once.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.grad import conv2d_weight

from bareface.errors import TargetError
from bareface.probing.bank import BANK, bank
from bareface.probing.prober import ProbeSpec
from bareface.targets.target import Target
from bareface.trace import Channel, FloatArray, Layer

Weighted = nn.Conv2d | nn.Linear
Run = tuple[Tensor, Tensor]

AGAINST = ("flip", "nearer")
"""The views that the image is compared with, one loss each."""
Loss = Callable[[Tensor], Tensor]
"""(v n, d) embeddings of n images, view after view, to (n,) losses."""
# Images whose activations and their gradients are in memory at once: 4 of 112 pixels, each twice.
_PIXELS_AT_ONCE = 4 * 112 * 112
_SMALLEST = 1e-20


@dataclass
class Passed:
    """What went through one weighted layer in a pass: (rows, ...) entering, and the gradient of what left.

    Attributes:
        layer: a convolution or a linear map.
        entering: what it was given each time that it ran.
        gradient: of the loss, with respect to what it returned; None until the backward pass has come by.
    """

    layer: Weighted
    entering: list[Tensor] = field(default_factory=list)
    gradient: list[Tensor | None] = field(default_factory=list)

    def remember(self, entering: Tensor, leaving: Tensor) -> None:
        """Keep one run; the gradient comes with the backward pass."""
        self.entering.append(entering.detach())
        self.gradient.append(None)
        place = len(self.gradient) - 1

        def arrive(gradient: Tensor) -> None:
            self.gradient[place] = gradient.detach()

        if leaving.requires_grad:
            leaving.register_hook(arrive)  # type: ignore[no-untyped-call]

    def norms(self, images: int) -> Tensor | None:
        """(images,) norms of the weight's gradient; rows i, i + images, ... are views of image i.

        None where a run had no row for each view, or no gradient reached it.
        """
        runs = [(x, g) for x, g in zip(self.entering, self.gradient, strict=True) if g is not None]
        if len(runs) < len(self.entering) or any(len(x) != len(g) or len(x) % images for x, g in runs):
            return None
        if isinstance(self.layer, nn.Linear):
            return _linear_norms(runs, images)
        # One image at a time: its weight's gradient is as large as the weight.
        return torch.stack(
            [_convolution_norm(self.layer, [(x[i::images], g[i::images]) for x, g in runs]) for i in range(images)]
        )


def _convolution_norm(layer: nn.Conv2d, runs: list[Run]) -> Tensor:
    mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
    gradient = torch.zeros_like(layer.weight, dtype=torch.float32)
    for entering, leaving in runs:
        padded = functional.pad(entering.float(), layer._reversed_padding_repeated_twice, mode=mode)
        gradient += conv2d_weight(  # type: ignore[no-untyped-call]
            padded, list(layer.weight.shape), leaving.float(), layer.stride, 0, layer.dilation, layer.groups
        )
    norm: Tensor = torch.linalg.vector_norm(gradient)
    return norm


def _linear_norms(runs: list[Run], images: int) -> Tensor:
    inputs, outputs = (torch.cat([_by_image(run[side], images) for run in runs], dim=1) for side in (0, 1))
    return product_norms(inputs, outputs)


def _by_image(values: Tensor, images: int) -> Tensor:
    """(v images, ..., c) to (images, positions of all views, c)."""
    rows = values.float().reshape(len(values), -1, values.shape[-1])
    return torch.cat(torch.split(rows, images), dim=1)


def product_norms(inputs: Tensor, outputs: Tensor) -> Tensor:
    """(n, p, i) and (n, p, o) to the (n,) Frobenius norms of OᵀI.

    Where there are few positions that matrix is never made: ||OᵀI||² = sum of (I Iᵀ) ∘ (O Oᵀ).
    """
    positions, wide, high = inputs.shape[1], inputs.shape[2], outputs.shape[2]
    if positions * (wide + high) < wide * high:
        return ((inputs @ inputs.mT) * (outputs @ outputs.mT)).sum((1, 2)).clamp_min(0.0).sqrt()
    return torch.stack([torch.linalg.vector_norm(o.T @ i) for i, o in zip(inputs, outputs, strict=True)])


@contextmanager
def passing(module: nn.Module) -> Iterator[dict[str, Passed]]:
    """What passes the convolutions and linear maps of `module` while the block runs, by name, in order of running."""
    seen: dict[str, Passed] = {}

    def meet(name: str, layer: Weighted, entering: Tensor, leaving: Tensor) -> None:
        seen.setdefault(name, Passed(layer)).remember(entering, leaving)

    handles = [
        layer.register_forward_hook(lambda layer, arguments, output, name=name: meet(name, layer, arguments[0], output))
        for name, layer in module.named_modules()
        if isinstance(layer, Weighted)
    ]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


@dataclass(frozen=True)
class GradientLoss:
    """A loss, and what becomes of its gradient.

    Attributes:
        channel: the answer that it is.
        against: views that stand beside the image, one at a time.
        loss: of the image and one of those views.
    """

    channel: Channel
    against: tuple[str, ...]
    loss: Loss


def gradient_norms(module: nn.Module, pixels: Tensor, images: int, loss: Loss) -> dict[str, Tensor]:
    """Layer by layer the (images,) norms of the gradient of each image's own loss.

    A layer whose weight is used in another way than by running it once for every view has none and is left out.

    Args:
        module: the backbone, in evaluation mode.
        pixels: (v images, channels, h, w) as it takes them; rows i, i + images, ... are views of image i.
        images: how many there are.
        loss: (v images, d) embeddings to (images,) losses.
    """
    with torch.inference_mode(False), torch.enable_grad(), passing(module) as seen:
        # The clone was made outside inference mode; and a backbone may work on its input in place, but not on a leaf.
        leaf = pixels.clone().requires_grad_()
        torch.autograd.grad(loss(module(leaf * 1.0).flatten(1)).sum(), leaf)
    with torch.inference_mode():
        norms = {name: one.norms(images) for name, one in seen.items()}
    return {name: norm for name, norm in norms.items() if norm is not None}


def disagreement(embedding: Tensor) -> Tensor:
    """(2n, d) embeddings of one view, then of another, to (n,) 1 − cos."""
    first, second = embedding.chunk(2)
    return 1.0 - functional.cosine_similarity(first, second)


AGREEMENT = GradientLoss(Channel.GRADIENT_NORM, AGAINST, disagreement)


def with_gradients(offer: ProbeSpec, target: Target, pulls: Sequence[GradientLoss], pixels: Tensor) -> ProbeSpec:
    """The offer with gradient norms, where a pass over (1, channels, h, w) `pixels` finds weights that have them."""
    found = gradient_norms(target.module, torch.cat([pixels, pixels.flip(-1)]), 1, disagreement) if pulls else {}
    if not found:
        return offer
    weighted = tuple(Layer(name, len(target.module.get_submodule(name).weight)) for name in found)  # type: ignore[arg-type]
    shapes = {pull.channel: (len(pull.against), len(weighted)) for pull in pulls}
    return replace(offer, shapes={**offer.shapes, **shapes}, weighted=weighted, bank=BANK)


def gradient_answers(
    target: Target,
    pulls: Sequence[GradientLoss],
    weighted: tuple[Layer, ...],
    images: Tensor,
    digests: NDArray[np.str_],
) -> dict[Channel, FloatArray]:
    """(n, p, g) logarithms of gradient norms of (n, 3, h, w) uint8 RGB images, a few images at a time.

    Raises:
        TargetError: a layer has no gradient this time.
    """
    at_once = max(1, _PIXELS_AT_ONCE // (target.spec.height * target.spec.width))
    parts = zip(torch.split(images, at_once), np.split(digests, range(at_once, len(digests), at_once)), strict=True)
    told = [[_logarithms(target, pull, weighted, *part) for pull in pulls] for part in parts]
    return {
        pull.channel: torch.cat(lots).cpu().numpy() for pull, lots in zip(pulls, zip(*told, strict=True), strict=True)
    }


def _logarithms(
    target: Target, pull: GradientLoss, weighted: tuple[Layer, ...], images: Tensor, digests: NDArray[np.str_]
) -> Tensor:
    views = [target.spec.normalise(view.to(target.device)) for view in bank(images, digests, ("image", *pull.against))]
    told = []
    for other in views[1:]:
        norms = gradient_norms(target.module, torch.cat([views[0], other]), len(images), pull.loss)
        missing = [layer.name for layer in weighted if layer.name not in norms]
        if missing:
            got = f"no gradient at {missing[0]}"
            raise TargetError(target.name, got=got, expected="the layers of the first pass in every pass")
        told.append(torch.stack([norms[layer.name] for layer in weighted], dim=1))
    return torch.stack(told, dim=1).clamp_min(_SMALLEST).log()
