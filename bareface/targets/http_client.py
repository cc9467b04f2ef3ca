"""Posting bytes to an address with good manners: a pace, a time limit, repetitions with growing waits, no detours.

Directly to http or https (no proxy), and nowhere else (no redirects); an answer has a largest size.
"""

import http.client
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from bareface.errors import TargetError
from bareface.settings.rate_limit import RateLimit
from bareface.targets.deadline import Deadline, post
from bareface.targets.printable import printable

TOKEN = "BAREFACE_ENDPOINT_TOKEN"
MOST_BYTES = 64 << 20
LONGEST_WAIT = 60.0
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_NO_ANSWER = (http.client.HTTPException, OSError, ValueError)  # the last: an answer that is no HTTP


@dataclass
class HttpClient:
    """An address and when it was last asked.

    Attributes:
        url: where to.
        rate_limit: how.
        sleep, clock: seconds pass through these.

    Raises:
        TargetError: the address is none of http or https, or has a password in it.
    """

    url: str
    rate_limit: RateLimit
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _due: float = field(default=float("-inf"), init=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or not _has_a_port(parts):
            raise TargetError("endpoint", got=repr(printable(self.url)), expected="an http or https address")
        if parts.username or parts.password:
            got, hint = "an address with a password in it", f"the environment variable {TOKEN}"
            raise TargetError("endpoint", got=got, expected="an address alone", hint=hint)

    def ask(self, content: bytes, expected: str) -> bytes:
        """The answer to a JSON message.

        Raises:
            TargetError: no answer after all repetitions or in the total time, a refusal, or more than 64 MiB.
        """
        wait, tries = self.rate_limit.first_wait, self.rate_limit.retries + 1
        self._keep_pace()
        end = self.clock() + self.rate_limit.total_timeout
        for number in range(1, tries + 1):
            answer, asked_to_wait = self._once(content, expected, min(self.rate_limit.timeout, end - self.clock()))
            if isinstance(answer, bytes):
                return answer
            pause = max(min(max(wait, asked_to_wait), LONGEST_WAIT), self._due - self.clock())
            if number == tries or self.clock() + pause >= end:
                raise self._no_answer(number, answer, expected)
            self.sleep(pause)
            self._keep_pace()
            wait *= 2
        raise AssertionError("the last try ends in an answer or in an error")

    def _keep_pace(self) -> None:
        self.sleep(max(0.0, self._due - self.clock()))
        self._due = self.clock() + 1 / self.rate_limit.per_second

    def _no_answer(self, tries: int, last: str, expected: str) -> TargetError:
        late = tries <= self.rate_limit.retries
        within = f" and {self.rate_limit.total_timeout:g} s, with another one too late" if late else ""
        hint = "the same command once the endpoint is up; it resumes"
        hint += "; or a longer total_timeout (of the endpoint)" if late else ""
        return TargetError(
            "endpoint", got=f"no answer in {tries} tries{within} (the last: {last})", expected=expected, hint=hint
        )

    def _once(self, content: bytes, expected: str, seconds: float) -> tuple[bytes | str, float]:
        """The answer, or why there is none and how many seconds the other side wants to be left alone."""
        try:
            reply = post(self.url, content, _headers(), Deadline(seconds, self.clock), MOST_BYTES + 1)
        except TimeoutError:
            return f"no whole answer within {seconds:.3g} s", 0.0
        except _NO_ANSWER as error:
            return printable(str(error) or type(error).__name__, 120), 0.0
        if not 200 <= reply.status < 300:
            said = f"{reply.status} {printable(reply.reason, 80)}"
            if reply.status in _AGAIN:
                return said, _seconds(reply.wait)
            got = f"the answer {said}"
            raise TargetError("endpoint", got=got, expected=expected, hint="asking it by hand first")
        if len(reply.content) > MOST_BYTES:
            hint = "fewer images in a request (endpoint: images)"
            raise TargetError("endpoint", got=f"more than {MOST_BYTES:,} bytes", expected=expected, hint=hint)
        return reply.content, 0.0


def _has_a_port(parts: SplitResult) -> bool:
    """Whether the port is the usual one or a number that a port can have."""
    try:
        return parts.port is None or parts.port > 0
    except ValueError:
        return False


def _headers() -> dict[str, str]:
    token = os.environ.get(TOKEN, "")
    plain = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "bareface"}
    return {**plain, "Authorization": f"Bearer {token}"} if token else plain


def _seconds(said: str | None) -> float:
    return float(said) if said is not None and said.isdecimal() and len(said) < 8 else 0.0
