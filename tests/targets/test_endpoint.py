"""Endpoints: what is sent, how patiently, and what is refused."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import torch
from exported import faces
from serving import Service, serving
from torch import Tensor

from bareface.errors import TargetError
from bareface.settings.rate_limit import RateLimit
from bareface.settings.spec import ImageSpec
from bareface.targets.endpoint import Endpoint, endpoint, is_address, read_embeddings
from bareface.targets.http_client import HttpClient

IMAGES = faces(5, side=12)
GOOD, BOTH = b'{"embeddings": [[1, 2]]}', b'{"embeddings": [[1, 2], [3, 4]]}'


def embed(images: Tensor) -> Tensor:
    return images.float().mean((2, 3))


@pytest.fixture
def service() -> Iterator[Service]:
    with serving(embed) as running:
        yield running


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now, self.slept = 0.0, list[float]()

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)

    def __call__(self) -> float:
        return self.now


def asking(url: str, clock: Clock | None = None, **how: float) -> Endpoint:
    clock = clock or Clock()
    rate_limit = RateLimit(**{"images": 2, "timeout": 5.0, "retries": 2, **how})  # type: ignore[arg-type]
    return Endpoint(HttpClient(url, rate_limit, clock.sleep, clock), ImageSpec(12, 12))


def test_pictures_arrive_whole_and_answers_in_order(service: Service) -> None:
    torch.testing.assert_close(asking(service.url).embed(IMAGES), embed(IMAGES))
    assert service.asked == [2, 2, 1]


def test_the_size_of_the_answer_is_found_by_one_question(service: Service) -> None:
    target = asking(service.url)
    assert (target.embedding_size, target.embedding_size) == (3, 3)
    assert service.asked == [1]
    assert target.sha256 == asking(service.url).sha256 != asking(service.url + "2").sha256
    assert (target.without_head(), target.source) == (target, service.url)


def test_a_token_goes_along_and_stays_out_of_the_address(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    asking(service.url).embed(IMAGES[:1])
    monkeypatch.setenv("BAREFACE_ENDPOINT_TOKEN", "secret")
    asking(service.url).embed(IMAGES[:1])
    assert [headers.get("Authorization") for headers in service.headers] == [None, "Bearer secret"]


def test_no_more_requests_in_a_second_than_agreed(service: Service) -> None:
    clock = Clock()
    asking(service.url, clock, per_second=4.0).embed(IMAGES)
    assert clock.now == pytest.approx(0.5)


@pytest.mark.parametrize("mood", [429, 500, 503])
def test_a_busy_endpoint_is_asked_again_after_longer_and_longer_waits(service: Service, mood: int) -> None:
    clock = Clock()
    service.moods = [mood, mood]
    asking(service.url, clock, per_second=10_000.0, first_wait=1.0).embed(IMAGES[:1])
    assert [round(seconds) for seconds in clock.slept if seconds > 0.5] == [1, 2]


def test_patience_ends(service: Service) -> None:
    service.moods = [503] * 3
    told = r"endpoint: got no answer in 3 tries \(the last: 503 Service Unavailable\); .* Try: the same command once"
    with pytest.raises(TargetError, match=told):
        asking(service.url).embed(IMAGES[:1])


@pytest.mark.parametrize(("retries", "asked"), [(100, 4), (3, 4), (1, 2)])
def test_one_deadline_bounds_all_tries_and_the_waits_between_them(service: Service, retries: int, asked: int) -> None:
    """Waits of 1, 2, 4 and 8 seconds: the fifth try would begin after 15."""
    clock, service.moods = Clock(), [503] * 101
    with pytest.raises(TargetError, match=rf"got no answer in {asked} tries") as told:
        asking(service.url, clock, per_second=10_000.0, first_wait=1.0, retries=retries, total_timeout=15.0).embed(
            IMAGES[:1]
        )
    assert clock.now < 15
    late = "and 15 s, with another one too late" in str(told.value)
    assert late == ("longer total_timeout (of the endpoint)" in str(told.value)) == (asked <= retries)


def test_a_slow_pace_counts_too(service: Service) -> None:
    """A request in 100 seconds: the second would begin after 100, the third after 200."""
    clock, service.moods = Clock(), [503] * 9
    with pytest.raises(TargetError, match=r"got no answer in 2 tries and 150 s"):
        asking(service.url, clock, per_second=0.01, retries=8, total_timeout=150.0).embed(IMAGES[:1])
    assert clock.now == pytest.approx(100)


def test_a_try_has_no_more_time_than_the_deadline_leaves() -> None:
    """An address that takes connections and says nothing: a second for each of 100 tries, 1.2 seconds in all."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        rate_limit = RateLimit(timeout=1.0, retries=100, first_wait=0.01, total_timeout=1.2)
        with pytest.raises(TargetError, match=r"no answer in [12] tries and 1\.2 s, .*no whole answer within"):
            endpoint(f"http://127.0.0.1:{silent.getsockname()[1]}/", rate_limit=rate_limit).embed(IMAGES[:1])


def test_nobody_there_is_no_answer() -> None:
    with pytest.raises(TargetError, match=r"got no answer in 1 tries \(the last: .*[Rr]efused.*\)"):
        asking("http://127.0.0.1:9/", retries=0).embed(IMAGES[:1])


@pytest.mark.parametrize(
    ("mood", "message"),
    [
        (404, r"got the answer 404 .*; expected .* Try: asking it by hand first"),
        (401, r"got the answer 401"),
        (302, r"got the answer 302"),
        (b"<html>", r"got the answer '<html>'; expected \{\"embeddings\".* Try: asking it by hand first"),
        (b'{"embedding": [1]}', r"got the answer"),
        (b'{"embeddings": [[1], [2, 3]]}', r"got the answer"),
        (b'{"embeddings": ["a"]}', r"got the answer"),
        (b'{"embeddings": [[1, 2], [3, 4]]}', r"got numbers of shape \(2, 2\) for 1 images"),
        (b'{"embeddings": [[NaN, 2]]}', r"got numbers of shape \(1, 2\), not all of them finite, for 1 images"),
        (b"[" * 100_000, r"got the answer"),
    ],
)
def test_what_is_no_answer_is_refused_at_once(service: Service, mood: int | bytes, message: str) -> None:
    service.moods = [mood]
    with pytest.raises(TargetError, match=message):
        asking(service.url).embed(IMAGES[:1])
    assert len(service.asked) == 1


def test_answers_of_two_lengths_are_refused(service: Service) -> None:
    service.moods = [b'{"embeddings": [[1, 2], [1, 2]]}', b'{"embeddings": [[1, 2, 3], [1, 2, 3]]}', GOOD]
    with pytest.raises(
        TargetError, match="got embeddings of 2 and 3 numbers; expected the same number for every image"
    ):
        asking(service.url).embed(IMAGES)


def test_a_service_that_is_exchanged_on_the_way_is_found_out(service: Service) -> None:
    target = asking(service.url)
    assert target.embedding_size == 3
    service.moods = [GOOD]
    with pytest.raises(TargetError, match=r"got embeddings of 2 and 3 numbers; .* Try: starting over with --fresh"):
        target.embed(IMAGES[:1])


def test_an_answer_has_a_largest_size(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bareface.targets.http_client.MOST_BYTES", 10)
    with pytest.raises(TargetError, match="got more than 10 bytes"):
        asking(service.url).embed(IMAGES[:1])


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://host/x", r"got 'ftp://host/x'; expected an http or https address"),
        ("file:///etc/passwd", r"expected an http or https address"),
        ("http:///x", r"expected an http or https address"),
        ("http://host:99999/x", r"expected an http or https address"),
        ("http://host:face/x", r"expected an http or https address"),
        ("https://me:secret@host/x", r"got an address with a password in it; .* variable BAREFACE_ENDPOINT_TOKEN"),
    ],
)
def test_only_plain_addresses_are_asked(url: str, message: str) -> None:
    with pytest.raises(TargetError, match=message):
        endpoint(url)


def test_addresses_are_known_by_their_scheme() -> None:
    assert is_address("https://host/embed")
    assert not is_address("models/http.onnx")


class TestTime:
    """The whole answer has to be there in time, however it comes; every service here would end with a good one."""

    @pytest.mark.parametrize(
        "pieces",
        [
            [b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(BOTH) + 100), *[b" "] * 100, BOTH],
            [b"HTTP/1.1 200 OK\r\nX-Slow: ", *[b"a"] * 100, b"\r\nContent-Length: %d\r\n\r\n" % len(BOTH), BOTH],
            [*[b"HTTP/1.1 100 Continue\r\n\r\n"] * 100,
             b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BOTH), BOTH],
            [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[b"1\r\n \r\n"] * 100,
             b"%x\r\n" % len(BOTH) + BOTH + b"\r\n0\r\n\r\n"],
        ],
        ids=["bytes", "headers", "continue", "chunks"],
    )  # fmt: skip
    def test_a_slow_answer_is_none(self, pieces: list[bytes]) -> None:
        with dripping(pieces, 0.05) as url:
            asked = endpoint(url, rate_limit=RateLimit(timeout=0.5, retries=0))
            with pytest.raises(
                TargetError, match=r"got no answer in 1 tries \(the last: no whole answer within 0\.5 s\)"
            ):
                asked.embed(IMAGES[:2])

    def test_the_same_service_at_full_speed_is_understood(self) -> None:
        head = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BOTH)
        with dripping([head, BOTH], 0.0) as url:
            assert endpoint(url, rate_limit=RateLimit(timeout=30, retries=0)).embed(IMAGES[:2]).shape == (2, 2)

    def test_a_host_that_nobody_finds_in_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        found = threading.Event()
        monkeypatch.setattr("socket.getaddrinfo", lambda *_: found.wait(20))
        with pytest.raises(TargetError, match=r"no whole answer within 0\.1 s"):
            endpoint("http://nowhere/", rate_limit=RateLimit(timeout=0.1, retries=0)).embed(IMAGES[:2])
        found.set()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b'{"embeddings": [' + b"[]," * 500_000 + b"[]]}", r"the answer '\{\"embeddings.*': more than 26,384 values"),
        (b'{"embeddings": [[' + b"1," * 50_000 + b"1]]}", "more than 26,384 values"),
        (b'{"embeddings": ' + b"[" * 20, "values nested more than 16 deep"),
        (b'{"embeddings": [[' + b"9" * 5000 + b"]]}", "a number of more than 400 digits"),
    ],
)
def test_an_answer_of_more_than_it_should_hold_is_not_parsed(answer: bytes, told: str) -> None:
    with pytest.raises(TargetError, match=told):
        read_embeddings(answer, 2, "endpoint")


@contextmanager
def dripping(pieces: list[bytes], pause: float) -> Iterator[str]:
    """A service that says so many things, with a pause behind each."""
    server = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        with suppress(OSError), server.accept()[0] as line:
            line.recv(1 << 16)
            for piece in pieces:
                line.sendall(piece)
                time.sleep(pause)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
    finally:
        thread.join()
        server.close()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b'{"embeddings": [[true, 1.0], [1, 2]]}', "got the answer .*, with the truth value true in it"),
        (b'{"embeddings": [[1, 2], [1.5, "2.5"]]}', "with the text '2.5' in it"),
        (b'{"embeddings": ["12", "34"]}', "with the text '12' in it"),
    ],
)
def test_only_numbers_are_numbers(answer: bytes, said: str) -> None:
    with pytest.raises(TargetError, match=said):
        read_embeddings(answer, 2, "endpoint")
