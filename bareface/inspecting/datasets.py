"""Public training sets of face recognisers, by how many images and people they hold.

A short list of what published backbones say they were trained on. A set that is missing here, or a private one, is
not thereby excluded: the list can only say with what a number is consistent.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Dataset:
    """A training set.

    Attributes:
        name: with the edition, where several are in use.
        images: how many; None where only the number of people is published.
        identities: how many people.
        source: who states the numbers.
    """

    name: str
    images: int | None
    identities: int
    source: str


_ARCFACE = "InsightFace arcface_torch, configs/{}: num_image, num_classes"

DATASETS = (
    Dataset("CASIA-WebFace (InsightFace pack)", 490_623, 10_572, "records and `property` of the pack faces_webface"),
    Dataset("CASIA-WebFace (as published)", 494_414, 10_575, "Yi et al., arXiv 1411.7923"),
    Dataset("VGGFace2 (training part)", 3_141_890, 8_631, "Cao et al., arXiv 1710.08092; its TensorFlow Datasets card"),
    Dataset("MS1M-IBUG (MS1MV1)", 3_804_846, 85_164, "README of foamliu/InsightFace-v2"),
    Dataset("MS1M-v1c", None, 72_778, "FaceX-Zoo, training configurations"),
    Dataset("MS1MV2 (MS1M-ArcFace, emore)", 5_822_653, 85_742, _ARCFACE.format("ms1mv2_r50.py")),
    Dataset("MS1MV3 (MS1M-RetinaFace)", 5_179_510, 93_431, _ARCFACE.format("ms1mv3_r50.py")),
    Dataset("Glint360K", 17_091_657, 360_232, _ARCFACE.format("glint360k_r50.py")),
    Dataset("WebFace4M", 4_235_242, 205_990, _ARCFACE.format("wf4m_r50.py")),
    Dataset("WebFace12M", 12_720_066, 617_970, _ARCFACE.format("wf12m_r50.py")),
    Dataset("WebFace42M", 42_474_557, 2_059_906, _ARCFACE.format("wf42m_pfc02_r100.py")),
)
# Powers of two and their triples, and the round numbers of older recipes; all workers together, InsightFace's largest
# for convolutional nets is 8,192.
BATCH_SIZES = tuple(sorted({2**k for k in range(5, 14)} | {3 * 2**k for k in range(4, 12)} | {100, 200, 400}))
MOST_EPOCHS = 128
