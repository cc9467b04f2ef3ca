"""HTTP with a deadline: one request, from looking up the name to the last byte of the answer, within so many seconds.

A time limit on each step is none on the whole: a byte every second, or `100 Continue` without end, keeps every step in
time. Here each step gets what is left. Nothing is followed: no redirect, no proxy.
"""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

Clock = Callable[[], float]


class Deadline:
    """A moment that comes.

    Args:
        seconds: from now.
        clock: by which time passes.
    """

    def __init__(self, seconds: float, clock: Clock = time.monotonic) -> None:
        self._clock, self._end = clock, clock() + seconds

    def left(self) -> float:
        """Seconds until then.

        Raises:
            TimeoutError: it has come.
        """
        left = self._end - self._clock()
        if left <= 0:
            raise TimeoutError
        return left


@dataclass(frozen=True)
class Reply:
    """What came back.

    Attributes:
        status: of HTTP.
        reason: in the words of the other side.
        wait: what its header `Retry-After` says; None where there is none.
        content: at most as many bytes as were asked for.
    """

    status: int
    reason: str
    wait: str | None
    content: bytes


def post(url: str, content: bytes, headers: Mapping[str, str], deadline: Deadline, most: int) -> Reply:
    """Send bytes to an http or https address; the answer, its first `most` bytes.

    Raises:
        OSError, http.client.HTTPException: there is none in time, or none that follows HTTP.
    """
    parts = urlsplit(url)
    with closing(_line(parts, deadline)) as line:
        connection = http.client.HTTPConnection(parts.hostname or "")
        connection.sock = _Timed(line, deadline)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, content, {"Host": parts.netloc, "Connection": "close", **headers})
        with connection.getresponse() as answer:
            said = answer.headers.get("Retry-After")
            return Reply(answer.status, answer.reason, said, answer.read(most))


def _line(parts: SplitResult, deadline: Deadline) -> socket.socket:
    """An open connection, secured for https."""
    host, secure = parts.hostname or "", parts.scheme == "https"
    plain = _connected(host, parts.port or (443 if secure else 80), deadline)
    try:
        plain.settimeout(deadline.left())
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host) if secure else plain
    except (OSError, ValueError):
        plain.close()
        raise


def _connected(host: str, port: int, deadline: Deadline) -> socket.socket:
    """A connection to the first address of a host that takes one."""
    refused: OSError | None = None
    for family, kind, protocol, _, address in _addresses(host, port, deadline):
        line = socket.socket(family, kind, protocol)
        try:
            line.settimeout(deadline.left())
            line.connect(address)
            return line
        except OSError as error:
            line.close()
            refused = error
    raise refused or OSError(f"no address of {host}")


def _addresses(host: str, port: int, deadline: Deadline) -> list[Any]:
    """Looked up in a thread of its own: the system's resolver has no time limit that could be set."""
    pool = ThreadPoolExecutor(1)
    try:
        # On expiry `result` raises TimeoutError, which is the built-in one.
        return pool.submit(socket.getaddrinfo, host, port, 0, socket.SOCK_STREAM).result(deadline.left())
    finally:
        pool.shutdown(wait=False)


class _Timed:
    """A connection whose every step ends with the deadline, as much of one as `http.client` asks for."""

    def __init__(self, line: socket.socket, deadline: Deadline) -> None:
        self._line, self._deadline = line, deadline

    def sendall(self, content: Any) -> None:
        """Send everything: `socket.sendall` over TLS would give each piece the whole time."""
        left = memoryview(content).cast("B")
        while left:
            self._line.settimeout(self._deadline.left())
            left = left[self._line.send(left) :]

    def makefile(self, mode: str) -> io.BufferedReader:
        """The answer as a stream."""
        assert mode == "rb"
        return io.BufferedReader(_Answer(self._line, self._deadline))

    def close(self) -> None:
        """Nothing: `http.client` asks for it before the answer is read; who opened the connection closes it."""


class _Answer(io.RawIOBase):
    def __init__(self, line: socket.socket, deadline: Deadline) -> None:
        self._line, self._deadline = line, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._line.settimeout(self._deadline.left())
        return self._line.recv_into(buffer)
