"""Weights come out of every honest file; out of all others comes a named refusal, and nothing runs."""

import io
import pickle
import re
import struct
import warnings
import zipfile
from argparse import Namespace
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path, PureWindowsPath
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hostile import Marker, archive, pickled_call, rezip, save_legacy
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor, nn

from bareface.errors import BarefaceError, CheckpointError, UnsafeFileError
from bareface.inspecting.facts import facts_of
from bareface.targets.checkpoint import read_checkpoint
from bareface.targets.container import read_static
from bareface.targets.storages import StaticTensor
from bareface.targets.target import Target
from bareface.targets.unwrap import unwrap

State = dict[str, Tensor]
Saver = Callable[[object, Path], object]
FORMATS: dict[str, Saver] = {"torch zip": torch.save, "torch legacy": save_legacy, "safetensors": save_file}


@pytest.fixture
def state(target: Target) -> State:
    return dict(target.module.state_dict())


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_gives_the_same_weights_and_the_same_description(kind: str, state: State, tmp_path: Path) -> None:
    FORMATS[kind](state, tmp_path / "file.pt")
    checkpoint = read_checkpoint(tmp_path / "file.pt")
    assert (checkpoint.kind, checkpoint.wrapper, checkpoint.leftovers) == (kind, "", {})
    assert set(checkpoint.tensors) == set(state)
    described = unwrap(read_static(tmp_path / "file.pt").tree, StaticTensor).tensors
    for key, value in state.items():
        assert torch.equal(checkpoint.tensors[key], value)
        assert np.array_equal(described[key].numpy(), value.numpy())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.int32, torch.uint8, torch.bool])
@pytest.mark.parametrize("kind", FORMATS)
def test_numbers_of_all_types_are_read_statically(kind: str, dtype: torch.dtype, tmp_path: Path) -> None:
    values = torch.tensor([[0, 1, 2], [3, 4, 5]]).to(dtype)
    FORMATS[kind]({"a.running_mean": values, "b": values.T.contiguous()}, tmp_path / "file.pt")
    described = unwrap(read_static(tmp_path / "file.pt").tree, StaticTensor).tensors
    assert described["a.running_mean"].numpy().tolist() == values.tolist()
    assert described["b"].numpy().tolist() == values.T.tolist()


def test_views_and_tied_weights_are_honest(tmp_path: Path) -> None:
    base = torch.arange(12.0).view(3, 4)
    torch.save({"base": base, "row": base[1], "turned": base.T, "tied": base}, tmp_path / "file.pt")
    described = unwrap(read_static(tmp_path / "file.pt").tree, StaticTensor).tensors
    assert described["row"].numpy().tolist() == [4, 5, 6, 7]
    assert described["turned"].numpy().tolist() == base.T.tolist()
    assert torch.equal(read_checkpoint(tmp_path / "file.pt").tensors["turned"], base.T)


WRAPPINGS: dict[str, tuple[str, Callable[[State], object]]] = {
    "bare": ("", lambda s: s),
    "Xiaoccer": ("net_state_dict", lambda s: {"epoch": 7, "net_state_dict": s}),
    "AdaFace": (
        "state_dict/model.",
        lambda s: {"state_dict": _under("model.", s) | {"head.kernel": torch.ones(24, 6)}},
    ),
    "FaceX-Zoo": ("state_dict/backbone.", lambda s: {"state_dict": _under("backbone.", s), "epoch": 3, "batch_id": 9}),
    "MagFace": ("state_dict/features.module.", lambda s: {"state_dict": _under("features.module.", s), "arch": "x"}),
    "MagFace, other order": ("state_dict/module.features.", lambda s: {"state_dict": _under("module.features.", s)}),
    "CVLFace": ("net.", lambda s: _under("net.", s)),
    "DataParallel": ("module.", lambda s: _under("module.", s)),
    "torch.compile": ("_orig_mod.", lambda s: _under("_orig_mod.", s)),
    "InsightFace": (
        "state_dict_backbone",
        lambda s: {
            "epoch": 1,
            "state_dict_backbone": s,
            "state_dict_softmax_fc": {"weight": torch.ones(6, 24)},
            "state_optimizer": {"state": {0: {"momentum_buffer": torch.ones(9)}}, "param_groups": [{"lr": 0.1}]},
        },
    ),
    "Lightning": (
        "state_dict/model.",
        lambda s: {"state_dict": _under("model.", s), "hyper_parameters": Namespace(lr=0.1, arch="ir_50")},
    ),
    "beside a metric": ("model", lambda s: {"best": torch.tensor(0.9), "model": s, "ema": s}),
}


def _under(prefix: str, state: State) -> State:
    return {prefix + key: value for key, value in state.items()}


@pytest.mark.parametrize("who", WRAPPINGS)
def test_wrappers_come_off_and_leftovers_are_kept(who: str, state: State, tmp_path: Path) -> None:
    expected, wrap = WRAPPINGS[who]
    torch.save(wrap(state), tmp_path / "file.pt")
    checkpoint = read_checkpoint(tmp_path / "file.pt")
    assert checkpoint.wrapper == expected
    assert set(checkpoint.tensors) == set(state)
    described = unwrap(read_static(tmp_path / "file.pt").tree, StaticTensor)
    assert (described.wrapper, set(described.tensors)) == (checkpoint.wrapper, set(state))
    assert set(described.leftovers) == set(checkpoint.leftovers)


def test_leftovers_are_named_by_their_path(state: State, tmp_path: Path) -> None:
    torch.save(WRAPPINGS["InsightFace"][1](state), tmp_path / "file.pt")
    left = read_checkpoint(tmp_path / "file.pt").leftovers
    assert left["epoch"] == 1
    assert {"state_dict_softmax_fc.weight", "state_optimizer.state.0.momentum_buffer"} <= set(left)


class Net(nn.Module):
    """Something that a user would save whole."""

    def __init__(self) -> None:
        super().__init__()
        self.bn = nn.BatchNorm1d(3)


def _lfs(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")


def _expanded(path: Path) -> None:
    torch.save({"w": torch.zeros(1).expand(10**9)}, path)


def _shared(path: Path) -> None:
    big = torch.zeros(10_000)
    torch.save({f"w{i}": big.view(100, 100) if i % 2 else big for i in range(50)}, path)


def _cut(save: Saver) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        save({f"w{i}": torch.zeros(2000) for i in range(3)}, path)
        path.write_bytes(path.read_bytes()[:-9000])

    return write


def _deflated(path: Path) -> None:
    torch.save({"w": torch.zeros(100_000)}, path.with_suffix(".whole"))
    rezip(path.with_suffix(".whole"), path, zipfile.ZIP_DEFLATED)


def _short_record(path: Path) -> None:
    torch.save({"w": torch.zeros(100)}, path.with_suffix(".whole"))
    with zipfile.ZipFile(path.with_suffix(".whole")) as old:
        archive(path, {name: b"" if "/data/" in name else old.read(name) for name in old.namelist()})


def _big_endian(path: Path) -> None:
    torch.save({"w": torch.zeros(100)}, path.with_suffix(".whole"))
    rezip(path.with_suffix(".whole"), path, byteorder=b"big")


def _absurd_storage(path: Path) -> None:
    """A legacy file whose storage claims 2^60 numbers."""
    save_legacy({"w": torch.zeros(77)}, path)
    content = path.read_bytes().replace(b"KM", b"\x8a\x08" + struct.pack("<q", 1 << 60))
    path.write_bytes(content)


def _laughs(path: Path) -> None:
    """Dicts of dicts of dicts that share their inner ones: 2^60 paths in a few hundred bytes."""
    value: dict[str, object] = {"w": torch.zeros(1)}
    for _ in range(60):
        value = {"a": value, "b": value}
    torch.save(value, path)


def _deep(path: Path) -> None:
    value: dict[str, object] = {}
    for _ in range(100):
        value = {"a": value}
    torch.save(value, path)


def _unnamed_storage(path: Path) -> None:
    """A legacy file whose list of storages holds a list of lists: too deep to be printed, and nothing to be hashed."""
    save_legacy({"w": torch.zeros(2)}, path)
    content = path.read_bytes()
    keys = content.rindex(b"\x80\x02]")
    path.write_bytes(content[:keys] + b"\x80\x02" + b"]" * 2000 + b"a" * 1999 + b"." + content[keys:])


def _not_finite(path: Path) -> None:
    torch.save({"a": torch.ones(3), "b.weight": torch.tensor([1.0, float("nan"), float("inf")])}, path)


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "absent": (lambda p: None, "no such file.*safetensors.*checking the path"),
    "empty": (lambda p: p.write_bytes(b""), "an empty file"),
    "LFS": (_lfs, "a Git LFS pointer.*Try: git lfs pull"),
    "unknown": (lambda p: p.write_bytes(b"hello, world"), "bytes of no known kind"),
    "tar": (lambda p: p.write_bytes(bytes(257) + b"ustar" + bytes(300)), "a tar archive of torch 0.1"),
    "numbers": (lambda p: p.write_bytes(pickle.dumps([1, 2, 3])), "a plain pickle"),
    "zip": (lambda p: archive(p, {"a/b.txt": b"x"}), "a zip archive without data.pkl"),
    "cut zip": (_cut(torch.save), "a zip archive that is cut off.*copying it again"),
    "cut legacy": (_cut(save_legacy), "numbers cut off at byte"),
    "cut safetensors": (_cut(save_file), "a safetensors file that is cut off"),
    "deflated": (_deflated, "a compressed archive, which torch.save never writes"),
    "expanded": (_expanded, r"a tensor of shape \(1000000000,\) on a storage of 1 numbers.*tensor.clone"),
    "shared": (_shared, r"tensors of 2,000,000 bytes in a file of"),
    "short record": (_short_record, "no whole record of storage '0', 400 bytes"),
    "big-endian": (_big_endian, "big-endian numbers"),
    "absurd": (_absurd_storage, "(cut off|inside their storage|1,152,921,504,606,846,976)"),
    "unnamed storage": (_unnamed_storage, "a storage without a name that nothing refers to"),
    "billion laughs": (_laughs, "more than 400,000 values"),
    "deep": (_deep, "objects nested without end"),
    "no tensors": (lambda p: torch.save({"epoch": 3}, p), "no tensors"),
    "sparse": (lambda p: torch.save({"w": torch.eye(2).to(torch.complex64)}, p), "(storage of another kind|complex)"),
    "not finite": (_not_finite, "2 of 3 numbers in b.weight that are NaN or infinite"),
    "two": (lambda p: archive(p, {"a/data.pkl": b"", "b/data.pkl": b""}), "two directories of tensors"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_checkpoint_is_refused_by_name(what: str, tmp_path: Path) -> None:
    make, told = REFUSED[what]
    make(tmp_path / "file.pt")
    with pytest.raises(CheckpointError, match=told) as caught:
        read_checkpoint(tmp_path / "file.pt")
    assert str(caught.value).startswith(str(tmp_path / "file.pt"))


def _whole(path: Path) -> None:
    torch.save(Net(), path)


def _tensor_by_call(path: Path) -> None:
    """`torch.Tensor(300_000_000)`: 1.2 GB in 60 bytes."""
    call = b"ctorch\nTensor\nJ" + struct.pack("<i", 300_000_000) + b"\x85R"
    torch.save({"w": torch.zeros(1)}, path.with_suffix(".whole"))
    rezip(path.with_suffix(".whole"), path, data_pkl=b"\x80\x02}X\x01\0\0\0w" + call + b"s.")


def _torchscript(path: Path) -> None:
    archive(path, {"a/data.pkl": b"", "a/constants.pkl": b"", "a/code/__torch__.py": b""})


PROGRAMS: dict[str, tuple[Callable[[Path], object], str]] = {
    "whole module": (_whole, r"a whole pickled module \(.*Net\) that would import and call .*Net.*state_dict"),
    "whole legacy module": (lambda p: save_legacy(Net(), p), r"a whole pickled module \(.*Net\)"),
    "module in a dict": (lambda p: torch.save({"epoch": 1, "net": Net()}, p), r"a whole pickled module \(.*Net\)"),
    "tensor by call": (_tensor_by_call, r"would import and call torch\.Tensor"),
    "TorchScript": (_torchscript, "a TorchScript program.*state_dict"),
    "pt2": (lambda p: archive(p, {"a/archive_format": b"pt2"}), r"an exported program \(.pt2\)"),
    "old pt2": (lambda p: archive(p, {"serialized_exported_program.json": b""}), "an exported program"),
}


@pytest.mark.parametrize("what", PROGRAMS)
def test_programs_are_refused_as_unsafe(what: str, tmp_path: Path) -> None:
    make, told = PROGRAMS[what]
    make(tmp_path / "file.pt")
    with pytest.raises(UnsafeFileError, match=told) as caught:
        read_checkpoint(tmp_path / "file.pt")
    assert caught.value.exit_code == 5


@pytest.mark.parametrize("form", ["zip", "legacy", "plain", "text"])
def test_code_in_a_pickle_never_runs(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    file, made = tmp_path / "file.pt", tmp_path / "made"
    harm = {"w": torch.zeros(2), "x": Marker(made)}
    writers = {
        "zip": lambda: torch.save(harm, file),
        "legacy": lambda: save_legacy(harm, file),
        "plain": lambda: file.write_bytes(pickled_call(made)),
        "text": lambda: file.write_bytes(f"cos\nmkdir\n(S'{made}'\ntR.".encode()),
    }
    writers[form]()
    with pytest.raises(UnsafeFileError, match="mkdir"):
        read_checkpoint(file)
    with suppress(UnsafeFileError):
        assert "mkdir" in " ".join(facts_of(file).refused)
    assert not made.exists()
    pickle.loads(pickled_call(made))
    assert made.exists(), "the same bytes do harm when they are believed"


def test_names_in_refusals_carry_no_control_characters(tmp_path: Path) -> None:
    (tmp_path / "file.pt").write_bytes(b"\x80\x02c\x1b[31mos\nsystem\n(tR.")
    with pytest.raises(UnsafeFileError, match=r"os\.system") as caught:
        read_checkpoint(tmp_path / "file.pt")
    assert "\x1b" not in str(caught.value)


def test_reading_on_paper_is_the_second_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if our own list were empty, nothing would be carried out: tensors are read where the file says they lie."""
    monkeypatch.setattr("bareface.targets.checkpoint.refuse_code", lambda *_: None)
    torch.save({"x": Marker(tmp_path / "made")}, tmp_path / "file.pt")
    with pytest.raises(CheckpointError, match=r"got no tensors; inside is x: \S+"):
        read_checkpoint(tmp_path / "file.pt")
    assert not (tmp_path / "made").exists()


def _small(save: Saver) -> bytes:
    stream = io.BytesIO()
    state = OrderedDict({"bn.running_mean": torch.zeros(3), "bn.running_var": torch.ones(3), "w": torch.ones(2, 3)})
    save({"epoch": 1, "state_dict": state}, stream)  # type: ignore[arg-type]
    return stream.getvalue()


HONEST = {"zip": _small(torch.save), "legacy": _small(save_legacy)}


@pytest.mark.parametrize("form", HONEST)
@given(data=st.data())
@settings(max_examples=150)
def test_damage_anywhere_is_a_named_error_or_none(form: str, data: st.DataObject, tmp_path: Path) -> None:
    content = bytearray(HONEST[form])
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    file = tmp_path / "file.pt"
    file.write_bytes(content[: data.draw(st.sampled_from([len(content), len(content) // 2]))])
    for read in (facts_of, read_checkpoint):
        with suppress(BarefaceError):
            read(file)


def _numpy(state: State) -> dict[str, object]:
    return {key: value.numpy() for key, value in state.items()}


def _sparse() -> Tensor:
    with warnings.catch_warnings(action="ignore"):
        return torch.eye(3).to_sparse()


def _sparse_rows() -> Tensor:
    with warnings.catch_warnings(action="ignore"):
        return torch.eye(3).to_sparse_csr()


@pytest.mark.parametrize(
    "beside",
    [
        *(Counter({5: 1, 8: 2}), Counter("abca"), defaultdict(list), defaultdict(int, a=1), defaultdict(dict)),
        *(Path("/home/ada/faces"), PureWindowsPath("C:/faces"), 1 + 2j, datetime(2026, 1, 2), timedelta(3)),
        *(Decimal("0.1"), deque([1, 2]), SimpleNamespace(lr=0.1), frozenset({1}), bytearray(b"x"), slice(3)),
        *(
            _sparse(),
            _sparse_rows(),
            torch.ones(4).to(torch.uint16),
            torch.ones(2).to(torch.complex64),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("legacy", [False, True])
def test_plain_values_of_python_beside_the_weights_are_data(
    beside: object, legacy: bool, state: State, tmp_path: Path
) -> None:
    saved = {"state_dict": state, "x": beside, "deep": [{"y": beside}]}
    torch.save(saved, tmp_path / "file.pt", _use_new_zipfile_serialization=not legacy)
    checkpoint = read_checkpoint(tmp_path / "file.pt")
    assert all(torch.equal(checkpoint.tensors[key], value) for key, value in state.items())
    assert not facts_of(tmp_path / "file.pt").refused


def test_a_path_and_a_counter_are_told_as_they_are(state: State, tmp_path: Path) -> None:
    torch.save({"state_dict": state, "where": Path("/home/ada"), "at": Counter({70: 1})}, tmp_path / "file.pt")
    leftovers = read_checkpoint(tmp_path / "file.pt").leftovers
    assert leftovers == {"where": "/home/ada", "at.70": 1}


@pytest.mark.parametrize(
    "hold",
    [
        *(lambda s: (s, {"epoch": 3}), lambda s: [s, 70], lambda s: [{"state_dict": s}, 70], lambda s: {"nets": [s]}),
        *(_numpy, lambda s: {"state_dict": _numpy(s)}, lambda s: [_numpy(s), 70], lambda s: defaultdict(list, s)),
        lambda s: {"state_dict": {key: np.asfortranarray(value.numpy().astype(">f4")) for key, value in s.items()}},
    ],
)
@pytest.mark.parametrize("legacy", [False, True])
def test_weights_are_found_in_lists_and_as_arrays(
    hold: Callable[[State], object], legacy: bool, state: State, tmp_path: Path
) -> None:
    torch.save(hold(state), tmp_path / "file.pt", _use_new_zipfile_serialization=not legacy)
    tensors = read_checkpoint(tmp_path / "file.pt").tensors
    assert all(torch.equal(tensors[key].double(), value.double()) for key, value in state.items())


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ([torch.ones(2), torch.ones(3)], "no tensors; inside is 2 items"),
        ({"model": "resnet", "weights": [torch.ones(2)] * 3}, "inside is model: 'resnet', weights: 3 items"),
        ({"w": np.array(["a"], dtype=object)}, "inside is w: a NumPy value"),
        ({str(n): n for n in range(9)}, "3: 3 and 5 more; expected the weights of a backbone, by name"),
        ({}, "no tensors, nothing is inside"),
    ],
)
def test_a_file_without_weights_says_what_is_inside(held: object, said: str, tmp_path: Path) -> None:
    torch.save(held, tmp_path / "file.pt")
    with pytest.raises(CheckpointError, match=re.escape(said)):
        read_checkpoint(tmp_path / "file.pt")


def test_complex_weights_are_refused_by_name(state: State, tmp_path: Path) -> None:
    torch.save({key: value.to(torch.complex64) for key, value in state.items()}, tmp_path / "file.pt")
    with pytest.raises(CheckpointError, match=r"complex numbers in .*; expected real weights"):
        read_checkpoint(tmp_path / "file.pt")


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2])
def test_every_number_of_a_byte_is_read_as_torch_reads_it(dtype: torch.dtype, tmp_path: Path) -> None:
    every = torch.arange(256, dtype=torch.uint8).view(dtype)
    torch.save({"x": every}, tmp_path / "file.pt")
    tree = read_static(tmp_path / "file.pt").tree
    assert isinstance(tree, dict)
    np.testing.assert_array_equal(tree["x"].numpy(), every.double().numpy())
