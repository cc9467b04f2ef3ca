"""Signed distances, soft edges and waves, from operations that are rounded alike in every batch.

Distances are negative inside. Only sums, products, quotients, square roots, extrema and roundings are used: they come
out the same to the last bit whether a processor does them one by one or sixteen at a time; exponentials and sines do
not. Methods that end in an underscore write into a fresh result, which spares memory traffic.
"""

from torch import Tensor


def length(x: Tensor, y: Tensor) -> Tensor:
    """Euclidean length, with a finite gradient at zero."""
    return (x * x + y * y).add_(1e-8).sqrt_()


def disc(u: Tensor, v: Tensor) -> Tensor:
    """Distance to the unit circle; an ellipse of radii (rx, ry) is ry * disc(x / rx, y / ry)."""
    return length(u, v) - 1


def squircle(u: Tensor, v: Tensor, square: Tensor) -> Tensor:
    """Distance to a unit circle (square = 0) with its corners pulled towards a unit square (square = 1)."""
    corner = (u * v).square_().clamp_(max=0.7)
    return (u * u + v * v - square * corner).clamp_(min=1e-6).sqrt_() - 1


def cover(distance: Tensor, softness: Tensor | float) -> Tensor:
    """How much of a pixel lies inside a shape: 1 inside, 0 outside, a ramp as wide as `softness` between."""
    return (distance / softness).neg_().add_(0.5).clamp_(0, 1)


def glow(squared: Tensor) -> Tensor:
    """A soft bump of height 1 that ends where the squared distance from its middle reaches 1."""
    return (1 - squared).clamp_(min=0).square_()


def wave(phase: Tensor) -> Tensor:
    """A sine-like wave of period 1 between -1 and 1, made of parabolas."""
    t = phase - phase.round()
    return t.abs().mul_(-16).add_(8).mul_(t)


def ramp(value: Tensor, start: float, stop: float) -> Tensor:
    """From 0 at `start` to 1 at `stop`, straight."""
    return (value - start).div_(stop - start).clamp_(0, 1)


def step(value: Tensor, at: float) -> Tensor:
    """0 below `at`, 1 above it, with a slope so short that hardly anybody is on it."""
    return ramp(value, at, at + 0.00005)


def switch(value: Tensor, start: float, stop: float) -> Tensor:
    """1 between start and stop, 0 elsewhere, with steep sides."""
    return step(value, start) * (1 - step(value, stop))


def mix(first: Tensor, second: Tensor, amount: Tensor | float) -> Tensor:
    """`first` where amount is 0, `second` where it is 1."""
    return first + amount * (second - first)
