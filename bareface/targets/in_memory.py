"""Targets that a Python program holds: a torch module, any function of images, an array or a table of embeddings."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from bareface.errors import TargetError
from bareface.registry import shortly, tried
from bareface.settings.spec import USUAL_INPUT, ImageSpec, spec_of
from bareface.streams import stream
from bareface.targets.fits import fitting, misfit
from bareface.targets.table import PLAIN, Embeddings, EmbeddingTable, assembled, refuse_odd_numbers
from bareface.targets.target import Target

_AS_DECODED: dict[str, Any] = {"order": "RGB", "mean": (0.0,), "std": (1.0,)}
WITHOUT_SPEC = "spec='112x112:RGB:127.5/127.5' for size, order and normalisation, or transform= with your own"


class Transformed(nn.Module):
    """A module behind its owner's transform, which makes its input of one PIL image.

    The transform has no weights that would tell one from another, so its output for one image is kept as a buffer and
    thereby part of the fingerprint.
    """

    def __init__(self, module: nn.Module, transform: Callable[[Image.Image], Any], spec: ImageSpec) -> None:
        super().__init__()
        self.module, self._transform = module, transform
        self.register_buffer("transformed", self._one(_fixed_images(spec, 1)[0]))

    def forward(self, pixels: Tensor) -> Tensor:
        """(n, 3, h, w) float32 of whole numbers 0..255 to whatever the module makes of the transformed images."""
        device = self.get_buffer("transformed").device
        made: Tensor = self.module(torch.stack([self._one(one) for one in pixels.to("cpu", torch.uint8)]).to(device))
        return made

    def _one(self, pixels: Tensor) -> Tensor:
        image = Image.fromarray(pixels.permute(1, 2, 0).numpy())
        made, error = tried(lambda: self._transform(image))
        if error is not None:
            expected = "a function of one PIL image"
            raise TargetError("transform", got=shortly(error), expected=expected) from error
        if not isinstance(made, Tensor):
            got, expected = f"a {type(made).__name__} returned", "a torch tensor (channels, height, width)"
            raise TargetError("transform", got=got, expected=expected, hint="ending it with one that makes tensors")
        return made


class Called(nn.Module):
    """A function of images as a module: answers alone, without layers to look into.

    Its answers about some fixed images are kept as a buffer: they are its fingerprint.
    """

    def __init__(self, function: Callable[[Tensor], Any], spec: ImageSpec) -> None:
        super().__init__()
        self._function = function
        images = spec.normalise(_fixed_images(spec, 2))
        answers, error = tried(lambda: self.forward(images))
        if error is not None:
            raise misfit("the function", error, spec) from error
        self.register_buffer("answers", answers)

    def forward(self, pixels: Tensor) -> Tensor:
        """(n, channels, h, w) float32 as the spec says to (n, d)."""
        said = self._function(pixels)
        return said if isinstance(said, Tensor) else torch.as_tensor(np.asarray(said), dtype=torch.float32)


def target_from(
    given: object,
    images: Sequence[str],
    spec: ImageSpec | str | None,
    transform: Callable[[Image.Image], Any] | None,
) -> Target | EmbeddingTable:
    """What a program holds as a target.

    Args:
        given: a torch module; a function of (n, channels, h, w) float32 images, as the spec says, to (n, d) embeddings;
            an array (n, d) with one embedding for each of `images`; or a table with the columns image, embedding (and
            view), as pandas and pyarrow have them.
        images: the roster's, in its order.
        spec: the input of a module or function, as an `ImageSpec` or in words.
        transform: of one PIL image of the spec's size to a module's input; the spec's normalisation then says nothing.

    Raises:
        TargetError: it is something else, a module without spec and transform, or one that does not take such images.
    """
    if isinstance(given, np.ndarray):
        return table_of(list(images), given)
    if hasattr(given, "columns") and hasattr(given, "__getitem__"):
        return _from_columns(given)
    if not callable(given):
        got = f"a {type(given).__name__}"
        expected = "a path, an address, a torch module, a function of images, an array or a table of embeddings"
        raise TargetError("the target", got=got, expected=expected)
    if spec is None and transform is None:
        got = f"the {_kind(given)} without its input"
        raise TargetError("the target", got=got, expected="how it wants its images", hint=WITHOUT_SPEC)
    return _from_callable(given, spec_of(spec) or USUAL_INPUT, transform)


def table_of(images: list[str], values: Embeddings, views: list[str] | None = None) -> EmbeddingTable:
    """The table of embeddings that a program holds.

    Args:
        images: (rows,) which image each row is about.
        values: (rows, d) embeddings.
        views: (rows,) of the image; None = all of the picture as it is.

    Raises:
        TargetError: they are no finite numbers (rows, d), or lack views of some images.
    """
    where = "the array of embeddings"
    try:
        values = np.asarray(values, np.float32)
    except (ValueError, TypeError):
        got = f"an array of {np.asarray(values).dtype}"
        raise TargetError(where, got=got, expected="floating point numbers (rows, d)") from None
    refuse_odd_numbers(where, values)
    if len(values) != len(images):
        got, expected = f"{len(values):,} embeddings for {len(images):,} images", "one for each, in the roster's order"
        raise TargetError(
            where, got=got, expected=expected, hint="a table with a column image, where some are left out"
        )
    shown = [PLAIN] * len(images) if views is None else views
    digest = hashlib.sha256(values.tobytes())
    digest.update("\0".join([*images, *shown]).encode())
    return assembled(where, images, shown, values, "embeddings", digest.hexdigest())


def _from_callable(
    given: Callable[..., Any], spec: ImageSpec, transform: Callable[[Image.Image], Any] | None
) -> Target:
    name = type(given).__name__ if isinstance(given, nn.Module) else getattr(given, "__name__", "function")
    module = given.eval() if isinstance(given, nn.Module) else Called(given, spec)
    if transform is None:
        return fitting(Target(name, name, module, spec))
    size = ImageSpec(spec.height, spec.width, **_AS_DECODED)
    return fitting(Target(name, name, Transformed(module, transform, size), size))


def _from_columns(given: Any) -> EmbeddingTable:
    """A data frame's columns; pyarrow's columns become lists, too."""
    names = [str(one) for one in getattr(given, "column_names", given.columns)]
    if not {"image", "embedding"} <= set(names):
        got, expected = f"the columns {', '.join(names)}", "the columns image and embedding, and perhaps view"
        raise TargetError("the target", got=got, expected=expected, hint="naming them so")
    image, embedding, *view = (_listed(given[name]) for name in ("image", "embedding", "view") if name in names)
    widths = {len(one) for one in embedding}
    if len(widths) > 1:
        raise TargetError(
            "the target", got=f"embeddings of {sorted(widths)} numbers", expected="the same number in all"
        )
    return table_of(
        [str(one) for one in image], np.array(embedding, np.float32), *([str(v) for v in one] for one in view)
    )


def _listed(column: Any) -> list[Any]:
    return list(column.to_pylist() if hasattr(column, "to_pylist") else column)


def _kind(given: object) -> str:
    return f"module {type(given).__name__}" if isinstance(given, nn.Module) else "function"


def _fixed_images(spec: ImageSpec, count: int) -> Tensor:
    """(count, 3, h, w) uint8 noise, always the same for a size."""
    drawn = stream(0, "fixed images").integers(0, 256, (count, 3, spec.height, spec.width), dtype=np.uint8)
    return torch.from_numpy(drawn)
