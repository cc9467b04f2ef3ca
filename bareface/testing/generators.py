"""What every generator, and every kind of reference to one, must keep to, whoever wrote it."""

from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from bareface.errors import UsageError
from bareface.inversion.generator import Generator
from bareface.inversion.generators.base import GeneratorKind, Wanted, checked
from bareface.inversion.variation import Varied, normal_noise
from bareface.testing.expect import expect, expect_alike, expect_page

DRAWN = 3


def check_generator_kind(kind: type[GeneratorKind], reference: str, *, size: int = 16) -> None:
    """Check a kind of generator, and the generator that a reference of this kind opens.

    Args:
        kind: of generator.
        reference: one of this kind: its name, or a file.
        size: of the images, where the generator can choose.

    Raises:
        AssertionError: it breaks the contract; the message says in what.
    """
    expect_page(kind, kind.name)
    expect(kind.origin, "it says in words where its generators come from")
    expect(kind().owns(reference), f"{reference!r} is a reference of its kind")
    with TemporaryDirectory() as kept:
        check_generator(checked(reference, kind().open(reference, Wanted(size, Path(kept)))))


def check_generator(generator: Generator) -> None:
    """Check what a search needs of a generator.

    Raises:
        AssertionError: it breaks the contract; the message says in what.
    """
    stream = torch.Generator().manual_seed(3)
    latents = generator.sample(DRAWN, stream)
    again = generator.sample(DRAWN, torch.Generator().manual_seed(3))
    expect(latents.space == generator.spaces[0], "latents are drawn in the first space", latents.space)
    expect(len(latents) == DRAWN, "as many latents are drawn as are asked for", len(latents))
    expect(torch.equal(latents.values, again.values), "the same stream draws the same latents")
    expect(generator.resolutions[-1] == generator.size, "the last side is the whole", generator.resolutions)
    expect(isinstance(generator.fingerprint, str) and generator.fingerprint, "it has a fingerprint")
    _check_images(generator)
    for space in generator.spaces:
        _check_space(generator, space)
    _check_siblings(generator)


def _check_images(generator: Generator) -> None:
    latents = generator.sample(DRAWN, torch.Generator().manual_seed(4))
    values = latents.values.clone().requires_grad_(True)
    images = generator.render(latents.with_values(values))
    side = generator.size
    expect(images.shape == (DRAWN, 3, side, side), f"images are (n, 3, {side}, {side})", tuple(images.shape))
    low, high = images.detach().aminmax()
    expect(low >= -1e-3 and high <= 1 + 1e-3, "pixels are in [0, 1]", f"{low:.3g} to {high:.3g}")
    expect(bool(images.detach().std(0).mean() > 1e-4), "latents that differ give images that differ")
    (gradient,) = torch.autograd.grad((images * torch.linspace(0, 1, side)).sum(), values)
    expect(bool(gradient.isfinite().all()) and bool(gradient.any()), "images have finite gradients in the latents")
    alone = generator.render(latents[1:2]).detach().numpy()
    expect_alike(alone, images.detach()[1:2].numpy(), "an image depends on its own latent alone", rtol=1e-3, atol=1e-4)


def _check_space(generator: Generator, space: str) -> None:
    latents = generator.to(generator.sample(DRAWN, torch.Generator().manual_seed(5)), space)
    expect(latents.space == space, f"latents can be taken to the space {space}", latents.space)
    try:
        prior = generator.prior(space)
    except UsageError:
        return  # such a space is there to look at, not to search
    there = prior.colour(prior.whiten(latents.values))
    expect_alike(there.numpy(), latents.values.numpy(), f"colour undoes whiten in {space}", rtol=1e-2, atol=1e-2)
    expect(prior.log_prob(latents.values).shape == (DRAWN,), f"{space} has a log density for each latent")


def _check_siblings(generator: Generator) -> None:
    if not isinstance(generator, Varied):
        return
    variation = generator.variation(2)
    latents = generator.sample(DRAWN, torch.Generator().manual_seed(6))
    many = variation.siblings(latents, normal_noise(0, range(DRAWN), 0, variation))
    expect(len(many) == 3 * DRAWN, "each row is followed by its siblings", len(many))
    own = generator.render(many[::3]).numpy()
    expect_alike(own, generator.render(latents).numpy(), "the first of them is the row itself", rtol=1e-3, atol=1e-4)
