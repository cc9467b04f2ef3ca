"""A backbone behind an address on this machine: pictures in, embeddings out, as docs/targets.md says."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from bareface.targets.target import Target


@contextmanager
def serving(target: Target) -> Iterator[str]:
    """The address at which the backbone answers while the block runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(target))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/embed"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(target: Target) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            answer = json.dumps({"embeddings": _embedded(target, json.loads(content)["images"])}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nothing: the benchmark prints its own lines."""

    return Handler


@torch.inference_mode()
def _embedded(target: Target, pictures: list[str]) -> list[list[float]]:
    told: list[list[float]] = target.embed(torch.stack([_decoded(picture) for picture in pictures])).tolist()
    return told


def _decoded(picture: str) -> Tensor:
    """(3, h, w) uint8 RGB."""
    with Image.open(BytesIO(base64.b64decode(picture))) as image:
        return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)
