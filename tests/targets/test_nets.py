"""The backbone is found beside projectors and other nets; where nobody can tell which is meant, they are named."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from bareface.auditing.config_file import read_config
from bareface.errors import CheckpointError, UnsafeFileError
from bareface.inspecting.facts import facts_of, facts_text
from bareface.inspecting.lineage import lineage
from bareface.settings.spec import ImageSpec
from bareface.targets.backbones.iresnet import IResNetPlan
from bareface.targets.build import build
from bareface.targets.kinds import called_by_content, load_any
from bareface.targets.store import load_target

State = dict[str, Tensor]
NETS: dict[str, Callable[[], torch.nn.Module]] = {
    "ir-tiny": lambda: build("ir-tiny", spec=ImageSpec(32, 32), embedding_size=16),
    "iresnet-custom": lambda: IResNetPlan((1, 1, 1, 1), (4, 4, 8, 8)).net(ImageSpec(112, 112), 16),
    "mobilefacenet-micro": lambda: build("mobilefacenet-micro", spec=ImageSpec(112, 96), embedding_size=32),
}


@pytest.fixture(params=["ir-tiny", "iresnet-custom"])
def state(request: pytest.FixtureRequest) -> State:
    torch.manual_seed(0)
    return NETS[request.param]().state_dict()


def under(prefix: str, state: State) -> State:
    return {prefix + key: value for key, value in state.items()}


def other(state: State) -> State:
    """Another net of the same shapes."""
    return {key: value + 1 if value.is_floating_point() else value for key, value in state.items()}


NORM = {"1.running_mean": torch.zeros(16), "1.running_var": torch.ones(16), "1.weight": torch.ones(16)}
BESIDE: dict[str, Callable[[State], object]] = {
    "a projector beside backbone.": lambda s: {"state_dict": under("backbone.", s) | under("projector.", NORM)},
    "a projector beside bare keys": lambda s: s | under("projector.", NORM),
    "a head with BatchNorm, in DataParallel": lambda s: under("module.backbone.", s) | under("module.bn_head.", NORM),
    "an encoder and a predictor": lambda s: {"model": under("encoder.", s) | under("predictor.net.", NORM)},
    "a wrapper of no known name": lambda s: {"weights": under("trunk.base.", s) | under("trunk.proj.", NORM)},
    "a moving average of the parameters alone": lambda s: {
        "net": under("model.", s) | under("ema.", {k: v for k, v in s.items() if "running" not in k})
    },
}


@pytest.mark.parametrize("how", BESIDE)
def test_what_is_not_needed_for_the_embedding_is_left_over(how: str, state: State, tmp_path: Path) -> None:
    torch.save(BESIDE[how](state), tmp_path / "file.pt")
    loaded = load_target(tmp_path / "file.pt").module.state_dict()
    assert set(loaded) == set(state)
    assert all(torch.equal(loaded[key], value) for key, value in state.items())
    facts = facts_of(tmp_path / "file.pt")
    assert facts.known
    assert len(facts.norms) == facts.norms_expected
    assert any(left.name.startswith(("proj", "bn_head", "predictor", "ema", "trunk")) for left in facts.leftovers)
    assert facts.auditable.startswith("All attacks")


TWO: dict[str, tuple[Callable[[State, State], object], str, str]] = {
    "prefixes": (
        lambda a, b: {"state_dict": under("model.", a) | under("model_ema.module.", b)},
        "model",
        "model_ema.module",
    ),
    "student and teacher": (lambda a, b: under("student.", a) | under("teacher.", b), "student", "teacher"),
    "dicts": (lambda a, b: {"online": a, "target": b, "epoch": 3}, "online", "target"),
    "bare keys and a moving average": (lambda a, b: a | under("ema.", b), ".", "ema"),
    "momentum encoder": (
        lambda a, b: {"state_dict": under("module.encoder_q.", a) | under("module.encoder_k.", b)},
        *("encoder_q", "encoder_k"),
    ),
}


@pytest.mark.parametrize("how", TWO)
def test_two_whole_nets_are_both_named_and_either_can_be_chosen(how: str, state: State, tmp_path: Path) -> None:
    wrap, first, second = TWO[how]
    states = state, other(state)
    file = tmp_path / "two.pt"
    torch.save(wrap(*states), file)
    with pytest.raises(CheckpointError) as caught:
        load_target(file)
    assert "got 2 whole nets" in str(caught.value)
    for name, expected in ((first, states[0]), (second, states[1])):
        assert f"{file}#{name}" in str(caught.value)
        chosen = load_any(f"{file}#{name}")
        loaded = chosen.module.state_dict()  # type: ignore[union-attr]
        assert all(torch.equal(loaded[key], value) for key, value in expected.items())
        assert chosen.name == f"two#{name}"
    facts = facts_of(file)
    assert facts.nets == (first, second)
    assert f"two.pt#{first} or two.pt#{second}" in facts.auditable
    assert "2 of them are whole" in facts_text(facts)
    both = [Path(f"{file}#{name}") for name in (first, second)]
    assert lineage(both[0], facts_of(both[0]), both[1], facts_of(both[1])).kinship != "same file"
    with pytest.raises(CheckpointError, match="nothing called 'none' inside; expected"):
        load_target(f"{file}#none")


def test_records_name_the_net_and_not_the_file(tmp_path: Path) -> None:
    state = NETS["ir-tiny"]().state_dict()
    torch.save(under("student.", state) | under("teacher.", state), tmp_path / "ada lovelace.pt")
    reference = f"{tmp_path / 'ada lovelace.pt'}#teacher"
    assert called_by_content(load_any(reference), reference).name == "ir-tiny#teacher"
    (tmp_path / "audit.yaml").write_text("model: ada lovelace.pt#teacher\nroster: people.csv\n")
    assert read_config(tmp_path / "audit.yaml").model == reference


SAME_KIND = [("Model", "model"), ("model", "ema"), ("state_dict", "state_dict_ema"), ("net", "best_net"), ("a", "net")]


@pytest.mark.parametrize("keys", SAME_KIND, ids=" and ".join)
def test_no_name_of_a_dict_says_which_of_two_nets_is_meant(keys: tuple[str, str], state: State, tmp_path: Path) -> None:
    file, states = tmp_path / "file.pt", (state, other(state))
    torch.save(dict(zip(keys, states, strict=True)), file)
    with pytest.raises(CheckpointError, match="got 2 whole nets") as caught:
        load_target(file)
    facts = facts_of(file)
    assert set(facts.nets) == set(keys)
    assert "once it is named" in facts.auditable
    for key, expected in zip(keys, states, strict=True):
        assert f"{file}#{key}" in str(caught.value)
        assert f"file.pt#{key}" in facts.auditable
        loaded = load_target(f"{file}#{key}").module.state_dict()
        assert all(torch.equal(loaded[name], value) for name, value in expected.items())
        assert facts_of(Path(f"{file}#{key}")).auditable.startswith("All attacks")


@pytest.mark.parametrize("keys", SAME_KIND, ids=" and ".join)
def test_the_same_weights_under_two_names_are_one_net(keys: tuple[str, str], state: State, tmp_path: Path) -> None:
    file = tmp_path / "file.pt"
    copies = {key: {name: value.clone() for name, value in state.items()} for key in keys}
    for name, value in copies[keys[1]].items():
        if name.endswith("num_batches_tracked"):
            value += 5
    torch.save(copies | {"epoch": 3}, file)
    loaded = load_target(file).module.state_dict()
    assert all(torch.equal(loaded[n], v) for n, v in state.items() if not n.endswith("num_batches_tracked"))
    facts = facts_of(file)
    assert facts.auditable.startswith("All attacks")
    assert "the same weights" in facts_text(facts)
    copies[keys[1]][next(name for name in state if name.endswith("running_var"))][0] += 1e-3
    torch.save(copies, file)
    with pytest.raises(CheckpointError, match="got 2 whole nets"):
        load_target(file)


def test_safetensors_are_searched_as_well(state: State, tmp_path: Path) -> None:
    save_file(under("backbone.", state) | under("projection_head.", NORM), tmp_path / "file.safetensors")
    assert set(load_target(tmp_path / "file.safetensors").module.state_dict()) == set(state)


def test_layers_that_may_belong_to_the_embedding_are_still_refused(state: State, tmp_path: Path) -> None:
    torch.save(state | under("neck.", NORM), tmp_path / "file.pt")
    with pytest.raises(CheckpointError, match=r"unexpected \(neck\.1"):
        load_target(tmp_path / "file.pt")


def test_numbers_in_a_head_need_not_be_finite(tmp_path: Path) -> None:
    state = build("resnet18", spec=ImageSpec(112, 112), embedding_size=512).state_dict()
    head = {"fc.weight": torch.full((1000, 512), torch.nan), "fc.bias": torch.zeros(1000)}
    torch.save({key: value for key, value in state.items() if not key.startswith("fc.")} | head, tmp_path / "file.pt")
    assert load_target(tmp_path / "file.pt").embedding_size == 512


@pytest.fixture
def small() -> State:
    return NETS["ir-tiny"]().state_dict()


SCALARS = [
    *(np.float64(0.993), np.float32(0.5), np.float16(0.25), np.int64(70), np.int32(70), np.uint8(7), np.bool_(True)),
    *(np.array([1.0, 2.0]), np.array(3), np.dtype("float32"), [np.float64(1.5)], {"a": np.float32(2)}),
]


@pytest.mark.parametrize("value", SCALARS, ids=lambda value: f"{type(value).__name__} {value}")
@pytest.mark.parametrize("legacy", [False, True])
def test_values_of_numpy_beside_the_weights_are_no_reason_to_refuse(
    value: object, legacy: bool, small: State, tmp_path: Path
) -> None:
    file = tmp_path / "file.pt"
    torch.save({"state_dict": small, "best": value}, file, _use_new_zipfile_serialization=not legacy)
    assert set(load_target(file).module.state_dict()) == set(small)
    facts = facts_of(file)
    assert not facts.refused
    if isinstance(value, np.generic):
        (told,) = facts.leftovers
        assert (told.name, told.holds) == ("best", str(value.item()))


def test_an_epoch_of_numpy_is_an_epoch(small: State, tmp_path: Path) -> None:
    torch.save({"state_dict": small, "epoch": np.int64(12)}, tmp_path / "file.pt")
    assert facts_of(tmp_path / "file.pt").provenance.epoch == 12
    torch.save({"state_dict": small, "epoch": -1}, tmp_path / "file.pt")
    assert facts_of(tmp_path / "file.pt").provenance.epoch is None


class Settings:
    """Something of one's own that a training loop saves."""


@pytest.mark.parametrize(
    ("wrap", "key"),
    [
        (lambda s: {"state_dict": s, "hparams": Settings()}, "'hparams'"),
        (lambda s: {"state_dict": s, "run": {"config": Settings(), "lr": 0.1}}, "'run.config'"),
        (lambda s: {"state_dict": s, "history": [1, (Settings(), 2)]}, "'history'"),
        (lambda s: {"state_dict": s, "where": Path("x"), "set": {Settings()}}, "'set'"),
    ],
)
def test_the_key_to_drop_is_named(wrap: Callable[[State], object], key: str, small: State, tmp_path: Path) -> None:
    torch.save(wrap(small), tmp_path / "file.pt")
    with pytest.raises(UnsafeFileError) as caught:
        load_target(tmp_path / "file.pt")
    assert f"under {key}" in str(caught.value)
    assert "saving it again without that" in str(caught.value)


def test_bytes_may_only_be_written_in_the_one_codec_that_pickles_use(tmp_path: Path) -> None:
    from hostile import archive

    def text(content: bytes) -> bytes:
        return b"X" + len(content).to_bytes(4, "little") + content

    once = b"c_codecs\nencode\n" + text(b"aa") + text(b"hex") + b"\x86R"
    again = text(b"a" * 100_000) + b"q\x000" + (b"c_codecs\nencode\nh\x00" + text(b"latin1") + b"\x86R") * 10
    for program, said in ((once, "anything but a text in latin1"), (again, "over and over")):
        archive(tmp_path / "file.pt", {"data.pkl": b"\x80\x02" + program + b"."})
        with pytest.raises(CheckpointError, match=said):
            load_target(tmp_path / "file.pt")


def test_the_embedding_of_another_net_is_no_head(small: State, tmp_path: Path) -> None:
    both = under("student.", small) | under("teacher.", other(small))
    torch.save(both, tmp_path / "file.pt")
    assert facts_of(tmp_path / "file.pt").head is None
    assert load_target(tmp_path / "file.pt#teacher").centres is None
    torch.save(both | {"head.kernel": torch.ones(16, 50)}, tmp_path / "file.pt")
    head = facts_of(tmp_path / "file.pt#student").head
    assert head is not None
    assert (head.key, head.identities) == ("head.kernel", 50)


NETS_IN_DICTS = {
    "an average of all weights": lambda s: {"model": s, "ema": other(s)},
    "dots before": lambda s: under("", s) | {"ema": other(s)},
    "an encoder and its momentum": lambda s: {"state_dict": under("m.encoder_q.", s) | under("m.encoder_k.", other(s))},
}


@pytest.mark.parametrize("how", NETS_IN_DICTS)
def test_no_net_lends_another_its_embedding_as_a_head(how: str, small: State, tmp_path: Path) -> None:
    torch.save(NETS_IN_DICTS[how](small), tmp_path / "file.pt")
    assert facts_of(tmp_path / "file.pt").head is None


def test_a_dict_inside_itself_says_what_to_try(tmp_path: Path) -> None:
    turned: dict[str, object] = {"w": torch.ones(3)}
    turned["state_dict"] = turned
    torch.save(turned, tmp_path / "file.pt")
    with pytest.raises(
        CheckpointError, match=r"a dict that lies inside itself; expected dicts .* end .*Try: torch\.save"
    ):
        facts_of(tmp_path / "file.pt")
