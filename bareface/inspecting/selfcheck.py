"""Is the backbone fed as it was in training? Its own BatchNorm statistics know.

The faces of a few hundred people have nearly the statistics of any other faces, as long as they enter the net in the
same way. So the same faces are fed in every way that is in use, and the statistics that each BatchNorm layer sees are
held against its running ones. For each channel the two Gaussians' squared Hellinger distance is taken (0 = the same,
1 = disjoint); a layer's misfit is the median over its channels, and the misfit of a way the mean over layers.

Why this number. It is bounded, so that no layer that a wrong scale throws out of range drowns the others. The median
leaves out the few nearly constant channels that every trained net has, whose variances mean nothing. And all layers
count the same: the first one alone is misled, and weighting up the early ones narrows the margin, because a
convolution of smooth filters sees little of a shift, while later layers see all that it did to the ones before.

What was measured (benchmarks/validity/selfcheck.py; three small nets of ours and three public ones, 128 faces of people
that they were not trained on). Faces of the kind trained on, fed rightly: 0.0004 to 0.002, and 0.03 for a net after its
first epoch; the best of the wrong ways 0.006 and more, at least 2.7 times as much. Faces of another kind (rendered for
photographed, grey for colour, cropped tighter), fed rightly: up to 0.07, the best wrong way from 1.2 times as much, and
whitening even less. Noise in place of faces: 0.12 to 0.21. So no threshold alone says right from wrong, but the ratio
does: a declared way is refused where another has less than half of its misfit beyond doubt (whitening: a quarter), or
where it is above 0.1. Of 24 right declarations none was refused; of 156 wrong ones 142 were, all 48 on faces of the
kind trained on, and for the others the answer was that it cannot be told.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from bareface.errors import TargetError
from bareface.faces.source import Images
from bareface.inspecting.feedings import Feeding, feedings, is_colourless, orders_of
from bareface.probing.entering import BackboneEntrance, Entrance, Look, Running, Vector
from bareface.records.selfcheck import InputFit, SelfCheck
from bareface.settings.spec import ImageSpec
from bareface.targets.kinds import Auditable
from bareface.targets.target import Target

ENOUGH_IMAGES, FEWEST_IMAGES = 128, 16
MOST_MISFIT, TIMES_BETTER = 0.1, 2.0
# Whitening takes out much of what differs between kinds of faces, so on another kind it fits too well.
_WHITENING_TIMES = 2.0
# A way is about as good as another if its misfit is within a quarter and two thousandths of it.
_NEARLY, _LEAST = 1.25, 0.002
_ERRORS = 3.0
_PARTS, _BATCH = 8, 16
BLACK_BOX = "only a backbone in torch can be fed in several ways and looked into"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class FeedingTrial:
    """One way of feeding.

    Attributes:
        feeding: the way.
        misfit: of all images.
        without: (parts,) misfits when each part of the images is left out.
        layers: how many were compared.
    """

    feeding: Feeding
    misfit: float
    without: Vector
    layers: int

    def behind(self, other: "FeedingTrial") -> tuple[float, float]:
        """By how much the misfit is larger than another's, with the standard error of the jackknife."""
        apart = self.without - other.without
        scatter = float(((apart - apart.mean()) ** 2).sum())
        return self.misfit - other.misfit, float(np.sqrt((len(apart) - 1) / len(apart) * scatter))

    def is_beyond(self, other: "FeedingTrial", times: float) -> bool:
        """Whether the misfit is more than so many times another's, beyond doubt and beyond what matters."""
        behind, error = self.behind(other)
        return self.misfit > times * other.misfit + _LEAST and behind > _ERRORS * error


def entrance_of(target: Auditable) -> Entrance | None:
    """A way to look into a target of any kind; None for those that show nothing but embeddings."""
    if isinstance(target, Target):
        return BackboneEntrance(target)
    if not hasattr(target, "graph"):
        return None
    from bareface.probing.graph import GraphEntrance  # ONNX is an extra; whoever has such a target has it
    from bareface.targets.onnx.target import OnnxTarget

    return GraphEntrance(target) if isinstance(target, OnnxTarget) else None


def selfcheck(target: Auditable, images: Images, source: str, report: Progress | None = None) -> SelfCheck:
    """Feed `images` in every known way and compare the statistics with the running ones.

    Args:
        target: with the input that it declares; one that shows nothing but embeddings is not checked.
        images: of the target's size, of people whom it was not trained on; neighbours may show one person.
        source: what the images are, in words.
        report: called with (done, total) ways.
    """
    entrance = entrance_of(target)
    if entrance is None:
        return skipped(target.spec, source, BLACK_BOX)
    if len(images) < FEWEST_IMAGES:
        return skipped(target.spec, source, f"{len(images)} images are too few, {FEWEST_IMAGES} are needed")
    pixels = images.load(np.arange(len(images)))
    tried = trials(target, pixels, report)
    if not tried:
        why = "running statistics that were ever updated" if entrance.layers else "running statistics"
        survived = "" if isinstance(target, Target) else " survived export: they were folded into convolutions"
        return skipped(target.spec, source, f"no BatchNorm layer with {why}{survived}")
    return judge(tried, pixels, source)


def trials(target: Auditable, pixels: Tensor, report: Progress | None = None) -> tuple[FeedingTrial, ...]:
    """(n, 3, h, w) uint8 RGB images fed in every way that they can tell apart, the declared one first.

    None at all where there are no running statistics to compare with.
    """
    entrance = entrance_of(target)
    running = Running.of(entrance.layers) if entrance is not None else None
    if entrance is None or running is None:
        return ()
    ways, made = feedings(target.spec, orders=orders_of(target.spec, pixels)), []
    with entrance.looking() as look:
        for number, way in enumerate(ways, start=1):
            made.append(_trial(look, pixels, way, running))
            if report is not None:
                report(number, len(ways))
    return tuple(made)


def refuse_if_misfit(check: SelfCheck, name: str, hint: str) -> None:
    """Stop where the declared input is not the one that the backbone was trained with.

    Raises:
        TargetError: with the misfits, and the way that fits.
    """
    if check.verdict == "misfit":
        raise TargetError(f"input of {name}", got=check.sentence.rstrip("."), expected=_EXPECTED, hint=hint)


_EXPECTED = "faces with the statistics that its BatchNorm layers have seen in training"


def _trial(look: Look, pixels: Tensor, way: Feeding, running: Running) -> FeedingTrial:
    bounds = np.linspace(0, len(pixels), _PARTS + 1).astype(int).tolist()
    parts = np.stack([_sums(look, pixels[a:b], way, running) for a, b in pairwise(bounds)])
    n = len(pixels)
    with np.errstate(over="ignore", invalid="ignore"):  # a wrong scale may throw a net out of all range
        without = [np.delete(parts, number, 0).sum(0) for number in range(_PARTS)]
        whole = parts.sum(0)
    left = [n - (b - a) for a, b in pairwise(bounds)]
    misfits = [running.misfit(sums, images) for sums, images in zip(without, left, strict=True)]
    return FeedingTrial(way, running.misfit(whole, n), np.array(misfits), len(running.names))


def _sums(look: Look, pixels: Tensor, way: Feeding, running: Running) -> Vector:
    total: Vector = np.zeros((2, 1))
    for batch in torch.split(pixels, _BATCH):
        total = total + running.sums(look(way.normalise(batch)))
    return total


def skipped(declared: ImageSpec, source: str, reason: str) -> SelfCheck:
    """The record of a check that was not made, and why."""
    return SelfCheck(
        status="skipped",
        reason=reason,
        images=0,
        source=source,
        layers=0,
        declared=str(Feeding(declared, "")),
        fits=(),
        order="",
        verdict=None,
        sentence=f"Not checked: {reason}.",
    )


def judge(tried: Sequence[FeedingTrial], pixels: Tensor, source: str) -> SelfCheck:
    """What the trials of some images say about the first of them, which is the declared one."""
    declared, ranked = tried[0], sorted(tried, key=lambda one: one.misfit)
    better = [one for one in ranked if declared.is_beyond(one, TIMES_BETTER * _handicap(one))]
    rivals = [one for one in ranked if one is not declared and not one.is_beyond(declared, _NEARLY)]
    is_misfit = bool(better) or declared.misfit > MOST_MISFIT
    return SelfCheck(
        status="done",
        reason="",
        images=len(pixels),
        source=source,
        layers=declared.layers,
        declared=str(declared.feeding),
        fits=tuple(_fit(one, ranked[0]) for one in ranked),
        order=_order(declared, tried, pixels),
        verdict="misfit" if is_misfit else "cannot tell" if rivals else "fits",
        sentence=_misfit_sentence(declared, better) if is_misfit else _sentence(declared, ranked, rivals),
    )


def _handicap(one: FeedingTrial) -> float:
    return _WHITENING_TIMES if one.feeding.whitened else 1.0


def _fit(one: FeedingTrial, best: FeedingTrial) -> InputFit:
    behind, error = one.behind(best)
    return InputFit(input=str(one.feeding), project=one.feeding.project, misfit=one.misfit, behind=behind, error=error)


def _order(declared: FeedingTrial, tried: Sequence[FeedingTrial], pixels: Tensor) -> str:
    order = declared.feeding.spec.order
    if order == "GRAY":
        return "one channel has no order"
    if is_colourless(pixels):
        return "cannot be told: the images are grey, so that red and blue are the same"
    best = {way: min((t for t in tried if t.feeding.spec.order == way), key=_misfit) for way in ("RGB", "BGR")}
    likely, other = sorted(best.values(), key=_misfit)
    if other.is_beyond(likely, _NEARLY):
        return f"{likely.feeding.spec.order}: the best of the other order has misfit {_number(other)}"
    return f"cannot be told: both orders fit alike ({_number(likely)} and {_number(other)})"


def _misfit_sentence(declared: FeedingTrial, better: Sequence[FeedingTrial]) -> str:
    said = f"{declared.feeding} has misfit {_number(declared)}"
    if better:
        return f"{said}, {better[0].feeding} has {_number(better[0])} ({better[0].feeding.project})."
    return f"{said}, and no known input fits: other crops, another alignment, or no faces."


def _sentence(declared: FeedingTrial, ranked: Sequence[FeedingTrial], rivals: Sequence[FeedingTrial]) -> str:
    said = f"{declared.feeding} has misfit {_number(declared)}"
    if rivals:
        others = "; ".join(f"{one.feeding} {_number(one)}" for one in rivals)
        return f"{said}, which is not clearly told from {others}."
    following = next(one for one in ranked if one is not declared)
    return f"{said} and fits best; next comes {following.feeding} with {_number(following)}."


def _misfit(tried: FeedingTrial) -> float:
    return tried.misfit


def _number(tried: FeedingTrial) -> str:
    return f"{tried.misfit:.4f}" if tried.misfit < 0.01 else f"{tried.misfit:.3f}"
