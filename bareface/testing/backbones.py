"""What every family of backbones must keep to, whoever wrote it."""

import torch

from bareface.settings.spec import ImageSpec
from bareface.targets.families import FAMILIES, Family
from bareface.targets.recognise import assemble, recognise, shapes_of
from bareface.testing.expect import expect, expect_page


def check_backbone_family(family: Family, *, spec: ImageSpec | None = None, embedding_size: int = 32) -> None:
    """Check that each of a family's plans is told from its tensors alone, and built again with the same answers.

    Args:
        family: with at least one plan in `plans`.
        spec: the input that its nets are built for; 112 x 112 RGB if nobody says.
        embedding_size: of the nets that are built.

    Raises:
        AssertionError: it breaks the contract; the message says in what.
    """
    expect_page(family, family.name)
    expect(family.plans, "a family has a plan at least, by the name of its architecture")
    for name in family.plans:
        _check_plan(family, name, spec or ImageSpec(112, 112), embedding_size)


def _check_plan(family: Family, name: str, spec: ImageSpec, embedding_size: int) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = family.plans[name].net(spec, embedding_size).eval()
    tensors = dict(net.state_dict())
    shapes = shapes_of(tensors)
    expect(family.owns(shapes), f"{name} has the marks of its family")
    rivals = [other.name for other in FAMILIES if other.name != family.name and other.owns(shapes)]
    expect(not rivals, f"{name} has the marks of no family of bareface", ", ".join(rivals))
    reading = family.read(shapes)
    expect(reading.plan == family.plans[name], f"the plan of {name} is read off its shapes", reading.plan)
    expect(reading.embedding_size == embedding_size, "the embedding's size is read", reading.embedding_size)
    expect(not any(one in shapes for one in reading.head), "no tensor of the backbone is taken for its head")
    known = recognise(shapes) if _is_offered(family) else None
    if known is not None:
        expect(known.architecture == name, f"{name} is recognised by its name", known.architecture)
        again = assemble(known, tensors, name).eval()
        pixels = torch.rand(2, reading.channels, spec.height, spec.width)
        with torch.no_grad():
            same = torch.allclose(again(pixels), net(pixels), rtol=1e-4, atol=1e-5)
        expect(same, f"{name}, built again, gives the same embeddings")


def _is_offered(family: Family) -> bool:
    """Whether the family is one of ours, or its package is installed with its entry point."""
    from bareface.targets.families import families

    return family in families()
