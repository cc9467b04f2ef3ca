"""An address that answers images with embeddings, as a target: the owner's own service, asked as any client would.

What is sent: POST {"images": ["<PNG in base64>", ...]}, each picture decoded, scaled to one size and encoded afresh, so
without names, metadata or paths. What is expected: {"embeddings": [[numbers], ...]} in the same order. A token in the
environment variable BAREFACE_ENDPOINT_TOKEN goes along as `Authorization: Bearer`. The pictures show real people: ask
only a service that is yours to ask.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from bareface.errors import TargetError
from bareface.records.evidence import TargetCard
from bareface.settings.rate_limit import RateLimit
from bareface.settings.spec import USUAL_INPUT, ImageSpec
from bareface.targets.http_client import HttpClient
from bareface.targets.printable import printable
from bareface.untrusted.json_text import read_json
from bareface.untrusted.shown import gist
from bareface.untrusted.walk import Bounds, TooMuchError

# What an answer may hold: numbers of one image, and whatever else a service likes to say.
LONGEST, BESIDE, MOST_NESTED = 8192, 10_000, 16
_ANSWER = '{"embeddings": [[...], ...]}, one for each image'
_BY_HAND = "asking it by hand first; docs/targets.md says what is sent and what it has to answer"
_EXCHANGED = "starting over with --fresh once the service behind it stays the same"


@dataclass(frozen=True, eq=False)
class Endpoint:
    """Images in, embeddings out, somewhere else.

    Attributes:
        post: the address and how it is asked.
        spec: the size at which pictures are sent; channels and numbers are the service's own business.
        name: what reports call it.
        centres: none.
    """

    post: HttpClient
    spec: ImageSpec = USUAL_INPUT
    name: str = "endpoint"
    centres: ClassVar[None] = None
    architecture: ClassVar[str] = "unknown (answers from an endpoint)"

    @property
    def source(self) -> str:
        """The address, shown only to the owner."""
        return self.post.url

    @cached_property
    def embedding_size(self) -> int:
        """d, found by asking about one grey image."""
        grey = torch.full((1, 3, self.spec.height, self.spec.width), 128, dtype=torch.uint8)
        return int(self.embed(grey).shape[1])

    @property
    def sha256(self) -> str:
        """Fingerprint of the address, the size and the length of its answers; what it runs is not to be known."""
        said = f"endpoint {self.source} {self.spec.height} {self.spec.width} {self.embedding_size}"
        return hashlib.sha256(said.encode()).hexdigest()

    def without_head(self) -> "Endpoint":
        """The same."""
        return self

    def card(self) -> TargetCard:
        """What a report says of it; None and `unknown` for whatever it hides."""
        return TargetCard(
            name=self.name,
            source="endpoint",
            sha256=self.sha256,
            architecture=self.architecture,
            parameters=None,
            embedding_size=self.embedding_size,
            input=f"PNG, {self.spec.height} x {self.spec.width} pixels, over HTTP",
            batchnorm_layers=None,
            degenerate_layers=(),
            head_identities=None,
        )

    def embed(self, images: Tensor) -> Tensor:
        """(n, 3, h, w) uint8 RGB to the (n, d) float32 embeddings that the endpoint answers.

        Raises:
            TargetError: it gives no answer after all repetitions, refuses, or answers something else.
        """
        answers = [self._ask(part) for part in torch.split(images, self.post.rate_limit.images)]
        told = {answer.shape[1] for answer in answers}
        if "embedding_size" in vars(self):  # found out before; a service may change between two requests
            told.add(self.embedding_size)
        if len(told) != 1:
            got, hint = f"embeddings of {' and '.join(map(str, sorted(told)))} numbers", _EXCHANGED
            raise TargetError(self.name, got=got, expected="the same number for every image", hint=hint)
        return torch.from_numpy(np.concatenate(answers))

    def _ask(self, images: Tensor) -> NDArray[np.float32]:
        content = json.dumps({"images": [_png(image) for image in images]}).encode()
        return read_embeddings(self.post.ask(content, _ANSWER), len(images), self.name)


def endpoint(url: str, *, spec: ImageSpec | None = None, rate_limit: RateLimit | None = None) -> Endpoint:
    """The service at an address.

    Raises:
        TargetError: the address is none of http or https, or has a password in it.
    """
    return Endpoint(HttpClient(url, rate_limit or RateLimit()), spec or USUAL_INPUT)


def is_address(reference: str) -> bool:
    """Whether a reference is an address rather than a file."""
    return reference.startswith(("http://", "https://"))


def _png(image: Tensor) -> str:
    """(3, h, w) uint8 as a PNG in base64."""
    file = BytesIO()
    Image.fromarray(image.permute(1, 2, 0).contiguous().numpy()).save(file, "PNG", compress_level=1)
    return base64.b64encode(file.getvalue()).decode()


def read_embeddings(answer: bytes, count: int, name: str) -> NDArray[np.float32]:
    """The (count, d) embeddings in an answer.

    Raises:
        TargetError: it holds anything else.
    """
    try:
        with np.errstate(over="ignore"):  # what overflows is not finite, and refused below
            said: Any = read_json(answer, Bounds(MOST_NESTED, BESIDE + count * LONGEST, len(answer)))
            stranger = _no_number(said["embeddings"])
            values = np.asarray([] if stranger else said["embeddings"], dtype=np.float32)
    except TooMuchError as error:
        got = f"the answer {_shown(answer)!r}: {error}"
        raise TargetError(name, got=got, expected=_ANSWER, hint=_BY_HAND) from None
    except (ValueError, TypeError, LookupError, RecursionError, OverflowError):
        raise TargetError(name, got=f"the answer {_shown(answer)!r}", expected=_ANSWER, hint=_BY_HAND) from None
    if stranger:
        raise TargetError(
            name, got=f"the answer {_shown(answer)!r}, with {stranger} in it", expected=_ANSWER, hint=_BY_HAND
        )
    if values.ndim != 2 or len(values) != count or values.shape[1] < 2 or not np.isfinite(values).all():
        bad = "" if np.isfinite(values).all() else ", not all of them finite,"
        got = f"numbers of shape {values.shape}{bad} for {count} images"
        expected = f"{_ANSWER}, finite, at least two numbers each"
        raise TargetError(name, got=got, expected=expected, hint=_BY_HAND)
    return values


def _no_number(rows: Any) -> str:
    """What stands in place of a number, of which NumPy would make one; empty where there is nothing of the kind."""
    for row in rows if isinstance(rows, list) else []:
        for value in row if isinstance(row, list) else [row]:
            if isinstance(value, bool):
                return f"the truth value {str(value).lower()}"
            if isinstance(value, str):
                return f"the text {gist(value)}"
    return ""


def _shown(answer: bytes) -> str:
    return printable(answer[:80].decode(errors="replace"))
