"""Backbones that bareface can name but does not build, and what to do about each."""

from dataclasses import dataclass

from bareface.targets.backbones.plan import Shapes, present

FACTORY = "a factory of your own, package.module:factory, that returns the module with its weights"


@dataclass(frozen=True)
class Unsupported:
    """A backbone that is known by its keys alone.

    Attributes:
        name: what it is.
        marks: keys of which it has all; one that ends in a dot stands for all that begin so.
        advice: what to try.
    """

    name: str
    marks: tuple[str, ...]
    advice: str = FACTORY

    def owns(self, shapes: Shapes) -> bool:
        """Whether tensors of these names are such a backbone."""
        return all(present(shapes, mark) for mark in self.marks)


_KEYPOINTS = "a black-box audit of its embeddings, since it asks for five facial points with every image"
_PATCHES = "patch_embed.proj.weight"
_CAVAFACE_IR = (
    "calling bn2, fc and features output_layer.0, output_layer.3 and output_layer.4: so renamed, it is an evolve-ir"
)
_CAVAFACE_MOBILE = "taking output_layer. off its keys: so renamed, it is an evolve-mobilefacenet"
_SHALLOW = "layer1.0.bn1.weight"

STRANGERS = (
    Unsupported(
        "CVLFace's vision transformer with keypoint-relative positions (KP-RPE)",
        (_PATCHES, "keypoint_linear."),
        _KEYPOINTS,
    ),
    Unsupported("CVLFace's vision transformer with relative positions (iRPE)", (_PATCHES, "blocks.0.attn.rpe_k.")),
    Unsupported("a vision transformer with BatchNorm over its tokens", (_PATCHES, "blocks.0.norm1.bn.")),
    Unsupported(
        "CVLFace's part-based vision transformer (PartFViT)", ("patch_emb.weight", "mobilenet.", "vit.pos_embed")
    ),
    Unsupported("CVLFace's Swin transformer", ("features.0.0.weight", "feature.3.running_mean")),
    Unsupported("a Swin transformer", (_PATCHES, "layers.0.blocks.0.attn.relative_position_bias_table")),
    Unsupported("a Swin transformer of torchvision", ("features.1.0.attn.relative_position_bias_table",)),
    Unsupported("a vision transformer of timm", (_PATCHES, "cls_token")),
    Unsupported("a vision transformer of torchvision", ("conv_proj.weight", "class_token")),
    Unsupported("a vision transformer", (_PATCHES,)),
    Unsupported("EdgeFace or another EdgeNeXt or ConvNeXt", ("stem.0.weight", "stages.0.blocks.0.conv_dw.weight")),
    Unsupported("a ConvNeXt of torchvision", ("features.0.0.weight", "features.1.0.layer_scale")),
    Unsupported("Inception-ResNet-v2", ("repeat_1.0.branch0.conv.weight", "conv2d_7b.conv.weight")),
    Unsupported("InceptionResnetV1 (facenet-pytorch) without its last BatchNorm", ("repeat_1.0.branch0.conv.weight",)),
    Unsupported("cavaface's IR net", ("body.0.res_layer.4.running_mean", "features.running_mean"), _CAVAFACE_IR),
    Unsupported("cavaface's MobileFaceNet", ("conv_23.conv.conv.weight", "output_layer.conv_6_dw."), _CAVAFACE_MOBILE),
    Unsupported("a MobileFaceNet with a GNAP tail", ("conv_23.conv.conv.weight", "output_layer.bn2.running_mean")),
    Unsupported("FaceX-Zoo's LightCNN", ("conv1.filter.weight", "output_layer.")),
    Unsupported("ronghuaiyang's ResNet without residual BatchNorm units", (_SHALLOW, "fc5.weight")),
    Unsupported("a ResNet with squeeze-and-excitation or ECA (timm)", (_SHALLOW, "layer1.0.se.")),
    Unsupported("a ResNet with a deep stem (timm)", (_SHALLOW, "conv1.0.weight")),
    Unsupported("an HRNet", ("stage2.0.branches.",)),
    Unsupported(
        "a ResNet without BatchNorm statistics (GroupNorm, or folded)",
        (_SHALLOW, "conv1.weight", "layer4.0.conv1.weight"),
    ),
    Unsupported("a pre-activation ResNet (timm)", ("stem.conv.weight", "stages.0.blocks.0.norm1.weight")),
    Unsupported("a RegNet", ("stem.conv.weight", "s1.b1.conv1.conv.weight")),
    Unsupported("a ResNeSt", ("body.layer1.0.bn1.weight", "input_layer.0.weight")),
    Unsupported("a residual attention network", ("attention_body.0.conv1.weight",)),
    Unsupported("a RepVGG", ("stage0.rbr_dense.conv.weight",)),
    Unsupported("a ReXNet", ("features.0.weight", "features.3.out.0.weight")),
    Unsupported("a net of TF-NAS", ("first_stem.conv.weight",)),
    Unsupported("a GhostNet", ("conv_stem.weight", "blocks.0.0.ghost1.")),
    Unsupported("an EfficientNet", ("_conv_stem.weight",)),
    Unsupported("a MobileNet or EfficientNet of timm", ("conv_stem.weight", "blocks.0.0.conv_dw.weight")),
    Unsupported("an Inception-v3", ("Conv2d_1a_3x3.conv.weight",)),
    Unsupported("foamliu's MobileNet", ("model.0.0.weight", "model.13.3.weight", "bn3.running_mean")),
    Unsupported("yakhyo's SphereFace net", ("layer1.0.0.weight", "layer1.1.block.0.0.weight")),
    Unsupported("yakhyo's MobileNetV1", ("stage1.0.0.weight", "output_layer.fc.0.weight")),
    Unsupported("yakhyo's MobileNetV2 or V3", ("features.0.0.weight", "output_layer.fc.0.weight")),
    Unsupported("a MobileNet of torchvision", ("0.0.weight", "1.conv.0.0.weight")),
    Unsupported("a MobileNet of torchvision", ("0.0.weight", "1.block.0.0.weight")),
    Unsupported("an EfficientNet of torchvision", ("0.0.weight", "1.0.block.0.0.weight")),
)
