"""What every plug-in of the house must keep to; the same checks are published for other people's."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from packed import as_lmdb, as_records, as_tar

from bareface.faces.packs.pack import FORMATS, Format
from bareface.inversion.generators import GENERATORS
from bareface.inversion.objectives import OBJECTIVES
from bareface.membership import ATTACKS
from bareface.registry import Registry, prose
from bareface.settings.spec import ImageSpec
from bareface.synthetic import write_folder
from bareface.targets.build import PLANS
from bareface.targets.families import BACKBONES, FAMILIES, Family
from bareface.testing import (
    LinearGenerator,
    check_backbone_family,
    check_defence,
    check_format,
    check_generator,
    check_generator_kind,
)
from bareface.tracking import TRACKERS
from bareface.training.defence import Defence
from bareface.training.defences import DEFENCES, defences

KINDS = (ATTACKS, OBJECTIVES, DEFENCES, GENERATORS, BACKBONES, FORMATS, TRACKERS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.what)
def test_every_plugin_has_its_page_under_the_headings_of_its_kind(kind: Registry[object]) -> None:
    for name, plugin in kind.available().items():
        page = prose(plugin, kind.headings)
        assert set(kind.headings) <= set(page.sections), name
        assert page.title, name
    assert kind.unavailable() == ()


@pytest.mark.parametrize("kind", [pytest.param(kind, id=name) for name, kind in defences().items()])
def test_every_defence_keeps_to_the_contract(kind: type[Defence]) -> None:
    if kind.name == "dp-sgd":
        pytest.importorskip("opacus")
    check_defence(kind)


@pytest.mark.parametrize("name", ["shipped", "rendered"])
def test_the_generators_that_come_along_keep_to_the_contract(name: str) -> None:
    check_generator_kind(GENERATORS.get(name), name)


def test_the_toy_generator_keeps_to_the_contract_of_its_space() -> None:
    check_generator(replace(LinearGenerator.drawn(), spaces=("z",)))


def smallest(family: Family) -> Family:
    """The family with the one of its plans that has the fewest numbers."""
    sizes = {}
    for name, plan in PLANS.items():
        with torch.device("meta"):
            net = plan.net(ImageSpec(112, 112), 32)
        shapes = {key: tuple(value.shape) for key, value in net.state_dict().items()}
        if next(one for one in FAMILIES if one.owns(shapes)) == family:
            sizes[name] = sum(value.numel() for value in net.parameters())
    name = min(sizes, key=lambda one: sizes[one])
    return replace(family, plans={name: PLANS[name]})


@pytest.mark.parametrize("family", [f for f in FAMILIES if f.name in ("mobilefacenet", "mbf", "ir", "lightcnn")][:3],
                         ids=lambda family: family.name)  # fmt: skip
def test_families_keep_to_the_contract(family: Family) -> None:
    check_backbone_family(smallest(family))


@pytest.mark.parametrize(("name", "write"), [("rec", as_records), ("tar", as_tar), ("lmdb", as_lmdb)])
def test_every_format_keeps_to_the_contract(name: str, write: Callable[[Path, Path], Path], tmp_path: Path) -> None:
    folder = tmp_path / "faces"
    write_folder(folder, people=2, images=2, size=16, seed=5)
    pack = write(folder, tmp_path / f"train.{name}")
    form: Format = FORMATS.get(name)
    images = sorted(folder.glob("*/*"))
    people = sorted({path.parent.name for path in images})
    if name == "rec":
        named = {str(i): (str(people.index(path.parent.name)), path) for i, path in enumerate(images, start=1)}
    else:
        named = {f"{path.parent.name}/{path.name}": (path.parent.name, path) for path in images}
    check_format(form, pack, {key: (who, path.read_bytes()) for key, (who, path) in named.items()})
