"""A backbone and how it wants its input."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from bareface.errors import TargetError
from bareface.records.evidence import TargetCard
from bareface.settings.spec import ImageSpec
from bareface.targets.running_statistics import is_degenerate, shift
from bareface.targets.weights import weights_sha256


@dataclass(frozen=True)
class Target:
    """A sealed box: images in, embeddings out, before any normalisation.

    Attributes:
        name: what reports call it.
        architecture: the layout that was recognised or built, for example `iresnet50`.
        module: the backbone, in evaluation mode; (n, channels, h, w) -> (n, embedding_size).
        spec: the input it expects.
        source: where it came from (a file name, a factory), shown only to the owner.
        centres: (identities, embedding_size) class centres, if a classification head came with it.
        assumed: why this input is assumed, in words; empty where nobody said.
        file_sha256: of the bytes of the file that the weights came from; empty where they came from none.
        posterior: what a service that keeps its head makes of (n, identities) logarithms of posteriors before it
            answers with them; None = the head itself came along.
    """

    name: str
    architecture: str
    module: nn.Module
    spec: ImageSpec
    source: str = ""
    centres: Tensor | None = None
    posterior: Callable[[Tensor], Tensor] | None = None
    assumed: str = ""
    file_sha256: str = ""

    def __post_init__(self) -> None:
        self.module.eval()

    def embed(self, images: Tensor) -> Tensor:
        """(n, 3, h, w) uint8 RGB to (n, d) float32 embeddings before any normalisation.

        Raises:
            TargetError: the backbone returns something that is no matrix of embeddings.
        """
        return self.embed_normalised(self.spec.normalise(images))

    def embed_normalised(self, pixels: Tensor) -> Tensor:
        """(n, channels, h, w) float32 as the backbone takes it, to (n, d) embeddings; differentiable."""
        output = self.module(pixels)
        if not isinstance(output, Tensor):
            raise TargetError(
                f"{self.name}: forward()",
                got=f"a {type(output).__name__}",
                expected=f"a tensor of shape ({len(pixels)}, d)",
                hint="wrap the model so that it returns the embedding alone",
            )
        if output.ndim == 4 and output.shape[2:] == (1, 1):
            output = output.flatten(1)
        if output.ndim != 2 or len(output) != len(pixels):
            raise TargetError(
                f"{self.name}: forward()",
                got=f"shape {tuple(output.shape)}",
                expected=f"({len(pixels)}, d)",
                hint="wrap the module so that it pools its feature map",
            )
        return output

    @property
    def embedding_size(self) -> int:
        """d, found by embedding one grey image."""
        grey = torch.full((1, 3, self.spec.height, self.spec.width), 128, dtype=torch.uint8, device=self.device)
        with torch.inference_mode():
            return int(self.embed(grey).shape[1])

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return next((p.device for p in self.module.parameters()), torch.device("cpu"))

    @property
    def sha256(self) -> str:
        """Fingerprint of the weights, buffers, head and input spec."""
        tensors: dict[str, Tensor] = dict(self.module.state_dict())
        if self.centres is not None:
            tensors["(centres)"] = self.centres
        answers = "" if self.posterior is None else f" {self.posterior}"
        return _digest(tensors, f"{self.architecture} {self.spec}{answers}")

    @property
    def weights_sha256(self) -> str:
        """The name of the weights alone, the same for every file, head and input."""
        return weights_sha256({name: partial(_numbers, value) for name, value in self.module.state_dict().items()})

    def on(self, device: torch.device) -> "Target":
        """This target on another device; the module itself moves there."""
        centres = None if self.centres is None else self.centres.to(device)
        return replace(self, module=self.module.to(device), centres=centres)

    def without_head(self) -> "Target":
        """The same backbone as it is shipped: no class centres."""
        return replace(self, centres=None, posterior=None)

    def card(self) -> TargetCard:
        """What a report says of it."""
        layers = {name: layer for name, layer in self.module.named_modules() if _carries_statistics(layer)}
        return TargetCard(
            name=self.name,
            source="factory" if ":" in self.source else "checkpoint",
            sha256=self.sha256,
            architecture=self.architecture,
            parameters=sum(parameter.numel() for parameter in self.module.parameters()),
            embedding_size=self.embedding_size,
            input=str(self.spec),
            batchnorm_layers=len(layers),
            degenerate_layers=tuple(name for name, layer in layers.items() if _is_degenerate(layer)),
            head_identities=None if self.centres is None else len(self.centres),
            file_sha256=self.file_sha256 or None,
            weights_sha256=self.weights_sha256,
            input_assumed=self.assumed,
        )


def _carries_statistics(layer: nn.Module) -> bool:
    return isinstance(layer, _BatchNorm) and layer.running_mean is not None and layer.running_var is not None


def _is_degenerate(layer: nn.Module) -> bool:
    mean, variance = (layer.get_buffer(f"running_{what}").cpu().numpy() for what in ("mean", "var"))
    return is_degenerate(shift(mean, variance))


def _numbers(value: Tensor) -> NDArray[np.generic]:
    plain = value.detach().cpu()
    numbers: NDArray[np.generic] = (plain.float() if plain.is_floating_point() else plain.long()).numpy()
    return numbers


def _digest(tensors: Mapping[str, Tensor], label: str) -> str:
    digest = hashlib.sha256(label.encode())
    for name in sorted(tensors):
        value = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes() if value.numel() else b"")
    return digest.hexdigest()
