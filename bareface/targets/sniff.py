"""Which kind of file lies there; the kinds that are no checkpoint are refused by name."""

import zipfile
from pathlib import Path
from typing import Literal

from bareface.errors import CheckpointError, UnsafeFileError
from bareface.targets.unsafe import EXPORT, refuse_code
from bareface.untrusted.opcodes import mapped, walk
from bareface.untrusted.regular import is_file, open_file, what_lies_at

Kind = Literal["safetensors", "torch zip", "torch legacy"]
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_KINDS = "a safetensors file or a torch.save of a state_dict"


def sniff(path: Path) -> Kind:
    """The kind of checkpoint at `path`, from its first bytes.

    Raises:
        CheckpointError: there is no file, or no checkpoint in it.
        UnsafeFileError: it is a program: TorchScript, an exported model, a plain pickle that calls something.
    """
    if not is_file(path):
        raise CheckpointError(str(path), got=what_lies_at(path), expected=_KINDS, hint="checking the path")
    with open_file(path) as file:
        head = file.read(512)
    if head.startswith(b"version https://git-lfs"):
        hint = "git lfs pull"
        raise CheckpointError(str(path), got="a Git LFS pointer, not the weights", expected=_KINDS, hint=hint)
    if head.startswith(b"PK\x03\x04"):
        return _archive(path)
    if head[8:9] == b"{":
        return "safetensors"
    return _pickle(path, head)


def _archive(path: Path) -> Kind:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.partition("/")[2] or name for name in archive.namelist()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise _damaged(path, f"a zip archive that is cut off or damaged ({error})") from None
    if "constants.pkl" in names or any(name.startswith("code/") for name in names):
        raise UnsafeFileError(str(path), got="a TorchScript program", expected=_KINDS, hint=EXPORT)
    if "archive_format" in names or any(name.startswith("serialized_") for name in names):
        raise UnsafeFileError(str(path), got="an exported program (.pt2)", expected=_KINDS, hint=EXPORT)
    if "data.pkl" not in names:
        raise CheckpointError(str(path), got="a zip archive without data.pkl", expected=_KINDS, hint=EXPORT)
    return "torch zip"


def _pickle(path: Path, head: bytes) -> Kind:
    if not head:
        raise _damaged(path, "an empty file")
    if head[257:262] == b"ustar":
        raise CheckpointError(str(path), got="a tar archive of torch 0.1", expected=_KINDS, hint=EXPORT)
    with mapped(path) as stream:
        try:
            first = walk(stream, str(path))
        except CheckpointError:
            raise _unknown(path) from None
    if first.root == LEGACY_MAGIC:
        return "torch legacy"
    refuse_code(str(path), first.names)
    raise CheckpointError(str(path), got="a plain pickle, not a torch file", expected=_KINDS, hint=EXPORT)


def _unknown(path: Path) -> CheckpointError:
    if path.suffix == ".onnx":
        hint = "the checkpoint that it was exported from; audit and inspect take the ONNX file too, but only to score"
        return CheckpointError(str(path), got="an ONNX model", expected=_KINDS, hint=hint)
    got, hint = "bytes of no known kind", "the file that training saved"
    return CheckpointError(str(path), got=got, expected=_KINDS, hint=hint)


def _damaged(path: Path, got: str) -> CheckpointError:
    return CheckpointError(str(path), got=got, expected="a whole file", hint="copying it again")
