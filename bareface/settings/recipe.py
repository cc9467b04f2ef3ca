"""How a backbone is trained, and how many shadows and references."""

from dataclasses import asdict, field
from typing import Annotated, Literal

from pydantic import Field

from bareface.errors import UsageError
from bareface.settings.closed import Closed, closed
from bareface.settings.spec import ImageSpec

_INFINITY = float("inf")
_BOUNDS: dict[str, tuple[float, float]] = {
    "embedding_size": (2, 65536),
    "scale": (1, 1024),
    "epochs": (1, 9999),
    "batch_size": (2, 65536),
    "learning_rate": (1e-8, 100),
    "momentum": (0, 0.9999),
    "weight_decay": (0, 1),
    "warmup_epochs": (0, _INFINITY),
    "shift": (0, 256),
    "brightness": (0, 127),
    "contrast": (0, 0.9),
    "seed": (0, 2**63 - 1),
}
_MARGINS = {"arcface": (0.0, 1.5), "cosface": (0.0, 1.0)}


@closed
class Recipe:
    """Everything that decides what a training run ends in, apart from the images.

    Attributes:
        architecture: a name that `bareface.targets.build` knows.
        embedding_size: d.
        spec: the pixels that the backbone takes.
        head: `arcface` (margin in radians) or `cosface` (margin on the cosine).
        scale, margin: s and m of the head.
        epochs, batch_size: passes over the images, images per step.
        learning_rate: at the end of the warm-up; then half a cosine down to zero.
        momentum, weight_decay: of SGD; the decay spares normalisation, PReLU and bias weights.
        warmup_epochs: over which the learning rate rises linearly.
        flip: mirror each image with probability one half.
        shift: move each image by up to so many pixels both ways, the border repeated.
        brightness: add up to ± so many grey levels (0..255 scale).
        contrast: multiply the distance from mid-grey by up to 1 ± this.
        seed: root of every random stream.

    Raises:
        UsageError: a value is out of its bounds.
    """

    architecture: str = "ir-tiny"
    embedding_size: int = 128
    spec: ImageSpec = field(default_factory=lambda: ImageSpec(48, 48))
    head: Literal["arcface", "cosface"] = "arcface"
    scale: float = 32.0
    margin: float = 0.5
    epochs: int = 60
    batch_size: int = 64
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warmup_epochs: int = 2
    flip: bool = True
    shift: int = 0
    brightness: float = 0.0
    contrast: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.head not in _MARGINS:
            raise UsageError("Recipe.head", got=repr(self.head), expected=" or ".join(map(repr, _MARGINS)))
        for name, bounds in (_BOUNDS | {"margin": _MARGINS[self.head]}).items():
            self._check(name, *bounds)
        if self.warmup_epochs > self.epochs:
            raise UsageError(
                "Recipe.warmup_epochs",
                got=f"{self.warmup_epochs}",
                expected=f"at most the {self.epochs} epochs of the run",
                hint="a tenth of the epochs",
            )

    def _check(self, name: str, low: float, high: float) -> None:
        value = getattr(self, name)
        # Written so that NaN fails too.
        if not low <= value <= high:
            expected = f"at least {low:g}" if high == _INFINITY else f"{low:g} to {high:g}"
            raise UsageError(f"Recipe.{name}", got=f"{value!r}", expected=expected)

    def as_dict(self) -> dict[str, str | int | float | bool]:
        """The fields by name, in order, the input spec as `spec.height`, `spec.width`, ...; all of it JSON."""
        plain = asdict(self)
        spec = {f"spec.{name}": _plain(value) for name, value in plain.pop("spec").items()}
        return plain | spec


class ShadowSettings(Closed):
    """Shadow backbones, trained on the auxiliary people by the same code as any backbone.

    people_in_training: share of the auxiliary people that a shadow is trained on; the others are its strangers.
    """

    count: Annotated[int, Field(ge=1, le=64)] = 2
    people_in_training: Annotated[float, Field(gt=0, lt=1)] = 0.7
    train: Recipe = Recipe()


class ReferenceSettings(Closed):
    """Reference backbones that are trained on images in question: half of the people, with half of each one's images.

    Every four of them share out all images: each was in the training of one, its person in that of two. Attacks that
    compare the target with models that saw an image and models that did not (`mode=online`) live on them.
    """

    count: Annotated[int, Field(ge=2, le=256)] = 4
    train: Recipe = Recipe()


def _plain(value: object) -> object:
    return " ".join(f"{v:g}" for v in value) if isinstance(value, tuple) else value
