"""How a generator is trained."""

from dataclasses import asdict, dataclass, field
from typing import Literal

import torch

from bareface.errors import UsageError
from bareface.inversion.gan.lesson import Z_DIM
from bareface.inversion.stylegan2.config import Config

SMALL = Config((96, 96, 64, 64), z_dim=64, w_dim=64, mapping_layers=2)

Precision = Literal["bf16", "fp32"]

_BOUNDS: dict[str, tuple[float, float]] = {
    "steps": (1, 10**9),
    "batch_size": (2, 4096),
    "learning_rate": (1e-8, 1),
    "r1": (0, 1e6),
    "r1_every": (1, 10**6),
    "momentum": (0, 0.999),
    "adversarial": (0, 1e6),
    "taught": (0, 1e6),
    "average_images": (1, 10**9),
    "augment_target": (0, 1),
    "augment_images": (1, 10**9),
    "save_every": (1, 10**9),
    "seed": (0, 2**63 - 1),
}


def quick_precision() -> Precision:
    """bf16 where the processor multiplies in it, else fp32."""
    able = torch.cpu.get_capabilities()
    return "bf16" if able.get("avx512_bf16") or able.get("amx_bf16") or able.get("bf16") else "fp32"


@dataclass(frozen=True)
class GanRecipe:
    """Everything that decides what a training run ends in, apart from the images.

    Attributes:
        config: of the generator; the discriminator mirrors it. The default has 0.48 M and 0.58 M parameters at 32 px.
        steps, batch_size: updates of both networks, images per update.
        learning_rate: of Adam for both.
        momentum: the first beta of the generator's Adam; the second is 0.99, the discriminator's are 0 and 0.99.
        adversarial: weight of the non-saturating loss; 0 = no discriminator, only lessons.
        taught: weight of the distance from what the renderer shows for the same latents (`lesson.apart`); 0 = no
            lessons. With lessons the renderer's calm photos are the real images, and the configuration is a `pupil`.
        r1: weight of the squared gradient of the discriminator at real images, halved, as published.
        r1_every: computed at every so many steps, that many times stronger.
        average_images: half-life, in images, of the moving average of the weights that is kept in the end.
        flip: mirror real images with probability one half.
        noise: let the generator add its noise maps; without them an image is its latent's alone.
        augment_target: mean sign of the discriminator at real images at which augmentation rests; 0 = never augment.
        augment_images: so many images take its probability from 0 to 1.
        precision: of the features; weights are fp32. bf16, twice as fast where the processor has it and ten times
            slower where it has not, is the default where it has.
        save_every: steps from checkpoint to checkpoint.
        seed: root of every random stream.

    Raises:
        UsageError: a value is out of its bounds.

    Reference: Karras et al., "Training Generative Adversarial Networks with Limited Data", NeurIPS 2020.
    """

    config: Config = field(default_factory=lambda: SMALL)
    steps: int = 10_000
    batch_size: int = 32
    learning_rate: float = 0.0025
    momentum: float = 0.0
    adversarial: float = 1.0
    taught: float = 0.0
    r1: float = 0.05
    r1_every: int = 16
    average_images: int = 10_000
    flip: bool = True
    noise: bool = True
    augment_target: float = 0.6
    augment_images: int = 100_000
    precision: Precision = field(default_factory=quick_precision)
    save_every: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        for name, (low, high) in _BOUNDS.items():
            value = getattr(self, name)
            # Written so that NaN fails too.
            if not low <= value <= high:
                raise UsageError(f"GanRecipe.{name}", got=f"{value!r}", expected=f"{low:g} to {high:g}")
        if self.precision not in ("bf16", "fp32"):
            raise UsageError("GanRecipe.precision", got=repr(self.precision), expected="'bf16' or 'fp32'")
        if not self.adversarial and not self.taught:
            raise UsageError("GanRecipe", got="adversarial=0, taught=0", expected="one of them to learn from")
        if self.taught and self.config.z_dim != Z_DIM:
            got = f"z_dim={self.config.z_dim}"
            raise UsageError("GanRecipe.taught", got=got, expected=f"{Z_DIM}, the renderer's latents", hint="pupil()")

    @property
    def dtype(self) -> torch.dtype:
        """Of the features."""
        return torch.bfloat16 if self.precision == "bf16" else torch.float32

    def as_dict(self) -> dict[str, object]:
        """The fields by name; all of it JSON."""
        return asdict(self)
