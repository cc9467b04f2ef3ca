"""Texts: configurations and recipes in YAML, manifests, lists of pairs."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from corpus import EXECUTED, Hostile
from corpus.world import World

_NEEDED = "model: m\nroster: people.csv\n"


def _anchors(times: int, levels: int, first: str = "[x, x]") -> str:
    lines = [f"a0: &a0 {first}"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * times)}]" for i in range(1, levels)]
    return "\n".join([*lines, f"{_NEEDED}title: *a{levels - 1}\n"])


def _merges(times: int = 6, levels: int = 25) -> str:
    lines = ["a0: &a0 {k: v}"]
    lines += [f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * times)}]}}" for i in range(1, levels)]
    return "\n".join([*lines, _NEEDED])


# What would run, if a model in a file ran.
CODE = {
    "a server": "http.server:test",
    "a folder": "os:getcwd",
    "a shell": "pty:spawn",
    "a game": "this:s",
    "a module that is not there": "evil.module:make",
    "a callable of ours": "bareface.cli.app:main",
    "an editor": "idlelib.idle:main",
}
YAML: dict[str, str] = {
    "anchors of six": _anchors(6, 30),
    "anchors of two": _anchors(2, 64),
    "anchors of empty lists": _anchors(6, 30, "[]"),
    "merged keys": _merges(),
    "a list in itself": f"{_NEEDED}title: &a [*a]\n",
    "a mapping in itself": f"{_NEEDED}title: &a {{b: *a}}\n",
    "a mapping merged with itself": f"&a\n<<: *a\n{_NEEDED}",
    "brackets": "[" * 100_000,
    "braces": "{" * 100_000,
    "dashes": "- " * 100_000,
    "question marks": "? " * 100_000,
    "indents": "".join(" " * i + "a:\n" for i in range(500)),
    "digits": f"{_NEEDED}seed: {'9' * 5000}\n",
    "hexadecimal digits": f"{_NEEDED}seed: 0x{'f' * 5000}\n",
    "base sixty": f"{_NEEDED}seed: {'1:' * 5000}1\n",
    "binary digits": f"{_NEEDED}seed: 0b{'1' * 20_000}\n",
    "a key of digits": f"{'9' * 5000}: 1\n{_NEEDED}",
    "digits in a list": f"{_NEEDED}title: [{'9' * 5000}]\n",
    "a float of digits": f"{_NEEDED}seed: {'9' * 5000}.5\n",
    "python/object/apply": f"!!python/object/apply:os.mkdir [{EXECUTED}]\n",
    "python/name": f"{_NEEDED}title: !!python/name:os.system\n",
    "python/module": f"{_NEEDED}title: !!python/module:this\n",
    "python/object/new": f"{_NEEDED}title: !!python/object/new:os.mkdir [{EXECUTED}]\n",
    "an unknown tag": f"{_NEEDED}title: !evil x\n",
    "a date that is none": f"{_NEEDED}title: 2026-99-99\n",
    "a time stamp that is none": f"{_NEEDED}title: !!timestamp x\n",
    "a truth that is none": f"{_NEEDED}title: !!bool maybe\n",
    "an integer that is none": f"{_NEEDED}seed: !!int x\n",
    "a float that is none": f"{_NEEDED}seed: !!float x\n",
    "binary that is none": f"{_NEEDED}title: !!binary x$\n",
    "a list as a key": f"? [a]\n: b\n{_NEEDED}",
    "a number as a key": f"1: 2\n{_NEEDED}",
    "nothing as a key": f"~: 2\n{_NEEDED}",
    "a set": "!!set {a, b}\n",
    "two documents": f"{_NEEDED}---\n{_NEEDED}",
    "twenty thousand keys": "".join(f"k{i}: 1\n" for i in range(20_000)),
    "a megabyte of text": f"{_NEEDED}title: {'x' * (1 << 20)}\n",
    "a megabyte of commas": f"{_NEEDED}title: [{'x,' * (1 << 19)}]\n",
    "a zero byte": f"{_NEEDED}title: a\0b\n",
    "control characters": f'{_NEEDED}title: "\\x1b[2J\\x07"\nmodel: "\\x1b[2J"\n',
    "a path with a zero byte": 'model: "a\\0b"\nroster: "a\\0b"\n',
    "a path of ten thousand letters": f"model: {'m' * 10_000}\nroster: {'r' * 10_000}\n",
    "a folder of ten thousand letters": f"model: m\nmembers: {'r' * 10_000}\nnonmembers: {'s' * 300}\n",
    "an attack of brackets": f'{_NEEDED}attacks: ["bn-distance:k={"[" * 5000}"]\n',
    "an attack of digits": f'{_NEEDED}attacks: ["bn-distance:k={"9" * 5000}"]\n',
    "an attack that names code": f'{_NEEDED}attacks: ["os:system=1"]\n',
    "an endpoint of digits": f"{_NEEDED}endpoint: {{timeout: 1e999, retries: {'9' * 40}}}\n",
    "a device": "model: /dev/zero\nroster: /dev/zero\n",
    "a roster that is a device": "model: m\nroster: /dev/zero\n",
    "a model that is a pipe": "model: pipe\nroster: pipe\n",
    "a picture of a trillion pixels": f"{_NEEDED}spec: {{height: 1000000, width: 1000000}}\n",
    "five means": f"{_NEEDED}spec: {{height: 8, width: 8, mean: [1, 2, 3, 4, 5]}}\n",
    "a pace of never": f"{_NEEDED}endpoint: {{per_second: 1e-300, timeout: .inf}}\n",
    "a billion folds": f"{_NEEDED}folds: 1000000000\n",
    "an embedding of a trillion numbers": "embedding_size: 1000000000000\n",
    "a batch of a trillion images": "batch_size: 1000000000000\nepochs: 1\nwarmup_epochs: 0\n",
    "a shift of a trillion pixels": "shift: 1000000000000\n",
    "pixels of a trillion": "spec: {height: 1000000, width: 1000000}\n",
    "an architecture that names code": "architecture: os:system\n",
    "nothing": "",
    "a text": "just words",
    "a list": "[1, 2]",
    "a file address": "model: file:///etc/passwd\nroster: people.csv\n",
}
BYTES = {"no text": b"\xff\xfe\0\xd8", "latin": "title: é".encode("latin-1"), "utf-16": "a: b".encode("utf-16")}

CSV: dict[str, bytes] = {
    "paths that climb": b"image,subject,role\n../world/secret.txt,a,member\n",
    "absolute paths": b"image,subject,role\n/etc/passwd,a,member\n",
    "a zero byte": b"image,subject,role\na\0b.png,a,member\n",
    "a name of ten thousand letters": b"image,subject,role\n" + b"a" * 10_000 + b".png,a,member\n",
    "a person of ten thousand letters": b"image,subject,role\na.png," + b"a" * 10_000 + b",member\n",
    "a quote without end": b'image,subject,role\n"a.png,a,member\n',
    "a cell of a megabyte": b"image,subject,role\n" + b"a" * (1 << 20) + b",a,member\n",
    "control characters": b"image,subject,role\n\x1b[2J.png,\x07,member\n",
    "a formula": b"image,subject,role\n=cmd|'/c calc'!A1.png,@x,member\n",
    "no text": b"\xff\xfe\0\xd8",
    "nothing": b"",
    "a pack that climbs": b"image,subject,role\ntrain.rec/../../x,a,member\n",
    "a million commas": b"image,subject,role\n" + b"," * (1 << 20) + b"\n",
    "a roster of devices": b"image,subject,role\nzero/x.png,a,member\nzero,b,member\n",
}
PAIRS: dict[str, bytes] = {
    "folds of five thousand digits": b"9" * 5000 + b" 1\n",
    "a million folds": b"999999 999999\na 1 2\n",
    "paths that climb": b"1 1\n../../etc 1 2\na 1 b 2\n",
    "absolute paths": b"/etc/passwd /etc/shadow 1\n/etc/passwd /etc/hosts 0\n",
    "names of a megabyte": b"1 1\n" + b"a" * (1 << 20) + b" 1 2\na 1 b 2\n",
    "control characters": b"1 1\n\x1b[2J 1 2\n\x07 1 b 2\n",
    "no text": b"\xff\xfe\0\xd8",
    "nothing": b"",
    "a zero byte": b"1 1\na\0 1 2\na 1 b\0 2\n",
}


def _audited(content: bytes, more: list[str], folder: Path, world: World) -> list[str]:
    (folder / "audit.yaml").write_bytes(content)
    os.mkfifo(folder / "pipe")
    return ["audit", "audit.yaml", "-o", "run", *more]


def _trained(content: bytes, folder: Path, world: World) -> list[str]:
    (folder / "recipe.yaml").write_bytes(content)
    return ["train", world.faces, "-o", "run", "--recipe", "recipe.yaml"]


def _itself(kind: str, folder: Path, world: World) -> list[str]:
    if kind == "pipe":
        os.mkfifo(folder / "audit.yaml")
    elif kind == "device":
        (folder / "audit.yaml").symlink_to("/dev/zero")
    else:
        (folder / "audit.yaml").mkdir()
    return (
        ["audit", "audit.yaml", "-o", "run"]
        if kind != "pipe"
        else ["train", world.faces, "-o", "run", "--recipe", "audit.yaml"]
    )


def _code(field: str, reference: str, folder: Path, world: World) -> list[str]:
    values = {"model": world.target, field: reference}
    lines = [f"{name}: {value}" if name != "references" else f"references: [{value}]" for name, value in values.items()]
    people = f"members: {world.faces}\nnonmembers: {world.others}\n"
    (folder / "audit.yaml").write_text("\n".join(lines) + f"\n{people}games: [dataset]\nattacks: [embedding-norm]\n")
    return ["audit", "audit.yaml", "-o", "run"]


def _listed(content: bytes, folder: Path, world: World) -> list[str]:
    (folder / "people.csv").write_bytes(content)
    (folder / "zero").symlink_to("/dev/zero")
    return ["overlap", "people.csv", world.faces, "-o", "run"]


def _paired(content: bytes, folder: Path, world: World) -> list[str]:
    (folder / "pairs.txt").write_bytes(content)
    return ["verify", "pairs.txt", "--model", world.target, "--images", world.faces]


def inputs() -> Iterator[Hostile]:
    """Configurations, recipes, manifests and pairs."""
    for name, reference in CODE.items():
        yield Hostile("YAML", f"code: {name}", partial(_code, "model", reference), must_refuse=True)
    for field in ("foreign", "recogniser", "references"):
        yield Hostile("YAML", f"code: a folder as {field}", partial(_code, field, "os:getcwd"), must_refuse=True)
    for name, content in (*((n, t.encode()) for n, t in YAML.items()), *BYTES.items()):
        yield Hostile("YAML", name, partial(_audited, content, []))
        yield Hostile("YAML", f"a recipe: {name}", partial(_trained, content), must_refuse=name not in ("nothing",))
    for kind in ("pipe", "device", "folder"):
        yield Hostile("YAML", f"a configuration that is a {kind}", partial(_itself, kind))
    for name, content in CSV.items():
        yield Hostile("manifest", name, partial(_listed, content))
    for name, content in PAIRS.items():
        yield Hostile("pairs", name, partial(_paired, content))
