"""Values, tensors and modules out of a walked pickle, through closed tables.

The pickle is never run: `bareface.untrusted.opcodes.walk` records what it would import and call. Here the few calls
that honest files make are given their meaning, one by one; any other name is refused.
"""

import hashlib
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from bareface.errors import CheckpointError, UnsafeFileError
from bareface.targets.numpy_values import NUMPY_NAMES, numpy_scalar
from bareface.targets.printable import printable
from bareface.targets.sniff import LEGACY_MAGIC
from bareface.targets.storages import StaticTensor, Storage
from bareface.targets.tree import storage_of
from bareface.targets.unsafe import refuse_code
from bareface.untrusted.opcodes import DICT, ENCODE, Call, Name, Persistent, walk
from bareface.untrusted.walk import TooMuchError, Walk

MODULE = Name("torch_utils.persistence", "_reconstruct_persistent_obj")
BLOB = Name("torch.storage", "_load_from_bytes")
TENSOR = Name("torch._utils", "_rebuild_tensor_v2")
PARAMETER = Name("torch._utils", "_rebuild_parameter")
DICTS = {DICT, Name("__builtin__", "dict"), Name("collections", "OrderedDict"), Name("dnnlib.util", "EasyDict")}
# Kept for what they are and never looked into.
OPAQUE = {
    *NUMPY_NAMES,
    *(Name("builtins", "set"), Name("__builtin__", "set"), Name("torch", "device")),
}
TABLE = frozenset({MODULE, BLOB, TENSOR, PARAMETER, ENCODE, *DICTS, *OPAQUE})
MAX_DEPTH, MAX_MODULES = 64, 10_000
MAX_EXPANSION = 4  # networks share tensors in honest files, never many times over

Plain = bool | int | float | str | None


def refuse_strangers(where: str, names: Iterable[Name], references: Iterable[Persistent]) -> None:
    """Stop unless everything that a pickle asks for is in the table.

    Raises:
        UnsafeFileError: naming every import that is not, or a reference to something outside the file.
    """
    strangers = [printable(str(name)) for name in names if name not in TABLE]
    if "dnnlib.tflib.network.Network" in strangers:
        raise UnsafeFileError(
            where,
            got="a TensorFlow StyleGAN pickle, which carries its own program",
            expected="a StyleGAN2 pickle of stylegan2-ada-pytorch or stylegan3",
            hint="converting it with NVIDIA's legacy.py on a machine that may run it",
        )
    if strangers or any(True for _ in references):
        got = (
            "a pickle that would import " + ", ".join(strangers[:6]) if strangers else "references to outside the file"
        )
        hint = "exporting G_ema.state_dict() with safetensors on a machine that may run the file"
        raise UnsafeFileError(where, got=got, expected="the names of a StyleGAN2 pickle only", hint=hint)


def entries(node: object) -> dict[str, object]:
    """The items of a recorded dict; empty for anything else."""
    return {str(key): value for key, value in node.pairs} if isinstance(node, Call) and node.function in DICTS else {}


def plain(node: object) -> Plain:
    """A Python or NumPy number, a text or a truth value; None for anything else."""
    if isinstance(node, bool | int | float | str):
        return node
    return numpy_scalar(node) if isinstance(node, Call) else None


@dataclass(frozen=True)
class Network:
    """A pickled network, without its code.

    Attributes:
        class_name: as the file calls it.
        tensors: name -> tensor, what `state_dict()` would have returned.
        attributes: path of a submodule -> its plain attributes; the empty path is the network itself.
        source_sha256: of the Python source that the file carries for it.
    """

    class_name: str
    tensors: dict[str, Tensor]
    attributes: dict[str, Mapping[str, Plain]]
    source_sha256: str


class NetworkReader:
    """Reads the networks of one pickle.

    Args:
        where: the file, for messages.
        size: of the file in bytes; tensors that claim many times more are refused.
    """

    def __init__(self, where: str, size: int) -> None:
        self._where, self._left = where, MAX_EXPANSION * size
        self._storages: dict[int, Tensor] = {}

    def read(self, node: object) -> Network:
        """The network that a recorded call would have reconstructed.

        Raises:
            CheckpointError: it is none, is nested without end, or its tensors do not lie inside their storages.
            UnsafeFileError: a storage inside it would execute code.
        """
        meta, walk = self._meta(node), Walk()
        tensors: dict[str, Tensor] = {}
        attributes: dict[str, Mapping[str, Plain]] = {}
        todo: list[tuple[str, object]] = [("", node)]
        while todo:
            path, module = todo.pop()
            state = entries(self._meta(module).get("state"))
            todo += [(f"{path}{name}.", child) for name, child in entries(state.get("_modules")).items()]
            if path.count(".") > MAX_DEPTH or len(attributes) + len(todo) > MAX_MODULES:
                raise self._odd("modules nested without end")
            own = _own_tensors(state)
            self._count(walk, path, len(state) + len(own))
            attributes[path.removesuffix(".")] = {key: plain(v) for key, v in state.items() if plain(v) is not None}
            tensors |= {path + name: self._tensor(value) for name, value in own.items()}
        source = meta.get("module_src")
        digest = hashlib.sha256(source.encode() if isinstance(source, str) else b"").hexdigest()
        return Network(str(meta.get("class_name")), tensors, attributes, digest)

    def _count(self, walk: Walk, path: str, values: int) -> None:
        """Visit what one module holds; modules may share modules, and what is in them."""
        try:
            for _ in range(values):
                walk.visit(path.count("."), len(path))
        except TooMuchError as error:
            raise self._odd(f"modules nested without end ({error})") from None

    def _meta(self, node: object) -> dict[str, object]:
        if not (isinstance(node, Call) and node.function == MODULE and node.args):
            raise self._odd("something that is no pickled network")
        return entries(node.args[0])

    def _tensor(self, node: object) -> Tensor:
        if isinstance(node, Call) and node.function == PARAMETER and node.args:
            node = node.args[0]
        match node:
            case Call(function=name, args=(Call() as blob, int(offset), tuple(shape), tuple(stride), *_)) if (
                name == TENSOR and all(isinstance(size, int) for size in (*shape, *stride))
            ):
                return self._view(self._storage(blob), shape, stride, offset)
        raise self._odd("a tensor that is put together in an unknown way")

    def _view(self, flat: Tensor, shape: tuple[int, ...], stride: tuple[int, ...], offset: int) -> Tensor:
        if len(shape) != len(stride):
            raise self._odd("a tensor without a shape")
        storage = Storage(str(flat.dtype).removeprefix("torch."), flat.numel(), Path(), 0)
        described = StaticTensor(storage, shape, stride, offset)
        described.check(self._where)
        self._left -= described.nbytes
        if self._left < 0:
            raise self._odd(f"tensors of more than {MAX_EXPANSION} times their file")
        return flat.as_strided(shape, stride, offset).contiguous()

    def _storage(self, blob: Call) -> Tensor:
        if id(blob) not in self._storages:
            content = blob.args[0] if blob.function == BLOB and blob.args else None
            if not isinstance(content, bytes):
                raise self._odd("a storage that is put together in an unknown way")
            self._storages[id(blob)] = read_blob(content, self._where)
        return self._storages[id(blob)]

    def _odd(self, got: str) -> CheckpointError:
        return CheckpointError(self._where, got=got, expected="a StyleGAN2 that its training code saved")


def read_blob(content: bytes, where: str) -> Tensor:
    """The flat tensor in a storage's bytes: what `torch.storage._load_from_bytes` gives, which would run any pickle.

    Raises:
        UnsafeFileError: a pickle inside asks for more than a storage.
        CheckpointError: it is no storage, or holds fewer numbers than it claims.
    """
    stream = io.BytesIO(content)
    if content.startswith(b"PK"):
        raise CheckpointError(where, got="an archive inside the pickle", expected="plain storages")
    magic, _protocol, _system, described, _keys = (walk(stream, where) for _ in range(5))
    refuse_code(f"{where}: a storage inside", described.names)
    named = storage_of(described.root.key) if isinstance(described.root, Persistent) else None
    if magic.root != LEGACY_MAGIC or named is None:
        raise CheckpointError(where, got="a storage of an unknown kind", expected="torch.FloatStorage or the like")
    _, dtype, numel = named
    start = stream.tell() + 8
    size = getattr(torch, dtype).itemsize * numel
    if numel == 0 or int.from_bytes(content[start - 8 : start], "little") != numel or len(content) < start + size:
        got = f"a storage of {numel:,} numbers in {len(content):,} bytes"
        raise CheckpointError(where, got=got, expected="as many bytes as it claims", hint="copying the file again")
    return torch.frombuffer(bytearray(content[start : start + size]), dtype=getattr(torch, dtype))


def _own_tensors(state: Mapping[str, object]) -> dict[str, object]:
    hidden = state.get("_non_persistent_buffers_set")
    members = entries(state.get("_parameters")) | entries(state.get("_buffers"))
    return {
        name: value
        for name, value in members.items()
        if value is not None and not (isinstance(hidden, list) and name in hidden)
    }
