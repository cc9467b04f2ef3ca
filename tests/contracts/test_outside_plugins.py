"""Each of the six kinds of plug-ins comes from a package of somebody else; a broken one harms nobody."""

import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from outside import install
from PIL import Image
from small_audit import SIDE, TERMS, network, small_audit
from typer.testing import CliRunner

import bareface
from bareface.auditing.inversion.generators import open_generator
from bareface.auditing.inversion.settings import InversionSettings
from bareface.auditing.inversion.stage import scene_for
from bareface.auditing.settings import attacks_named
from bareface.bench.bench import every_defence, make_defence
from bareface.cli.app import app
from bareface.errors import UsageError
from bareface.faces.contents import Contents
from bareface.faces.packs.pack import FORMATS
from bareface.faces.people import read_people
from bareface.inversion.generators import GENERATORS
from bareface.inversion.objectives import OBJECTIVES, objective_class
from bareface.inversion.objectives.membership import Membership
from bareface.membership import ATTACKS, attack_class, attacks
from bareface.registry import PluginWarning, prose
from bareface.settings.spec import ImageSpec
from bareface.targets.build import build
from bareface.targets.families import BACKBONES
from bareface.targets.recognise import recognise, shapes_of
from bareface.testing import (
    check_attack,
    check_backbone_family,
    check_defence,
    check_format,
    check_generator_kind,
    check_objective,
)
from bareface.training.defences import DEFENCES, defence_class

PAGE = '''"""{title}

What it tests:
Whether another package can bring one of these.

What the attacker needs:
That package.

How it works:
As its kind does.

Known limits:
It is an example.

Reference:
None.
"""
'''

ATTACK = (
    PAGE.format(title="Largest coordinate of the embedding.")
    + """
from typing import ClassVar

from pydantic.dataclasses import dataclass

from bareface.membership.engine import arrays as xp
from bareface.membership.base import PARAMETERS, FeatureAttack, Features
from bareface.membership.engine.features import Flip, views
from bareface.trace import Channel, Trace


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class LargestCoordinate(FeatureAttack):
    name: ClassVar[str] = "largest-coordinate"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.EMBEDDING, Channel.BN_DISTANCE})

    flip: Flip = "concat"

    def features(self, trace: Trace) -> Features:
        largest = xp.amax(abs(xp.exact(trace.channels[Channel.EMBEDDING])), -1)
        nearness = xp.log(xp.clip(xp.exact(trace.channels[Channel.BN_DISTANCE]), 1e-9))
        return xp.concat([views(largest, self.flip), views(nearness, self.flip)], 1)
"""
)

OBJECTIVE = (
    PAGE.format(title="The first coordinate of the embedding.")
    + """
from dataclasses import dataclass
from typing import ClassVar

from bareface.inversion.objectives.base import TargetObjective


@dataclass(frozen=True, eq=False)
class FirstCoordinate(TargetObjective):
    name: ClassVar[str] = "first-coordinate"
    siblings: ClassVar[int] = 1

    def measure(self, sight):
        return sight.by(self.target).direction[..., 0].mean((1, 2))
"""
)

DEFENCE = (
    PAGE.format(title="Embeddings with their sign turned.")
    + """
from dataclasses import replace
from typing import ClassVar

from pydantic.dataclasses import dataclass
from torch import nn

from bareface.training.defence import PARAMETERS, AnswerDefence


class Turned(nn.Module):
    def __init__(self, inner, times):
        super().__init__()
        self.inner, self.times = inner, times

    def forward(self, x):
        return -self.times * self.inner(x)


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class SignTurned(AnswerDefence):
    name: ClassVar[str] = "sign-turned"
    releases_head: ClassVar[bool] = False
    tried: ClassVar[tuple[str, ...]] = ("", "times=2.0")

    times: float = 1.0

    def answering(self, target, seed):
        return replace(target, module=Turned(target.module, self.times), centres=None)
"""
)

GENERATOR = (
    PAGE.format(title="Flat colours.")
    + """
from dataclasses import dataclass
from typing import ClassVar


import torch
from bareface.inversion.generator import Latents
from bareface.inversion.generators.base import GeneratorKind
from bareface.inversion.only_z import OnlyZ


@dataclass(frozen=True)
class Flat(OnlyZ):
    size: int
    name: str = "flat"
    alignment: str = "unknown"
    licence: str = "none"
    fingerprint: str = "flat 1"

    @property
    def z_like(self):
        return torch.zeros(3)

    def sample(self, n, generator):
        return Latents("z", torch.randn(n, 3, generator=generator))

    def render(self, latents, upto=None):
        z = self.z_of(latents, upto)
        return z.sigmoid()[:, :, None, None].expand(-1, -1, self.size, self.size)


@dataclass(frozen=True)
class FlatColours(GeneratorKind):
    name: ClassVar[str] = "flat-colours"
    origin: ClassVar[str] = "flat colours"
    suffixes: ClassVar[tuple[str, ...]] = (".flat",)

    def open(self, reference, wanted):
        return Flat(wanted.size)
"""
)

BACKBONE = (
    PAGE.format(title="A net of one convolution.")
    + """
from dataclasses import dataclass

from torch import nn

from bareface.targets.backbones.plan import Reading, sides
from bareface.targets.conventions import Convention
from bareface.targets.families import Family


@dataclass(frozen=True)
class OnePlan:
    width: int

    def net(self, spec, embedding_size=512):
        last = (spec.height // 4) * (spec.width // 4)
        return One(self.width, spec.channels, last, embedding_size)


class One(nn.Module):
    def __init__(self, width, channels, last, size):
        super().__init__()
        self.one_stem = nn.Conv2d(channels, width, 4, stride=4)
        self.one_norm = nn.BatchNorm2d(width)
        self.one_last = nn.Linear(width * last, size)

    def forward(self, x):
        return self.one_last(self.one_norm(self.one_stem(x)).flatten(1))


def read_one(shapes):
    width, channels, *_ = shapes["one_stem.weight"]
    size, columns = shapes["one_last.weight"]
    return Reading(OnePlan(width), channels, sides(columns // width, 4), size)


FAMILY = Family(
    "one",
    ("one_stem.weight", "one_norm.running_mean", "one_last.weight"),
    read_one,
    (("", Convention("Outside House", "BGR")),),
    plans={"one-small": OnePlan(4)},
)
"""
)

FORMAT = (
    PAGE.format(title="Zip archives of people, person/image.")
    + """
import zipfile

import numpy as np

from bareface.faces.decode import Flaw, FlawedImage
from bareface.faces.packs.pack import Format
from bareface.faces.packs.listing import Listing


class ZipPack:
    def __init__(self, path):
        self.path, self.archive = path, zipfile.ZipFile(path)

    def read(self, name):
        try:
            return self.archive.read(name)
        except KeyError:
            raise FlawedImage(f"{self.path}/{name}", Flaw.UNREADABLE, "not in it", "a member") from None

    def listing(self):
        names = tuple(sorted(self.archive.namelist()))
        return Listing(names, np.array([name.split("/")[0] for name in names]), numbered=False)


FORMAT = Format("people-zip", (".pzip",), ZipPack)
"""
)

SIX = {
    "bareface.attacks": {"largest-coordinate": "house_attack:LargestCoordinate"},
    "bareface.objectives": {"first-coordinate": "house_objective:FirstCoordinate"},
    "bareface.defences": {"sign-turned": "house_defence:SignTurned"},
    "bareface.generators": {"flat-colours": "house_generator:FlatColours"},
    "bareface.backbones": {"one": "house_backbone:FAMILY"},
    "bareface.formats": {"people-zip": "house_format:FORMAT"},
}
MODULES = {
    "house_attack": ATTACK,
    "house_objective": OBJECTIVE,
    "house_defence": DEFENCE,
    "house_generator": GENERATOR,
    "house_backbone": BACKBONE,
    "house_format": FORMAT,
}
KINDS = (ATTACKS, OBJECTIVES, DEFENCES, GENERATORS, BACKBONES, FORMATS)


@pytest.fixture(autouse=True)
def fresh_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test imports its own house."""
    for name in [*MODULES, "broken_house"]:
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(monkeypatch, tmp_path, MODULES, SIX)


@pytest.mark.usefixtures("house")
def test_six_kinds_come_from_another_package() -> None:
    for kind, named in zip(KINDS, SIX.values(), strict=True):
        (name,) = named
        assert kind.unavailable() == ()
        assert name in kind.available()
        assert prose(kind.get(name)).sections["Reference"] == "None."


@pytest.mark.usefixtures("house")
def test_an_outside_attack_keeps_the_contract_and_is_listed_and_explained() -> None:
    check_attack(attack_class("largest-coordinate"))
    listed = CliRunner().invoke(app, ["attacks"])
    assert "largest-coordinate" in listed.output
    told = CliRunner().invoke(app, ["attacks", "largest-coordinate"])
    assert "flip = concat" in told.output
    assert "Whether another package can bring one of these." in told.output
    (made,) = attacks_named("largest-coordinate:flip=mean")
    assert made.title() == "largest-coordinate (flip=mean)"


@pytest.mark.usefixtures("house")
def test_an_outside_attack_is_audited_and_steered_by_without_a_second_file(tmp_path: Path) -> None:
    audit = small_audit(tmp_path)
    bareface.audit(audit.target, audit.roster, attacks=["largest-coordinate"], run=tmp_path / "two", games=("dataset",),
                   selfcheck="report")  # fmt: skip
    record = bareface.invert(
        audit.target, audit.roster, [network(1), network(2)], run=tmp_path / "two", generator="rendered",
        attack="largest-coordinate", restarts=6, steps=2, candidates=12, pairs=1, views=4, photos=2, draws=20, seed=3,
    )  # fmt: skip
    optimised = next(arm for arm in record.arms if arm.arm == "optimised")
    assert optimised.status == "done"
    assert optimised.objective == Membership.name


@pytest.mark.usefixtures("house")
def test_an_outside_objective_is_searched_along_with_the_siblings_it_compares() -> None:
    kind = objective_class("first-coordinate")
    check_objective(kind)
    generator, _ = open_generator("rendered", size=SIDE, kept=Path("unused"))
    assert scene_for(generator, replace(TERMS, objective="first-coordinate")).siblings == 2
    assert InversionSettings(objective="2*first-coordinate+agreement").weighted[0] == (2.0, "first-coordinate")


@pytest.mark.usefixtures("house")
def test_an_outside_defence_is_on_the_bench() -> None:
    check_defence(defence_class("sign-turned"))
    assert [text for text in every_defence() if text.startswith("sign")] == ["sign-turned", "sign-turned:times=2.0"]
    made = make_defence("sign-turned:times=2.0")
    assert made is not None
    assert made.title() == "sign-turned (times=2.0)"
    assert "sign-turned" in CliRunner().invoke(app, ["bench", "list"]).output


@pytest.mark.usefixtures("house")
def test_an_outside_generator_is_opened_by_name_and_by_file(tmp_path: Path) -> None:
    check_generator_kind(GENERATORS.get("flat-colours"), "flat-colours")
    (tmp_path / "mine.flat").touch()
    for reference in ("flat-colours", str(tmp_path / "mine.flat")):
        made, origin = open_generator(reference, size=24, kept=tmp_path / "kept")
        assert (made.size, origin) == (24, "flat colours")


@pytest.mark.usefixtures("house")
def test_an_outside_family_is_recognised_and_built() -> None:
    check_backbone_family(BACKBONES.get("one"))
    module = build("one-small", spec=ImageSpec(64, 64), embedding_size=8)
    found = recognise(shapes_of(module.state_dict()))
    assert (found.architecture, found.embedding_size, str(found.spec)) == (
        "one-small", 8, "64x64 BGR, (x - 127.5) / 127.5"
    )  # fmt: skip
    with pytest.raises(bareface.errors.TargetError, match=r"one of the families .*, one\."):
        recognise({"nothing": (1,)})


@pytest.mark.usefixtures("house")
def test_an_outside_format_gives_people_and_their_images(tmp_path: Path) -> None:
    images = {}
    with zipfile.ZipFile(tmp_path / "faces.pzip", "w") as archive:
        for name in ("ada/1.png", "ada/2.png", "bob/1.png"):
            Image.fromarray(np.full((8, 8, 3), len(images), np.uint8)).save(tmp_path / "one.png")
            images[name] = name.split("/")[0], (tmp_path / "one.png").read_bytes()
            archive.writestr(name, images[name][1])
    check_format(FORMATS.get("people-zip"), tmp_path / "faces.pzip", images)
    roster = read_people(tmp_path / "faces.pzip", "member")
    assert roster.subject.tolist() == ["ada", "ada", "bob"]
    assert Contents().read(tmp_path / "faces.pzip" / "bob" / "1.png") == images["bob/1.png"][1]


BROKEN = {
    "no-module": ("no_such_module:Thing", "ModuleNotFoundError: No module named 'no_such_module'"),
    "raises": ("broken_house:Raises", "RuntimeError: the licence server is down"),
    "wrong-base": ("broken_house:Wrong", r"Wrong is no bareface\.membership\.base\.Attack"),
    "a-number": ("broken_house:NUMBER", r"a int is no bareface\.membership\.base\.Attack"),
    "abstract": ("broken_house:Abstract", "it is abstract"),
    "no-page": ("broken_house:NoPage", "got no 'What it tests'"),
    "bn-distance": ("broken_house:Clash", "bareface has attack 'bn-distance' of its own"),
}
SOURCES = {
    "Wrong": "class Wrong: name = 'wrong-base'\n",
    "NUMBER": "NUMBER = 3\n",
    "Abstract": "from bareface.membership.base import FeatureAttack\n"
    "class Abstract(FeatureAttack): name = 'abstract'\n",
    "NoPage": "from dataclasses import dataclass\nfrom bareface.membership.embedding_norm import EmbeddingNorm\n"
    "class NoPage(EmbeddingNorm): name = 'no-page'\n",
    "Clash": PAGE.format(title="Clash.") + "from bareface.membership.embedding_norm import EmbeddingNorm\n"
    "class Clash(EmbeddingNorm): name = 'bn-distance'\n",
    "Raises": "raise RuntimeError('the licence server is down')\n",
}


def break_with(name: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> str:
    """Install a package that offers one broken attack; returns what is wrong with it."""
    value, reason = BROKEN[name]
    source = SOURCES.get(value.partition(":")[2], "")
    install(monkeypatch, folder, {"broken_house": source}, {ATTACKS.group: {name: value}}, "broken-house")
    return reason


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_attack_is_a_warning_that_names_it(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    reason, value = break_with(name, monkeypatch, tmp_path), BROKEN[name][0]
    result = CliRunner().invoke(app, ["attacks"])
    assert result.exit_code == 0
    assert "subject-compactness" in result.stdout
    said = f"warning: attack '{name}' of the package broken-house ({name} = {value}) is unavailable: "
    assert said in result.stderr
    assert re.search(reason, result.stderr)
    assert len(attacks()) == len(ATTACKS.builtin())  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [name for name in BROKEN if name != "bn-distance"])
def test_who_asks_for_it_by_name_is_told_why(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    reason = break_with(name, monkeypatch, tmp_path)
    with pytest.raises(UsageError, match=rf"attack: got '{name}', which is unavailable; .*broken-house.*{reason}"):
        attack_class(name)
    result = CliRunner().invoke(app, ["attacks", name])
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_a_taken_name_stays_with_the_house(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    break_with("bn-distance", monkeypatch, tmp_path)
    assert attack_class("bn-distance").__module__ == "bareface.membership.bn_distance"


def test_two_packages_with_one_name_are_both_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for package in ("first-house", "second-house"):
        module = package.replace("-", "_")
        monkeypatch.delitem(sys.modules, module, raising=False)
        install(monkeypatch, tmp_path, {module: ATTACK},
                {ATTACKS.group: {"largest-coordinate": f"{module}:LargestCoordinate"}}, package)  # fmt: skip
    assert [one.package for one in ATTACKS.unavailable()] == ["first-house", "second-house"]
    with pytest.raises(UsageError, match=r"2 entry points offer this name \(first-house, second-house\)"):
        attack_class("largest-coordinate")


def test_an_audit_that_does_not_use_it_goes_on_with_a_warning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    audit = small_audit(tmp_path)
    break_with("raises", monkeypatch, tmp_path)
    with pytest.warns(PluginWarning, match="attack 'raises' of the package broken-house .*licence server is down"):
        evidence = bareface.audit(
            audit.target, audit.roster, attacks=["bn-distance"], run=tmp_path / "two", games=("dataset",),
            selfcheck="report",
        )  # fmt: skip
    assert [finding.attack for finding in evidence.findings] == ["bn-distance"]


COMMANDS = {
    "audit": ["audit", "--model", "gone.pt", "--members", "gone", "--nonmembers", "gone-too"],
    "invert": [
        "invert",
        "run",
        "--target",
        "gone.pt",
        "--roster",
        "gone.csv",
        "--generator",
        "rendered",
        "--judge",
        "j",
    ],
    "bench": ["bench", "defences", "--defence", "moat"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_asks_for_plugins_warns_and_goes_on_to_its_own_mistake(
    command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    break_with("raises", monkeypatch, tmp_path)
    result = CliRunner().invoke(app, COMMANDS[command])
    assert result.exit_code == 2
    assert "warning: attack 'raises' of the package broken-house" in result.stderr
    assert re.search("gone|moat", result.stderr.replace("\n", " ").split("is down")[1])
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("kind", "ask"),
    [
        (OBJECTIVES, lambda folder: objective_class("gone")),
        (DEFENCES, lambda folder: make_defence("gone")),
        (GENERATORS, lambda folder: open_generator("gone", size=16, kept=folder)),
        (BACKBONES, lambda folder: BACKBONES.get("gone")),
        (FORMATS, lambda folder: FORMATS.get("gone")),
    ],
    ids=lambda one: getattr(one, "what", ""),
)
def test_the_other_kinds_break_as_quietly(kind, ask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    before = list(kind.available())
    install(monkeypatch, tmp_path, {}, {kind.group: {"gone": "no_such_module:Thing"}}, "broken-house")
    assert list(kind.available()) == before
    (told,) = kind.unavailable()
    assert str(told).startswith(f"{kind.what} 'gone' of the package broken-house (gone = no_such_module:Thing)")
    with pytest.raises(UsageError, match=r"'gone', which is unavailable; .*No module named 'no_such_module'"):
        ask(tmp_path)


def test_a_list_of_attacks_needs_no_torch_whatever_is_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install(monkeypatch, tmp_path, MODULES, SIX)
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'outside-house')!r}); sys.modules['torch'] = None\n"
        "from bareface.cli.listing import list_attacks\n"
        "assert 'largest-coordinate' in list_attacks()"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
