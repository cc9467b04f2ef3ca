"""A service on this machine that answers images with embeddings, well or badly."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO

import numpy as np
import torch
from PIL import Image
from torch import Tensor

Embed = Callable[[Tensor], Tensor]


@dataclass
class Service:
    """What the service was asked, and how it misbehaves.

    Attributes:
        embed: (n, 3, h, w) uint8 to (n, d).
        moods: status codes (or whole bodies) for the next requests instead of answers.
        asked: pictures in each request that came.
        headers: of each request.
        url: where it is.
    """

    embed: Embed
    moods: list[int | bytes] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""


@contextmanager
def serving(embed: Embed) -> Iterator[Service]:
    """A service that answers while the block runs."""
    service = Service(embed)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            pictures = [_decoded(picture) for picture in json.loads(content)["images"]]
            service.asked.append(len(pictures))
            service.headers.append(dict(self.headers.items()))
            mood = service.moods.pop(0) if service.moods else None
            if isinstance(mood, int):
                self._answer(mood, b"")
            elif mood is not None:
                self._answer(200, mood)
            else:
                told = service.embed(torch.stack(pictures)).detach().tolist()
                self._answer(200, json.dumps({"embeddings": told}).encode())

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Retry-After", "0")
            if 300 <= status < 400:
                self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_port}/embed"
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _decoded(picture: str) -> Tensor:
    with Image.open(BytesIO(base64.b64decode(picture))) as image:
        return torch.from_numpy(np.array(image)).permute(2, 0, 1)
