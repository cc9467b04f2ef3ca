"""Generator files that would do harm if they were believed: each is refused with a reason, and nothing runs."""

import io
import os
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from hostile import Marker, pickled_call, rezip
from hypothesis import given, settings
from hypothesis import strategies as st
from stylegans import TINY, Reduced, attributes, legacy_bytes, nvidia_names, persistent, tiny, write_nvidia_pickle

from bareface.errors import BarefaceError, CheckpointError, UnsafeFileError
from bareface.inversion.checkpoints import pickled
from bareface.inversion.checkpoints.convert import convert_generator
from bareface.inversion.checkpoints.names import to_nvidia, to_rosinality
from bareface.inversion.checkpoints.pickled import read_blob
from bareface.untrusted import opcodes


@pytest.fixture
def marker(tmp_path: Path) -> Any:
    """A folder that appears if anything in a file is executed."""
    path = tmp_path / "executed"
    yield path
    assert not path.exists()


def refused(path: Path, error: type[BarefaceError], message: str) -> None:
    with pytest.raises(error, match=message):
        convert_generator(path, path.with_name("out.safetensors"))
    assert not path.with_name("out.safetensors").exists()


def with_tensor(value: Any, path: Path, **extra: Any) -> Path:
    """A snapshot whose `w_avg` is something else."""
    tensors = to_nvidia(tiny().state_dict()) | {"mapping.w_avg": value}
    return write_nvidia_pickle(path, tensors, attributes(TINY), **extra)


def test_a_call_beside_the_network(marker: Path, tmp_path: Path) -> None:
    file = with_tensor(torch.zeros(5), tmp_path / "g.pkl", augment_pipe=Marker(marker))
    refused(file, UnsafeFileError, r"a pickle that would import posix\.mkdir; expected the names of a StyleGAN2")


def test_every_stranger_is_named(tmp_path: Path) -> None:
    calls = [Reduced(print, "x"), Reduced(os.getcwd), Reduced(eval, "1")]
    file = with_tensor(torch.zeros(5), tmp_path / "g.pkl", augment_pipe=calls)
    refused(
        file, UnsafeFileError, r"would import builtins\.print, posix\.getcwd, builtins\.eval; .*Try: exporting G_ema"
    )


def test_a_name_that_is_only_mentioned(tmp_path: Path) -> None:
    refused(
        with_tensor(torch.zeros(5), tmp_path / "g.pkl", D=os.system), UnsafeFileError, r"would import posix\.system"
    )


def test_a_plain_hostile_pickle_of_any_protocol(marker: Path, tmp_path: Path) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        (tmp_path / "g.pkl").write_bytes(pickle.dumps({"G_ema": Marker(marker)}, protocol=protocol))
        refused(tmp_path / "g.pkl", UnsafeFileError, r"would import(?: and call)? posix\.mkdir")
    (tmp_path / "g.pkl").write_bytes(pickled_call(marker))
    refused(tmp_path / "g.pkl", UnsafeFileError, r"posix\.mkdir")


def test_a_storage_whose_bytes_are_a_program(marker: Path, tmp_path: Path) -> None:
    """torch.storage._load_from_bytes is an unrestricted torch.load: on an allow-list it would run this."""
    with pytest.raises(FileNotFoundError):  # It does run: the folder's parent is missing on purpose.
        torch.storage._load_from_bytes(legacy_bytes(Marker(tmp_path / "no" / "such")))  # type: ignore[no-untyped-call]
    storage = Reduced(torch.storage._load_from_bytes, legacy_bytes(Marker(marker)))
    tensor = Reduced(torch._utils._rebuild_tensor_v2, storage, 0, (5,), (1,), False, OrderedDict())
    refused(with_tensor(tensor, tmp_path / "g.pkl"), UnsafeFileError, r"a storage inside: got a pickle .*posix\.mkdir")


def test_new_objects_of_strangers(tmp_path: Path) -> None:
    class Popen:
        """NEWOBJ of a class by name."""

    Popen.__module__, Popen.__qualname__ = "subprocess", "Popen"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("subprocess.Popen", Popen)
        file = with_tensor(torch.zeros(5), tmp_path / "g.pkl", D=Popen())
    assert any(op.name == "NEWOBJ" for op, _, _ in pickletools.genops(file.read_bytes()))
    refused(file, UnsafeFileError, r"would import subprocess\.Popen")


@pytest.mark.parametrize("opcode", [b"\x82\x01", b"\x83\x01\x00", b"\x84\x01\x00\x00\x00"])
def test_extension_codes(opcode: bytes, tmp_path: Path) -> None:
    (tmp_path / "g.pkl").write_bytes(b"\x80\x02" + opcode + b".")
    refused(tmp_path / "g.pkl", CheckpointError, r"a pickle that cannot be followed \(opcode EXT\d\)")


def test_references_to_outside_the_file(tmp_path: Path) -> None:
    class Pickler(pickle.Pickler):
        def persistent_id(self, value: object) -> Any:
            return ("storage", "x") if value == "outside" else None

    stream = io.BytesIO()
    Pickler(stream, protocol=4).dump({"G_ema": "outside"})
    (tmp_path / "g.pkl").write_bytes(stream.getvalue())
    refused(tmp_path / "g.pkl", UnsafeFileError, "got references to outside the file")


def test_tensorflow_pickles_are_named(tmp_path: Path) -> None:
    body = b"\x80\x02cdnnlib.tflib.network\nNetwork\n)\x81."
    (tmp_path / "g.pkl").write_bytes(body)
    refused(
        tmp_path / "g.pkl", UnsafeFileError, r"a TensorFlow StyleGAN pickle.*Try: converting it with NVIDIA's legacy"
    )


def test_the_source_inside_is_hashed_and_never_run(tmp_path: Path) -> None:
    file = with_tensor(tiny().mapping.w_avg, tmp_path / "g.pkl")
    assert b"raise SystemExit" in file.read_bytes()
    assert convert_generator(file, tmp_path / "o.safetensors") == TINY


def test_modules_nested_without_end(tmp_path: Path) -> None:
    with nvidia_names():
        module = persistent({}, {})
        for _ in range(80):
            module = persistent({}, {}, _modules=OrderedDict(a=module))
        (tmp_path / "g.pkl").write_bytes(pickle.dumps({"G_ema": module}, protocol=4))
    refused(tmp_path / "g.pkl", CheckpointError, "got modules nested without end")


def test_modules_that_share_their_children_without_end(tmp_path: Path) -> None:
    """Forty levels of two references to one child are 2^40 paths in a few kilobytes."""
    with nvidia_names():
        module = persistent({}, {})
        for _ in range(40):
            module = persistent({}, {}, _modules=OrderedDict(a=module, b=module))
        (tmp_path / "g.pkl").write_bytes(pickle.dumps({"G_ema": module}, protocol=4))
    assert (tmp_path / "g.pkl").stat().st_size < 20_000
    refused(tmp_path / "g.pkl", CheckpointError, "got modules nested without end")


def test_a_module_inside_itself(tmp_path: Path) -> None:
    with nvidia_names():
        module = persistent({}, {})
        module.call[1][0]["state"]["_modules"]["again"] = module
        content = pickle.dumps({"G_ema": persistent({}, {}, _modules=OrderedDict(a=module))}, protocol=4)
    (tmp_path / "g.pkl").write_bytes(content)
    refused(tmp_path / "g.pkl", CheckpointError, "got modules nested without end")


def test_lists_nested_deeper_than_any_stack(tmp_path: Path) -> None:
    (tmp_path / "g.pkl").write_bytes(b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b".")
    refused(tmp_path / "g.pkl", CheckpointError, "got no dict; expected G_ema")
    (tmp_path / "g.pkl").write_bytes(b"\x80\x02}U\x05G_ema" + b"]" * 200_000 + b"a" * 199_999 + b"s.")
    refused(tmp_path / "g.pkl", CheckpointError, "got something that is no pickled network")


def test_more_opcodes_than_any_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opcodes, "MAX_OPCODES", 1000)
    refused(with_tensor(torch.zeros(5), tmp_path / "g.pkl"), CheckpointError, "cannot be followed")


def test_lengths_that_the_file_does_not_hold(tmp_path: Path) -> None:
    for opcode in (b"\x8e", b"\x8d"):  # BINBYTES8, BINUNICODE8
        (tmp_path / "g.pkl").write_bytes(b"\x80\x04" + opcode + (1 << 40).to_bytes(8, "little") + b"x.")
        refused(tmp_path / "g.pkl", CheckpointError, "cannot be followed")


def tensor_call(storage: Any, offset: Any, shape: Any, stride: Any) -> Reduced:
    return Reduced(torch._utils._rebuild_tensor_v2, storage, offset, shape, stride, False, OrderedDict())


@pytest.mark.parametrize(
    ("offset", "shape", "stride"),
    [
        (0, (200_000_000,), (0,)),  # five numbers that would become 800 MB
        (0, (5,), (2,)),
        (1, (5,), (1,)),
        (-1, (5,), (1,)),
        (0, (-5,), (1,)),
        (0, (5,), (1, 1)),
        ("0", (5,), (1,)),
        (0, 5, 1),
        (0, ("5",), (1,)),
    ],
)
def test_tensors_outside_their_storage(offset: Any, shape: Any, stride: Any, tmp_path: Path) -> None:
    storage = Reduced(torch.storage._load_from_bytes, _storage_bytes(torch.arange(5.0)))
    refused(
        with_tensor(tensor_call(storage, offset, shape, stride), tmp_path / "g.pkl"), CheckpointError, "got a tensor"
    )


@pytest.mark.parametrize("value", [None, 3, "text", b"bytes", [1.0]])
def test_tensors_that_are_none(value: Any, tmp_path: Path) -> None:
    message = "mapping.w_avg|put together in an unknown way"
    if value is None:
        assert convert_generator(with_tensor(value, tmp_path / "g.pkl"), tmp_path / "o.safetensors") == TINY
    else:
        refused(with_tensor(value, tmp_path / "g.pkl"), CheckpointError, message)


def test_a_storage_that_is_none(tmp_path: Path) -> None:
    for storage in (Reduced(torch.storage._load_from_bytes, 3), 3, Reduced(OrderedDict)):
        refused(with_tensor(tensor_call(storage, 0, (5,), (1,)), tmp_path / "g.pkl"), CheckpointError, "unknown way")


def _storage_bytes(value: torch.Tensor) -> bytes:
    typed = torch.storage.TypedStorage(wrap_storage=value.untyped_storage(), dtype=value.dtype, _internal=True)
    return legacy_bytes(typed)


@pytest.mark.parametrize(
    "dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int64, torch.bool]
)
def test_storages_of_all_types_are_read(dtype: torch.dtype) -> None:
    values = torch.tensor([0, 1, 2, 3]).to(dtype)
    assert torch.equal(read_blob(_storage_bytes(values), "here"), values)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda blob: blob[:-3], r"a storage of 4 numbers in \d+ bytes; expected as many bytes as it claims"),
        (lambda blob: blob[:-24] + b"\xff" * 8 + blob[-16:], "a storage of 4 numbers"),
        (lambda blob: b"PK" + blob, "got an archive inside the pickle"),
        (lambda blob: legacy_bytes([1, 2]), "got a storage of an unknown kind"),
        (lambda blob: pickle.dumps(1) * 5, "got a storage of an unknown kind"),
        (lambda blob: blob[:40], "cannot be followed|without an end"),
        (lambda blob: b"", "without an end|cannot be followed"),
    ],
)
def test_storages_that_are_damaged(change: Callable[[bytes], bytes], message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        read_blob(change(_storage_bytes(torch.arange(4.0))), "here")


def test_tensors_that_outgrow_their_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickled, "MAX_EXPANSION", 0)
    refused(with_tensor(torch.zeros(5), tmp_path / "g.pkl"), CheckpointError, "tensors of more than 0 times their file")


def test_a_deflated_archive(tmp_path: Path) -> None:
    torch.save({"g_ema": {"input.input": torch.zeros(1, 8, 4, 4)}, "bomb": torch.zeros(1_000_000)}, tmp_path / "a.pt")
    rezip(tmp_path / "a.pt", tmp_path / "g.pt", zipfile.ZIP_DEFLATED)
    assert (tmp_path / "g.pt").stat().st_size < 20_000
    refused(tmp_path / "g.pt", CheckpointError, "got a compressed archive, which torch.save never writes")


def test_code_in_a_torch_file(marker: Path, tmp_path: Path) -> None:
    whole: Any = to_rosinality(tiny().state_dict())
    torch.save(whole | {"args": Marker(marker)}, tmp_path / "g.pt")
    refused(tmp_path / "g.pt", UnsafeFileError, r"a pickle that would import and call posix\.mkdir")


def test_a_snapshot_without_a_generator(tmp_path: Path) -> None:
    with nvidia_names():
        (tmp_path / "g.pkl").write_bytes(pickle.dumps({"D": persistent({}, {})}))
    refused(tmp_path / "g.pkl", CheckpointError, "got D; expected G_ema, as a training snapshot has it")


@settings(max_examples=60)
@given(data=st.data())
def test_damaged_pickles_are_refused_or_read(data: st.DataObject, tmp_path: Path) -> None:
    """Whatever happens to the bytes, the answer is a generator or one of our errors."""
    content = bytearray(with_tensor(torch.zeros(5), tmp_path / "g.pkl").read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "g.pkl").write_bytes(content[: data.draw(st.integers(1, len(content)))])
    with suppress(BarefaceError):
        convert_generator(tmp_path / "g.pkl", tmp_path / "o.safetensors")
