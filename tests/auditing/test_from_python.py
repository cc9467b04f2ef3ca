"""What a Python program may bring to an audit, and what it is told where that is wrong."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import bareface
from bareface.errors import RosterError, TargetError, UsageError
from bareface.rosters.roster import Roster
from bareface.settings.spec import ImageSpec
from bareface.synthetic import write_folder
from bareface.targets.in_memory import target_from
from bareface.targets.table import EmbeddingTable

SIZE = 16
SPEC = f"{SIZE}x{SIZE}:RGB:127.5/128"


class Net(nn.Module):
    """A backbone as anybody writes one."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(256, 8))

    def forward(self, pixels: Tensor) -> Tensor:
        return self.layers(pixels)  # type: ignore[no-any-return]


def normalised(image: Any) -> Tensor:
    """As SPEC says it."""
    return (torch.from_numpy(np.asarray(image, np.float32).copy()).permute(2, 0, 1) - 127.5) / 128


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders with eleven rendered people each, two photos of each."""
    home = tmp_path_factory.mktemp("python")
    for number, name in enumerate(("members", "others")):
        write_folder(home / name, people=11, images=2, size=SIZE, seed=3, first_identity=100 * number)
    return home


@pytest.fixture(scope="module")
def net() -> Net:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Net()


def embedded(net: Net, paths: list[Path]) -> np.ndarray:
    """(n, 8) what the net says of image files."""
    images = torch.stack([normalised(opened_as_rgb(path)) for path in paths])
    with torch.inference_mode():
        found: np.ndarray = net.eval()(images).numpy()
    return found


def opened_as_rgb(path: Path) -> Any:
    with Image.open(path) as opened:
        return opened.convert("RGB")


def test_every_way_to_bring_a_network_gives_the_same_answers(people: Path, net: Net) -> None:
    roster = bareface.read_people(people / "members", "member")
    pixels = torch.stack(
        [torch.from_numpy(np.asarray(opened_as_rgb(path)).copy()).permute(2, 0, 1) for path in roster.paths]
    )
    brought: dict[str, Any] = {
        "module": target_from(net, roster.image, SPEC, None),
        "function": target_from(lambda pixels: net(pixels).detach().numpy(), roster.image, SPEC, None),
        "transform": target_from(net, roster.image, SPEC, normalised),
        "spec as such": target_from(net, roster.image, ImageSpec(SIZE, SIZE, std=(128.0,)), None),
    }
    expected = embedded(net, roster.paths)
    for name, target in brought.items():
        assert target.embed(pixels).detach().numpy() == pytest.approx(expected, rel=1e-4, abs=1e-5), name
    table = target_from(expected, roster.image, None, None)
    assert isinstance(table, EmbeddingTable)
    assert table.values[:, 0] == pytest.approx(expected)


def test_two_functions_that_answer_differently_are_two_targets() -> None:
    one, other = (target_from(lambda pixels, k=k: pixels.flatten(1) * k, (), SPEC, None) for k in (1, 2))
    again = target_from(lambda pixels: pixels.flatten(1) * 1, (), SPEC, None)
    assert one.sha256 != other.sha256
    assert again.sha256 == one.sha256


def test_a_module_and_folders_become_an_audit(people: Path, net: Net, tmp_path: Path) -> None:
    said = bareface.audit(
        net, spec=SPEC, members=people / "members", nonmembers=people / "others", attacks="embedding-norm",
        selfcheck="skip", run=tmp_path / "run",
    )  # fmt: skip
    assert said.target.architecture == "Net"
    assert [(one.role, one.people) for one in said.roles] == [("member", 11), ("outside", 11)]
    assert len(repr(said).splitlines()) == 2
    assert repr(said).startswith(str(said.verdict))
    (row,) = said.rows()
    assert (row["attack"], row["verdict"]) == (said.findings[0].label, str(said.findings[0].verdict))
    assert said.findings[0].label in said._repr_html_()
    assert "<!doctype html>" in bareface.render_html(said).lower()
    assert bareface.read_evidence(tmp_path / "run") == bareface.read_evidence(str(tmp_path / "run")) == said


def test_lists_and_tables_of_columns_do_as_folders_do(people: Path, net: Net, tmp_path: Path) -> None:
    files = {name: sorted((people / name).glob("*/*.png")) for name in ("members", "others")}
    both = [*files["members"], *files["others"]]
    table = pa.table({"image": [str(path) for path in both], "embedding": embedded(net, both).tolist()})
    said = [
        bareface.audit(
            target, members=members, nonmembers=[(path, path.parent.name) for path in files["others"]],
            attacks="embedding-norm", run=tmp_path / str(number),
        ).findings[0].image
        for number, (target, members) in enumerate(
            [(table, files["members"]), (embedded(net, both), people / "members")]
        )
    ]  # fmt: skip
    assert said[0] is not None
    assert said[0] == said[1]


class Photos:
    """A data set as torch has them: (image, label) by number."""

    def __init__(self, paths: list[Path], image: Callable[[Path], Any], label: Callable[[int], Any]) -> None:
        self.paths, self.image, self.label = paths, image, label

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, number: int) -> tuple[Any, Any]:
        path = self.paths[number]
        return self.image(path), self.label(int(path.parent.name[1:]))


def test_a_dataset_does_as_its_files_do(people: Path, net: Net, tmp_path: Path) -> None:
    files = {name: sorted((people / name).glob("*/*.png")) for name in ("members", "others")}
    arrays = Photos(files["others"], lambda path: np.asarray(opened_as_rgb(path)), "p{:05}".format)
    brought = {
        "files": files,
        "a data set": {"members": Photos(files["members"], opened_as_rgb, torch.tensor), "others": arrays},
        "a list of pairs": {
            "members": [(opened_as_rgb(path), path.parent.name) for path in files["members"]], "others": arrays,
        },
    }  # fmt: skip
    stages: set[str] = set()
    said = {
        name: bareface.audit(
            net, spec=SPEC, members=given["members"], nonmembers=given["others"], attacks="embedding-norm",
            selfcheck="skip", run=tmp_path / name, progress=lambda stage, *_: stages.add(stage),
        )
        for name, given in brought.items()
    }  # fmt: skip
    assert {(one.role, one.people, one.images) for one in said["a data set"].roles} == {
        ("member", 11, 22), ("outside", 11, 22)
    }  # fmt: skip
    measured = said["files"].findings[0].image
    assert measured is not None
    assert measured == said["a list of pairs"].findings[0].image
    assert {"writing member images", "writing outside images"} <= stages
    written = sorted((tmp_path / "a data set-images/member").iterdir())
    assert [path.stat().st_mode & 0o777 for path in written] == [0o600] * 22
    dates = [path.stat().st_mtime_ns for path in written]
    again = bareface.audit(
        net, spec=SPEC, members=brought["a data set"]["members"], nonmembers=arrays, attacks="embedding-norm",
        selfcheck="skip", run=tmp_path / "a data set",
    )  # fmt: skip
    assert again == said["a data set"]
    assert [path.stat().st_mtime_ns for path in written] == dates


GREY = Image.new("L", (8, 8), 7)
DATASET_MISTAKES: dict[str, tuple[object, str]] = {
    "no data set": (7, "the member people: got a int; expected a folder, a pack, a roster, paths of images, or a data"),
    "a stream": (iter([(GREY, 1)]), "got a list_iterator; expected .* a data set with a length and items by number"),
    "an empty one": ([], "got an empty list; expected at least one image"),
    "images alone": ([GREY], "got a Image for number 0; expected pairs of a PIL image"),
    "tensors": (
        [(torch.zeros(3, 8, 8), 1)],
        r"got a Tensor of torch.float32 \(3, 8, 8\) as image 0; .* Try: the data set without its transform",
    ),
    "a grey array": ([(np.zeros((8, 8), np.uint8), 1)], r"got a ndarray of uint8 \(8, 8\) as image 0"),
    "a label of floats": ([(GREY, 0.5)], "got the label 0.5 for image 0; expected who is on it: a whole number or"),
    "one-hot labels": ([(GREY, np.eye(3)[0])], "got the label array.* expected who is on it"),
    "a later mistake": ([(GREY, "a"), (GREY, None)], "got the label None for image 1"),
    "a dict": ({"a": GREY}, r"got KeyError \(0\) for number 0; expected pairs"),
}  # fmt: skip


@pytest.mark.parametrize("name", DATASET_MISTAKES)
def test_a_dataset_that_is_none_gets_a_sentence(name: str, tmp_path: Path) -> None:
    given, told = DATASET_MISTAKES[name]
    with pytest.raises(RosterError, match=told):
        bareface.audit("net", members=given, nonmembers="others", run=tmp_path / "run")  # type: ignore[arg-type]


def test_random_augmentation_is_noticed(tmp_path: Path) -> None:
    drawn = iter(range(100))
    random = Photos([Path("p1/0.png")] * 4, lambda path: Image.new("RGB", (SIZE, SIZE), (next(drawn), 0, 0)), int)
    with pytest.raises(RosterError, match=r"got another image for number 0 .* Try: the data set without random"):
        bareface.audit("net", members=random, nonmembers="others", run=tmp_path / "run")


def test_rosters_add_up(people: Path) -> None:
    both = bareface.read_people(people / "members", "member") + bareface.read_people(people / "others", "outside")
    assert both.head_count() == {"member": (11, 22), "outside": (11, 22)}
    assert all(path.exists() for path in both.paths)


def roster() -> Roster:
    return Roster(Path(), ("a.png", "b.png"), np.array(["a", "b"]), np.array(["member", "outside"]))


MISTAKES: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "a module alone": (lambda: bareface.audit(Net(), roster()), TargetError, "module Net without its input; .*spec="),
    "a function alone": (lambda: bareface.audit(len, roster()), TargetError, "got the function without its input"),
    "a module of another size": (
        lambda: bareface.audit(Net(), roster(), spec="112x96"), TargetError,
        r"Net: got RuntimeError \(.*\) for images of 112x96 RGB.*; expected the spec of images that it takes. Try: ",
    ),
    "a function of another number of channels": (
        lambda: target_from(Net().eval(), (), "16x16:GRAY", None), TargetError, "for images of 16x16 GRAY",
    ),
    "a function that fails": (
        lambda: target_from(lambda pixels: pixels @ pixels[0, 0, :3], (), SPEC, None), TargetError,
        "the function: got RuntimeError .* for images of 16x16 RGB",
    ),
    "nothing of use": (lambda: bareface.audit(7, roster()), TargetError, "got a int; expected a path"),
    "embeddings of others": (
        lambda: bareface.audit(np.ones((3, 4)), roster()), TargetError, "got 3 embeddings for 2 images",
    ),
    "words for embeddings": (lambda: bareface.audit(np.array(["a"]), roster()), TargetError, "got an array of <U1"),
    "columns of other names": (
        lambda: bareface.audit(pa.table({"path": ["a"], "vector": [[1.0]]}), roster()), TargetError,
        "got the columns path, vector; expected the columns image and embedding",
    ),
    "uneven embeddings": (
        lambda: bareface.audit(pa.table({"image": ["a", "b"], "embedding": [[1.0], [1.0, 2.0]]}), roster()),
        TargetError, r"got embeddings of \[1, 2\] numbers",
    ),
    "nobody": (lambda: bareface.audit("net"), UsageError, "got nobody; expected a roster, or people by role"),
    "everybody twice": (
        lambda: bareface.audit("net", roster(), members=roster()), UsageError, "got a roster and member people",
    ),
    "game for games": (
        lambda: bareface.audit("net", roster(), game=["dataset"]),  # type: ignore[call-arg]
        UsageError, "got the argument game; .* Did you mean games?",
    ),
    "a transform that fails": (
        lambda: target_from(Net(), (), SPEC, lambda image: image.shape), TargetError,
        r"transform: got AttributeError \(.*\); expected a function of one PIL image",
    ),
    "a transform that makes no tensor": (
        lambda: target_from(Net(), (), SPEC, lambda image: image), TargetError, "transform: got a Image returned",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_python_is_a_sentence(name: str) -> None:
    call, kind, told = MISTAKES[name]
    with pytest.raises(kind, match=told):
        call()
