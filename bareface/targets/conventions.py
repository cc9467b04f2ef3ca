"""How the projects feed their nets: conventions are those of their own loaders."""

from dataclasses import dataclass

from bareface.settings.spec import ChannelOrder

HALF = (127.5,)
IMAGENET_MEAN, IMAGENET_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


@dataclass(frozen=True)
class Convention:
    """How a project feeds its nets.

    Attributes:
        project: whose convention this is.
        order, mean, std: as in `ImageSpec`. The first convolution has the last word: nets of one input channel are
            fed grey whatever the order, and nets of three RGB where the project's own are grey.
        caveat: what the keys cannot tell; empty where they tell everything.
        eps, momentum: of its BatchNorm layers.
        trains_faces: whether the project's nets recognise faces; nets of one that does not may have learnt anything.
    """

    project: str
    order: ChannelOrder = "RGB"
    mean: tuple[float, ...] = HALF
    std: tuple[float, ...] = HALF
    caveat: str = ""
    eps: float = 1e-5
    momentum: float = 0.1
    trains_faces: bool = True


INSIGHTFACE = Convention("InsightFace arcface_torch")
MAGFACE = Convention(
    *("MagFace", "BGR", (0.0,), (255.0,)),
    caveat="taken for a net of MagFace because its weights lie under `features.`",
    eps=2e-5,
    momentum=0.9,
)
INSIGHTFACE_VIT = Convention("InsightFace arcface_torch", eps=2e-5)
CVLFACE = Convention("CVLFace")
CVLFACE_VIT = Convention("CVLFace", eps=2e-5)
ADAFACE = Convention("AdaFace", "BGR", caveat="a net of CVLFace has the same keys and takes RGB; BGR is assumed")
EVOLVE = Convention(
    "face.evoLVe", caveat="TreB1eN fed BGR and face.evoLVe RGB to nets with these very keys; RGB is assumed"
)
FACEX_ZOO = Convention(
    *("FaceX-Zoo", "BGR", HALF, (128.0,)),
    caveat="taken for a net of FaceX-Zoo because its weights lie under `backbone.`",
)
EVOLVE_RESNET = Convention("face.evoLVe")
XIAOCCER = Convention("Xiaoccer/MobileFaceNet_Pytorch", std=(128.0,))
FOAMLIU = Convention("foamliu", mean=IMAGENET_MEAN, std=IMAGENET_STD)
RONGHUAIYANG = Convention("ronghuaiyang/arcface-pytorch", "GRAY")
FACENET = Convention(
    "facenet-pytorch",
    std=(128.0,),
    caveat="a mean over the last map takes any size; 160x160 is the project's",
    eps=1e-3,
)
TORCHVISION = Convention(
    *("torchvision and timm", "RGB", IMAGENET_MEAN, IMAGENET_STD),
    caveat="these projects train no face nets: 112x112 and ImageNet's normalisation are assumed",
    trains_faces=False,
)
LIGHTCNN = Convention("AlfredXiangWu/LightCNN", "GRAY", (0.0,), (255.0,))
SPHEREFACE = Convention("clcarwin/sphereface_pytorch", "BGR", std=(128.0,))
