"""Pickles: calls, and programs that cost more than they weigh."""

import pickle
import struct
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from corpus import EXECUTED, Hostile
from corpus.world import World

# What would make the folder, told by module, name and arguments.
CALLS: dict[str, tuple[str, str, tuple[object, ...]]] = {
    "os.mkdir": ("os", "mkdir", (EXECUTED,)),
    "posix.system": ("posix", "system", (f"mkdir {EXECUTED}",)),
    "subprocess.call": ("subprocess", "call", (["mkdir", EXECUTED],)),
    "builtins.exec": ("builtins", "exec", (f"import os; os.mkdir({EXECUTED!r})",)),
    "builtins.eval": ("builtins", "eval", (f"__import__('os').mkdir({EXECUTED!r})",)),
    "runpy": ("runpy", "_run_code", (f"import os; os.mkdir({EXECUTED!r})", {})),
    "pathlib.Path": ("pathlib", "Path.mkdir", (EXECUTED,)),
    "timeit": ("timeit", "timeit", (f"__import__('os').mkdir({EXECUTED!r})", "pass", None, 1)),
}


def text(words: str) -> bytes:
    """A text on the stack."""
    return b"X" + struct.pack("<I", len(words.encode())) + words.encode()


def call(module: str, name: str, arguments: tuple[object, ...], protocol: int = 2) -> bytes:
    """A pickle of a dict with one call in it."""
    inside = pickle.dumps(arguments, protocol)
    body = inside[2:-1] if protocol >= 2 else inside[:-1]
    function = f"c{module}\n{name}\n".encode()
    return (b"\x80" + bytes([protocol]) if protocol >= 2 else b"") + b"(d" + text("x") + function + body + b"Rs."


def as_zip(content: bytes, path: Path) -> None:
    """The pickle in an archive as `torch.save` writes it."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", content)
        archive.writestr("archive/byteorder", "little")
        archive.writestr("archive/version", "3\n")


def as_legacy(content: bytes, path: Path) -> None:
    """The pickle between the others of torch's older format."""
    head = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}]
    path.write_bytes(b"".join(pickle.dumps(one, 2) for one in head) + content + pickle.dumps([], 2))


def as_it_is(content: bytes, path: Path) -> None:
    """The pickle alone."""
    path.write_bytes(content)


def _made(content: Callable[[], bytes], wrap: Callable[[bytes, Path], None], name: str, command: str,
          folder: Path, world: World) -> list[str]:  # fmt: skip
    wrap(content(), folder / name)
    return {
        "inspect": ["inspect", name],
        "verify": ["verify", "pairs.csv", "--model", name, "--images", world.faces],
        "convert": ["convert-generator", name, "made.safetensors"],
        "pairs": ["verify", name, "--model", world.target],
        "compare": ["inspect", world.target, "--compare", name],
    }[command]


def _shared(push: bytes, join: bytes, times: int = 3, levels: int = 60) -> bytes:
    """Values that hold the one before several times over."""
    body = push + b"q\x00"
    for level in range(levels):
        body += join.replace(b"@", b"h" + bytes([level])) + b"q" + bytes([level + 1])
    return b"\x80\x02" + body + b"."


def _dicts(keys: str = "abc") -> bytes:
    return _shared(b"}", b"}(" + b"".join(text(key) + b"@" for key in keys) + b"u")


def _ordered_from_lists() -> bytes:
    pairs = b"".join(b"](" + text(key) + b"@e" for key in "abc")
    return _shared(b"}", b"ccollections\nOrderedDict\n](" + pairs + b"e\x85R")


def _modules() -> bytes:
    module = b"cmade.up\nNet\n)\x81"
    state = b"}(" + text("_modules") + b"}(" + b"".join(text(key) + b"@" for key in "abc") + b"uub"
    return _shared(module + b"}" + text("_modules") + b"}sb", module + state, levels=40)


def _calls_with_one_argument(function: bytes, argument: bytes, times: int = 20_000) -> bytes:
    return b"\x80\x02" + argument + b"\x94(" + (function + b"h\x00\x85R") * times + b"l."


def _long_list() -> bytes:
    return b"(" + b"K\x01" * 200_000 + b"l"


def _tensor(shape: bytes, stride: bytes, numel: bytes = b"K\x06", kind: bytes = b"FloatStorage") -> bytes:
    storage = b"(" + text("storage") + b"ctorch\n" + kind + b"\n" + text("0") + text("cpu") + numel + b"tQ"
    made = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\x00" + shape + stride + b"\x89}tR"
    return b"\x80\x02}(" + text("a.running_mean") + made + b"u."


def _long_number(digits: int) -> bytes:
    return b"\x80\x02}" + text("epoch") + b"\x8b" + struct.pack("<I", digits) + b"\x01" * digits + b"s."


BOMBS: dict[str, Callable[[], bytes]] = {
    "dicts that share dicts": _dicts,
    "dicts of two": partial(_dicts, "ab"),
    "dicts in ordered dicts": _ordered_from_lists,
    "long names on every path": partial(_dicts, ["a" * 5000, "b" * 5000]),  # type: ignore[arg-type]
    "modules that share modules": _modules,
    "a dict in itself": lambda: b"\x80\x02}q\x00(" + text("self") + b"h\x00u.",
    "two dicts in each other": lambda: b"\x80\x02}q\x00}q\x01(" + text("b") + b"h\x00u0h\x00(" + text("a") + b"h\x01u.",
    "a list in itself": lambda: b"\x80\x02]q\x00h\x00a.",
    "dicts a thousand deep": lambda: (
        b"\x80\x02" + b"".join(b"}" + text("k") for _ in range(1000)) + b"N" + b"s" * 1000 + b"."
    ),
    "lists without end": lambda: b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",
    "tuples a hundred thousand deep": lambda: b"\x80\x02N" + b"\x85" * 100_000 + b".",
    "tuples that share tuples": lambda: b"\x80\x02N" + b"2\x86" * 60 + b".",
    "one text in every call": lambda: _calls_with_one_argument(b"c_codecs\nencode\n", text("x" * 200_000)),
    "one list in every dict": lambda: _calls_with_one_argument(b"ccollections\nOrderedDict\n", _long_list()),
    "one list in every set": lambda: _calls_with_one_argument(b"cbuiltins\nset\n", _long_list()),
    "a state for every object": lambda: (
        b"\x80\x02}("
        + b"".join(text(f"k{i}") + b"N" for i in range(20_000))
        + b"uq\x00("
        + b"cargparse\nNamespace\n)\x81h\x00b" * 20_000
        + b"l."
    ),
    "a number of five thousand digits": lambda: _long_number(2077),
    "a number of a megabyte": lambda: _long_number(1 << 20),
    "a decimal number of five thousand digits": lambda: b"\x80\x02}" + text("epoch") + b"I" + b"9" * 5000 + b"\ns.",
    "a key that is a long number": lambda: b"\x80\x02}\x8b" + struct.pack("<I", 4000) + b"\x01" * 4000 + b"Ns.",
    "a text that claims gigabytes": lambda: b"\x80\x02}" + b"X\xff\xff\xff\x7fabc.",
    "bytes that claim the world": lambda: b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7fabc.",
    "a frame that claims the world": lambda: b"\x80\x04\x95" + b"\xff" * 7 + b"\x7f}.",
    "a memo at four billion": lambda: b"\x80\x02}r\xff\xff\xff\xff.",
    "no stop": lambda: b"\x80\x02}" + text("a"),
    "an empty stack": lambda: b"\x80\x020000.",
    "a shape of a hundred thousand sides": lambda: _tensor(
        b"(" + b"K\x01" * 100_000 + b"t", b"(" + b"K\x01" * 100_000 + b"t"
    ),
    "a tensor of ten trillion numbers": lambda: _tensor(b"\x8a\x06\x00\x00\x00\x00\x00\x09\x85", b"K\x01\x85"),
    "a tensor with a stride of zero": lambda: _tensor(b"\x8a\x04\x00\x00\x00\x7f\x85", b"K\x00\x85"),
    "a tensor with a negative stride": lambda: _tensor(b"K\x06\x85", b"J\xff\xff\xff\xff\x85"),
    "a storage of more than there is": lambda: _tensor(b"K\x06\x85", b"K\x01\x85", b"\x8a\x06\x00\x00\x00\x00\x00\x09"),
    "a storage without a name": lambda: _tensor(b"K\x06\x85", b"K\x01\x85", kind=b"NoStorage"),
    "torch.Tensor of a billion": lambda: b"\x80\x02}" + text("a") + b"ctorch\nTensor\nJ\x00\xca\x9a\x3b\x85Rs.",
    "a name of a megabyte": lambda: b"\x80\x02c" + b"a" * (1 << 20) + b"\nb\n.",
    "a hundred thousand names": lambda: b"\x80\x02(" + b"".join(f"ca{i}\nb\n".encode() for i in range(100_000)) + b"l.",
    "control characters in a name": lambda: b"\x80\x02}" + text("\x1b[2J\x07\r\nab") + b"Ns.",
    "an extension": lambda: b"\x80\x02}\x82\x01.",
    "six million opcodes": lambda: b"\x80\x02" + b"N0" * 3_000_000 + b"N.",
}


def inputs() -> Iterator[Hostile]:
    """Calls in every wrapping, bombs through every command."""
    wrappings = {"alone": as_it_is, "zip": as_zip, "legacy": as_legacy}
    for name, told in CALLS.items():
        for how, wrap in wrappings.items():
            for command in ("inspect", "verify") if how == "zip" else ("inspect",):
                make = partial(_made, partial(call, *told), wrap, "weights.pt", command)
                yield Hostile("pickle", f"{name}, {how}, {command}", make)
        for protocol, command, file in (
            (4, "convert", "weights.pkl"),
            (2, "pairs", "lfw.bin"),
            (0, "pairs", "lfw.bin"),
        ):
            make = partial(_made, partial(call, *told, protocol=protocol), as_it_is, file, command)
            yield Hostile("pickle", f"{name}, protocol {protocol}, {command}", make)
    for name, bomb in BOMBS.items():
        yield Hostile("pickle", f"{name}, inspect", partial(_made, bomb, as_zip, "weights.pt", "inspect"))
        yield Hostile("pickle", f"{name}, verify", partial(_made, bomb, as_zip, "weights.pt", "verify"))
        yield Hostile("pickle", f"{name}, convert", partial(_made, bomb, as_it_is, "weights.pkl", "convert"))
        yield Hostile("pickle", f"{name}, legacy", partial(_made, bomb, as_legacy, "weights.pth", "inspect"))
        yield Hostile("pickle", f"{name}, pairs", partial(_made, bomb, as_it_is, "LFW.BIN", "pairs"))
