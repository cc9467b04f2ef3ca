"""docs/backbones.md says what the code does: every family, every net, every refusal."""

import pytest
from backbone_page import code, nets, table

from bareface.settings.spec import ImageSpec
from bareface.targets.build import PLANS
from bareface.targets.conventions import Convention
from bareface.targets.families import FAMILIES
from bareface.targets.unsupported_architectures import FACTORY, STRANGERS
from bareface.targets.unwrap import CONTAINERS, PREFIXES

NAMES = list(dict.fromkeys(family.name for family in FAMILIES))


def test_every_family_and_every_net_is_listed_once() -> None:
    for columns in (("family", "zoo"), ("family", "recognised by")):
        assert sorted(code(row[0])[0] for row in table(*columns)) == sorted(NAMES)
    assert set(nets()) == set(PLANS)
    assert all(row[3] for row in table("family", "zoo")), "each says how it was held against its original"


def test_the_rows_of_the_research_are_there() -> None:
    zoos = " ".join(row[1] for row in table("family", "zoo"))
    for zoo in ("AdaFace", "CVLFace", "MagFace", "TreB1eN", "face.evoLVe", "FaceX-Zoo", "facenet-pytorch", "foamliu"):
        assert zoo in zoos
    for zoo in ("arcface_torch", "Xiaoccer", "LH-and-FPGA", "ronghuaiyang", "torchvision", "timm", "LightCNN"):
        assert zoo in zoos


def fed(convention: Convention) -> str:
    spec = ImageSpec(1, 1, convention.order, convention.mean, convention.std)
    return str(spec).removeprefix("1x1 ")


@pytest.mark.parametrize("name", NAMES)
def test_marks_and_conventions_are_those_of_the_code(name: str) -> None:
    row = next(row for row in table("family", "recognised by") if code(row[0]) == [name])
    families = [family for family in FAMILIES if family.name == name]
    assert code(row[1]) == [mark for family in families for mark in family.marks]
    for wrapper, convention in families[0].conventions:
        inside = f" (inside `{wrapper}`)" if wrapper else ""
        assert f"{convention.project}{inside}: {fed(convention)}" in row[3]
    assert row[3].count(": ") == len(families[0].conventions)


def test_every_refusal_is_listed_with_its_marks_and_advice() -> None:
    listed = [(row[0], tuple(code(row[1])), row[2]) for row in table("what it is")]
    assert listed == [
        (stranger.name, stranger.marks, "a factory" if stranger.advice == FACTORY else stranger.advice)
        for stranger in STRANGERS
    ]


def test_the_wrappers_that_are_named_come_off() -> None:
    told = " ".join(name for row in table("the file holds") for name in code(row[0]))
    named = {"net_state_dict", "model_state_dict", "state_dict", "model", "net", "backbone", "state_dict_backbone"}
    assert named <= set(CONTAINERS)
    assert all(name in told for name in named)
    assert {prefix for prefix in PREFIXES if prefix in told} >= {"module.", "model.", "backbone.", "net.", "vit."}
