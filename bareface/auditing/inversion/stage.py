"""The generator as a scene: which space is searched, whether it keeps its word, and the faces that come out."""

from dataclasses import replace

import torch

from bareface.auditing.inversion.arms import ArmResult
from bareface.auditing.inversion.judging import ArmImages
from bareface.auditing.inversion.settings import InversionSettings
from bareface.errors import TargetError, UsageError
from bareface.inversion.alignment import WHOLE, window_for
from bareface.inversion.generator import Generator, tells_people
from bareface.inversion.objectives import objective_class
from bareface.inversion.select import candidates
from bareface.inversion.variation import variation_of
from bareface.inversion.view_sampler import ViewSampler
from bareface.inversion.views import UNAUGMENTED, ViewAugmentation, resample

PROBED = 16
SMALLEST_SPREAD = 1e-4
BATCH = 32


def scene_for(generator: Generator, terms: InversionSettings) -> ViewSampler:
    """The scene of an inversion: with as many siblings as were asked for, or as the objective compares.

    Raises:
        UsageError: there is no such objective, or it needs siblings and the generator cannot make any.
    """
    compared = max(objective_class(name).siblings for _, name in terms.weighted)
    count = compared if terms.siblings is None else terms.siblings
    variation = variation_of(generator, count) if count else None
    views = ViewAugmentation(pairs=terms.pairs) if terms.augment else replace(UNAUGMENTED, pairs=terms.pairs)
    return ViewSampler(generator, views, variation=variation, upto=terms.upto)


def space_of(generator: Generator, terms: InversionSettings) -> str:
    """The space that is searched.

    Raises:
        UsageError: the generator has no such space.
    """
    if terms.space and terms.space not in generator.spaces:
        expected = f"one of {', '.join(generator.spaces)}"
        raise UsageError(f"{generator.name}: latent space", got=repr(terms.space), expected=expected)
    # Where z tells the person from the photo it is what a search should move; else w, whitened, is.
    whitened = "p" in generator.spaces and not tells_people(generator)
    return terms.space or ("p" if whitened else generator.spaces[0])


@torch.no_grad()
def check_generator(scene: ViewSampler) -> None:
    """Render a few images before anything is spent on them.

    Raises:
        TargetError: they have another size or range than declared, are not finite, or all look alike.
    """
    images = scene.render(candidates(scene, PROBED, 0))
    if images.std(0).mean() < SMALLEST_SPREAD:
        raise TargetError(
            f"{scene.generator.name}: render()",
            got=f"{PROBED} images that are all the same",
            expected="another face for each latent",
            hint="a checkpoint that was trained",
        )


@torch.no_grad()
def faces_of(scene: ViewSampler, made: ArmResult) -> ArmImages:
    """The images of an arm as a file would hold them, cut to the face that a recogniser wants; always whole ones."""
    scene = replace(scene, upto=None)
    parts = [scene.render(made.latents[i : i + BATCH]) for i in range(0, len(made.latents), BATCH)]
    images = (torch.cat(parts).clamp(0, 1) * 255).round() / 255
    window = scene.window or window_for(scene.generator.alignment)
    if window != WHOLE:
        place = images.new_tensor([window.left, window.top, window.width, window.height]).expand(len(images), 1, 4)
        side = round(images.shape[-1] * window.width)
        images = resample(images, place, side, side)[:, 0]
    return ArmImages(images.float().cpu(), made.start)
