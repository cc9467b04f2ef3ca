"""One small net of every family of backbones, by the family's name."""

from dataclasses import dataclass

import torch
from torch import Tensor

from bareface.settings.spec import ImageSpec
from bareface.targets.backbones.depthwise_mobilefacenet import DepthwiseMobileFaceNetPlan
from bareface.targets.backbones.evolve_mobilefacenet import EvolveMobileFaceNetPlan
from bareface.targets.backbones.face_resnet import FaceResNetPlan
from bareface.targets.backbones.inception import InceptionPlan
from bareface.targets.backbones.inverted import blocks
from bareface.targets.backbones.ir import IRPlan
from bareface.targets.backbones.iresnet import IResNetPlan
from bareface.targets.backbones.light_cnn import LightCNNPlan
from bareface.targets.backbones.mbf import MbfPlan
from bareface.targets.backbones.mobilefacenet import MobileFaceNetPlan
from bareface.targets.backbones.plan import Plan
from bareface.targets.backbones.resnet import ResNetPlan
from bareface.targets.backbones.sphereface import SphereFacePlan
from bareface.targets.backbones.vit import ViTPlan
from bareface.targets.target import Target

_BLOCKS = blocks((16, 8, 1, 2, 0), (24, 8, 1, 2, 0), (32, 8, 1, 2, 0))
_STAGES, _WIDTHS, _ONES = ((8, 1), (12, 1), (16, 1), (24, 1)), (8, 8, 16, 24), (1, 1, 1, 1)


SMALL = ImageSpec(48, 48)


@dataclass(frozen=True)
class TinyNet:
    """A plan and the input that a net of it is recognised to take."""

    plan: Plan
    spec: ImageSpec = SMALL

    def target(self, size: int = 12) -> Target:
        """A target with fresh weights and statistics of its own."""
        torch.manual_seed(5)
        module = self.plan.net(self.spec, size)
        for name, buffer in module.named_buffers():
            if buffer.is_floating_point():
                buffer.copy_(torch.rand_like(buffer) + (0.5 if name.endswith("var") else -0.5))
        return Target("tiny", "tiny", module, self.spec)

    def state(self, size: int = 12) -> dict[str, Tensor]:
        """The tensors of that target."""
        return dict(self.target(size).module.state_dict())


TINY = {
    "inception-resnet-v1": TinyNet(InceptionPlan((1, 1, 1)), ImageSpec(80, 80)),
    "vit": TinyNet(ViTPlan(9, 16, 1, 32), ImageSpec(45, 45)),
    "ir": TinyNet(IRPlan("adaface", 8, _STAGES)),
    "evolve-ir": TinyNet(IRPlan("evolve", 8, _STAGES)),
    "iresnet": TinyNet(IResNetPlan(_ONES, _WIDTHS)),
    "foamliu-resnet": TinyNet(FaceResNetPlan("foamliu", _ONES, _WIDTHS)),
    "ronghuaiyang-resnet": TinyNet(FaceResNetPlan("ronghuaiyang", _ONES, _WIDTHS, (2, 2, 2, 2))),
    "evolve-mobilefacenet": TinyNet(EvolveMobileFaceNetPlan(8, _BLOCKS, last=16)),
    "mobilefacenet": TinyNet(MobileFaceNetPlan(8, _BLOCKS, last=16)),
    "mbf": TinyNet(MbfPlan(8, _BLOCKS, last=16, groups=4)),
    "foamliu-mobilefacenet": TinyNet(DepthwiseMobileFaceNetPlan(8, _BLOCKS, last=16)),
    "evolve-resnet": TinyNet(ResNetPlan(_ONES, 8, _WIDTHS, (16, 16, 24, 32), tail="evolve"), ImageSpec(64, 64)),
    "resnet": TinyNet(ResNetPlan(_ONES, 8, _WIDTHS, _WIDTHS, bottleneck=False)),
    "lightcnn": TinyNet(LightCNNPlan("29", _ONES, (8, 8, 16, 8, 8), kernel=3)),
    "sphereface": TinyNet(SphereFacePlan(_ONES, _WIDTHS)),
}
