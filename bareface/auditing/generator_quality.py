"""How near a generator's images come to images that it was not trained on.

The Kernel Inception Distance in the features of a network with random weights, always the same ones: they know
nothing of faces, need no download, and rank generators as trained features do unless the images are far from photos
(Naeem et al., "Reliable Fidelity and Diversity Metrics for Generative Models", ICML 2020, section 5).
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from bareface.faces.source import Images
from bareface.inversion.stylegan2.network import StyleGAN2
from bareface.settings.spec import ImageSpec
from bareface.stats.inversion.kid import mmd
from bareface.stats.sample import Floats
from bareface.streams import seed_for
from bareface.targets.build import build
from bareface.targets.target import Target

MOST = 1000
_AT_ONCE = 50


def distance_to(held_out: Images, seed: int) -> Callable[[StyleGAN2], float]:
    """What measures a generator against the first 1,000 of `held_out`: 0 = alike, may fall below by chance.

    Args:
        held_out: images of the generator's size, none of them in its training set.
        seed: of the latents, which are the same at every call.
    """
    images = held_out.load(np.arange(min(MOST, len(held_out))))
    encoder = _random_encoder(images.shape[-1])
    real = _features(encoder, images)
    centre, scale = real.mean(0), real.std(0) + 1e-12

    def measure(network: StyleGAN2) -> float:
        made = _features(encoder, _drawn(network, len(images), seed))
        return mmd((real - centre) / scale, (made - centre) / scale)

    return measure


def floor_of(others: Images, held_out: Images) -> float:
    """The same distance between `held_out` and as many images of its own kind: what a perfect generator reaches.

    Args:
        others: images of the same kind; the first of them are compared, which a training may have shown.
    """
    count = min(MOST, len(held_out), len(others))
    encoder = _random_encoder(held_out.load(np.arange(1)).shape[-1])
    real, like = (_features(encoder, images.load(np.arange(count))) for images in (held_out, others))
    centre, scale = real.mean(0), real.std(0) + 1e-12
    return mmd((real - centre) / scale, (like - centre) / scale)


def _random_encoder(side: int) -> Target:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        spec = ImageSpec(side, side)
        return Target("random features", "ir-tiny", build("ir-tiny", spec=spec), spec)


@torch.inference_mode()
def _features(encoder: Target, images: Tensor) -> Floats:
    return torch.cat([encoder.embed(part) for part in torch.split(images, _AT_ONCE)]).double().numpy()


@torch.inference_mode()
def _drawn(network: StyleGAN2, count: int, seed: int) -> Tensor:
    """(count, 3, r, r) uint8 from fixed latents."""
    stream = torch.Generator().manual_seed(seed_for(seed, "quality"))
    latents = torch.randn(count, network.config.z_dim, generator=stream).to(network.mapping.w_avg)
    images = torch.cat([network(part) for part in torch.split(latents, _AT_ONCE)]).cpu()
    return (images * 127.5 + 127.5).round().clamp(0, 255).to(torch.uint8).expand(-1, 3, -1, -1)
