"""Services that do not answer, never stop answering, or answer with more than was asked for."""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from corpus import Hostile
from corpus.world import World

Behave = Callable[[socket.socket], None]
_LONGEST = 40.0


def _drip(*head: bytes, piece: bytes = b" ", pause: float = 0.2) -> Behave:
    def behave(line: socket.socket) -> None:
        line.sendall(b"".join(head))
        end = time.monotonic() + _LONGEST
        while time.monotonic() < end:
            line.sendall(piece)
            time.sleep(pause)

    return behave


def _say(body: bytes, status: bytes = b"200 OK", more: bytes = b"", length: int | None = None) -> Behave:
    size = len(body) if length is None else length
    return lambda line: line.sendall(b"HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n" % (status, more, size) + body)


def _raw(content: bytes) -> Behave:
    return lambda line: line.sendall(content)


def _hang_up(line: socket.socket) -> None:
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _silent(line: socket.socket) -> None:
    time.sleep(_LONGEST)


_OK = b"HTTP/1.1 200 OK\r\n"
_ANSWER = b'{"embeddings": '
BEHAVIOURS: dict[str, Behave] = {
    "a byte at a time": _drip(_OK, b"Content-Length: 100000\r\n\r\n"),
    "a header a byte at a time": _drip(_OK, b"X: ", piece=b"a"),
    "a status a byte at a time": _drip(b"HTTP/1.1 ", piece=b"2"),
    "headers without end": _drip(_OK, piece=b"X: y\r\n", pause=0.05),
    "continue without end": _drip(piece=b"HTTP/1.1 100 Continue\r\n\r\n" * 50, pause=0.0),
    "chunks without end": _drip(_OK, b"Transfer-Encoding: chunked\r\n\r\n", piece=b"1\r\n \r\n", pause=0.05),
    "a chunk of exabytes": _raw(_OK + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\nabc"),
    "chunks that are none": _raw(_OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc"),
    "silence": _silent,
    "hanging up": _hang_up,
    "nothing": _raw(b""),
    "noise": _raw(bytes(range(256)) * 100),
    "a line without end": _raw(b"HTTP/1.1 200 " + b"x" * 200_000),
    "a hundred thousand headers": _raw(_OK + b"A: b\r\n" * 100_000 + b"\r\n"),
    "a length of exabytes": _say(b"{}", length=1 << 62),
    "a negative length": _say(b"{}", length=-5),
    "a redirect to a file": _say(b"", b"302 Found", b"Location: file:///etc/passwd\r\n"),
    "a redirect to itself": _say(b"", b"307 Temporary Redirect", b"Location: /again\r\n"),
    "a redirect elsewhere": _say(b"", b"308 Permanent Redirect", b"Location: http://127.0.0.1:1/\r\n"),
    "wait for a year": _say(b"", b"503 Busy", b"Retry-After: 31536000\r\n"),
    "wait for ages": _say(b"", b"429 Slow", b"Retry-After: " + b"9" * 500 + b"\r\n"),
    "twenty million lists": _say(_ANSWER + b"[" + b"[]," * 20_000_000 + b"[]]}"),
    "twenty million numbers": _say(_ANSWER + b"[[" + b"1," * 20_000_000 + b"1]]}"),
    "more than it may": _say(_ANSWER + b"[" + b" " * (70 << 20) + b"]}"),
    "lists without end": _say(_ANSWER + b"[" * 200_000),
    "mappings without end": _say(b'{"embeddings":' * 100_000),
    "a number of five thousand digits": _say(_ANSWER + b"[[" + b"9" * 5000 + b", 1]]}"),
    "a number of 1e999": _say(_ANSWER + b"[[1e999, 1]]}"),
    "NaN": _say(_ANSWER + b"[[NaN, Infinity]]}"),
    "texts": _say(_ANSWER + b'[["__import__(\'os\')", "b"]]}'),
    "a text without end": _say(_ANSWER + b'"' + b"x" * (5 << 20)),
    "backslashes": _say(_ANSWER + b'"' + b"\\" * (5 << 20)),
    "keys many times": _say(b"{" + b'"embeddings": [[1, 2]],' * 100_000 + b'"a": 1}'),
    "another number of rows": _say(json.dumps({"embeddings": [[1.0, 2.0]] * 7}).encode()),
    "rows of other lengths": _say(_ANSWER + b"[[1, 2], [3]]}"),
    "no rows": _say(_ANSWER + b"[]}"),
    "a pickle": _say(b"\x80\x02cos\nmkdir\nX\x08\x00\x00\x00EXECUTED\x85R."),
    "a compressed answer": _say(b"\x1f\x8b" + bytes(100), more=b"Content-Encoding: gzip\r\n"),
    "no text": _say(b"\xff\xfe\0\0"),
    "control characters": _say(b"\x1b[2J\x07", b"418 \x1b[2J"),
}


@contextmanager
def services() -> Iterator[str]:
    """All of them while the block runs; their address, to which the number of one is added."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=64)
    ways = list(BEHAVIOURS.values())

    def one(line: socket.socket) -> None:
        with line, suppress(OSError, ValueError, IndexError):
            asked = line.recv(1 << 16)
            number = int(asked.split(b" ")[1].rpartition(b"/")[2])
            line.settimeout(0.05)
            with suppress(TimeoutError):  # the rest of the request
                while line.recv(1 << 16):
                    pass
            line.settimeout(_LONGEST)
            ways[number](line)

    def accept() -> None:
        with suppress(OSError):
            while True:
                line, _ = listening.accept()
                threading.Thread(target=one, args=(line,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.close()


def _asked(number: int, folder: Path, world: World) -> list[str]:
    (folder / "audit.yaml").write_text(
        f"model: {world.services}/{number}\nspec: {{height: 16, width: 16}}\n"
        f"members: {world.faces}\nnonmembers: {world.others}\n"
        "endpoint: {images: 4, per_second: 1000, timeout: 1.5, retries: 0}\n"
        "games: [dataset]\nattacks: [embedding-norm]\n"
    )
    return ["audit", "audit.yaml", "-o", "run"]


def inputs() -> Iterator[Hostile]:
    """An audit asks each of them."""
    for number, name in enumerate(BEHAVIOURS):
        yield Hostile("endpoint", name, partial(_asked, number), must_refuse=True)
