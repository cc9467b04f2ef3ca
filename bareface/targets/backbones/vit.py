"""The vision transformer of InsightFace (arcface_torch) and CVLFace. Not normalised at the end.

What it tests:
Whether a checkpoint is one of these nets, by the names and shapes of its tensors alone.

What the attacker needs:
The weights of the whole backbone.

How it works:
Patches without a class token, pre-norm blocks with ReLU6, and all tokens together through two linear maps, each
followed by BatchNorm: the only two BatchNorm layers of the net. In training the originals also hide some of the
patches; this one never does, so `mask_token` is kept and not used.

Known limits:
Its only two BatchNorm layers stand at the end.

Reference:
Dosovitskiy et al., ICLR 2021, arXiv 2010.11929; arcface_torch and CVLFace.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from bareface.settings.spec import ImageSpec
from bareface.targets.backbones.plan import Reading, Shapes, at_least, count, sides

# Side of the face crops that both projects cut into patches.
USUAL = 112


@dataclass(frozen=True)
class ViTPlan:
    """A vision transformer in numbers.

    Attributes:
        patch: side of a patch in pixels.
        width: numbers of a token.
        depth: how many blocks.
        hidden: numbers inside the two-layer network of a block.
        mask_token: whether the token of hidden patches is in the file; of no effect.
    """

    patch: int
    width: int
    depth: int
    hidden: int
    mask_token: bool = field(default=True, compare=False)

    @property
    def heads(self) -> int:
        """How many heads attend, which no shape tells: 8 in both projects, but 16 in CVLFace's base net."""
        return 16 if (self.patch, self.hidden) == (8, 3 * self.width) else 8

    def net(self, spec: ImageSpec, embedding_size: int = 512) -> nn.Module:
        """The backbone, freshly drawn.

        Raises:
            TargetError: the input is smaller than a patch.
        """
        at_least(self.patch, spec, "a vision transformer")
        return VisionTransformer(self, spec, embedding_size)


def read_vit(shapes: Shapes) -> Reading:
    """A vision transformer: how many blocks and how wide."""
    width, channels, patch, _ = shapes["patch_embed.proj.weight"]
    hidden = shapes["blocks.0.mlp.fc1.weight"][0]
    plan = ViTPlan(patch, width, count(shapes, r"blocks\.(\d+)\."), hidden, "mask_token" in shapes)
    if width % plan.heads:
        raise ValueError(f"blocks.0.attn.qkv.weight: {width} numbers do not divide among {plan.heads} heads")
    caveat = "" if plan in VIT_PLANS.values() else f"no shape tells how many heads attend; {plan.heads} are assumed"
    size = _size(shapes["pos_embed"][1], patch)
    return Reading(plan, channels, size, shapes["feature.2.weight"][0], caveat=caveat)


def _size(tokens: int, patch: int) -> tuple[int, int]:
    """112x112 where it is cut into so many patches, for what does not fill a patch is cut off."""
    height, width = sides(tokens, patch)
    return (USUAL, USUAL) if height == width == USUAL // patch * patch else (height, width)


class Patches(nn.Module):
    """The image, cut into squares, each mapped to a token; what does not fill a square is cut off."""

    def __init__(self, channels: int, plan: ViTPlan) -> None:
        super().__init__()
        self.proj = nn.Conv2d(channels, plan.width, plan.patch, plan.patch)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, height, width) to (n, tokens, numbers)."""
        tokens: Tensor = self.proj(x)
        return tokens.flatten(2).transpose(1, 2)


class Attention(nn.Module):
    """Every token looks at every token."""

    def __init__(self, plan: ViTPlan) -> None:
        super().__init__()
        self.heads = plan.heads
        self.qkv = nn.Linear(plan.width, 3 * plan.width, bias=False)
        self.proj = nn.Linear(plan.width, plan.width)

    def forward(self, x: Tensor) -> Tensor:
        """(n, tokens, numbers) to the same shape."""
        query, key, value = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        weight = (query @ key.transpose(2, 3) * query.shape[3] ** -0.5).softmax(3)
        out: Tensor = self.proj((weight @ value).transpose(1, 2).flatten(2))
        return out


class Mlp(nn.Module):
    """Two linear maps with a ReLU6 between."""

    def __init__(self, plan: ViTPlan) -> None:
        super().__init__()
        self.fc1 = nn.Linear(plan.width, plan.hidden)
        self.act = nn.ReLU6()
        self.fc2 = nn.Linear(plan.hidden, plan.width)

    def forward(self, x: Tensor) -> Tensor:
        """(..., numbers) to the same shape."""
        out: Tensor = self.fc2(self.act(self.fc1(x)))
        return out


class TransformerBlock(nn.Module):
    """Attention and a small network, each behind a LayerNorm and added to its input."""

    def __init__(self, plan: ViTPlan) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(plan.width)
        self.norm2 = nn.LayerNorm(plan.width)
        self.attn = Attention(plan)
        self.mlp = Mlp(plan)

    def forward(self, x: Tensor) -> Tensor:
        """(n, tokens, numbers) to the same shape."""
        x = x + self.attn(self.norm1(x))
        out: Tensor = x + self.mlp(self.norm2(x))
        return out


class VisionTransformer(nn.Module):
    """(n, channels, height, width) to (n, embedding_size)."""

    def __init__(self, plan: ViTPlan, spec: ImageSpec, embedding_size: int) -> None:
        super().__init__()
        tokens = (spec.height // plan.patch) * (spec.width // plan.patch)
        self.pos_embed = nn.Parameter(torch.empty(1, tokens, plan.width))
        if plan.mask_token:
            self.mask_token = nn.Parameter(torch.empty(1, 1, plan.width))
        self.patch_embed = Patches(spec.channels, plan)
        self.blocks = nn.Sequential(*(TransformerBlock(plan) for _ in range(plan.depth)))
        self.norm = nn.LayerNorm(plan.width)
        self.feature = nn.Sequential(
            nn.Linear(plan.width * tokens, plan.width, bias=False),
            nn.BatchNorm1d(plan.width),
            nn.Linear(plan.width, embedding_size, bias=False),
            nn.BatchNorm1d(embedding_size),
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw afresh what belongs to no layer: the positions, and the token of hidden patches."""
        for parameter in self.parameters(recurse=False):
            nn.init.trunc_normal_(parameter, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, height, width) to (n, embedding_size)."""
        tokens = self.norm(self.blocks(self.patch_embed(x) + self.pos_embed))
        embedding: Tensor = self.feature(tokens.flatten(1))
        return embedding


VIT_PLANS = {
    "vit-t": ViTPlan(9, 256, 12, 1024),
    "vit-s": ViTPlan(9, 512, 12, 2048),
    "vit-b": ViTPlan(9, 512, 24, 2048),
    "vit-l": ViTPlan(9, 768, 24, 3072),
    "vit-h": ViTPlan(9, 1024, 48, 4096),
    "cvlface-vit-small": ViTPlan(8, 512, 12, 2560, mask_token=False),
    "cvlface-vit-base": ViTPlan(8, 512, 24, 1536, mask_token=False),
}
