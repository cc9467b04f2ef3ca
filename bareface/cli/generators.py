"""`bareface convert-generator`, `bareface train-generator` and `bareface fit-generator`."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bareface.auditing.generator_quality import MOST, distance_to, floor_of
from bareface.cli.manners import Stages, out
from bareface.cli.people import say_ignored
from bareface.errors import UsageError
from bareface.faces.images import RosterImages
from bareface.faces.source import ArrayImages, Images, SomeImages
from bareface.inversion.checkpoints.convert import convert_generator
from bareface.inversion.checkpoints.store import Precision
from bareface.inversion.eigenfaces.fit import fit_eigenfaces
from bareface.inversion.eigenfaces.store import save_eigenfaces
from bareface.inversion.gan.lesson import pupil
from bareface.inversion.gan.recipe import SMALL, GanRecipe
from bareface.inversion.gan.train import GENERATOR_FILE, Finished, GanStep, Quality, train_generator
from bareface.inversion.stylegan2.config import Config
from bareface.rosters.image_folders import pictures_below, refuse_links
from bareface.rosters.roster import Ignored, Roster, read_folder
from bareface.storage.folders import held
from bareface.synthetic import EndlessFaces, SyntheticFaces
from bareface.training.batches import held_in_memory
from bareface.vocabulary import Role

# Feature channels of the blocks at 4, 8, 16, ... pixels: small enough for a CPU.
CHANNELS = (96, 96, 64, 64, 48, 32, 24, 16, 12)
# Of a pupil: lessons reward width where it is cheap.
PUPIL_CHANNELS = (192, 192, 128, 64, 32, 16, 12, 8, 8)
# Far from the numbers of the demo's people and of those that `bareface faces` draws by default.
FIRST_PERSON = 1_000_000
AT_ONCE = 500
FEWEST_HELD_OUT = 20
ENDLESS = 10**9


@dataclass(frozen=True)
class TrainingFaces:
    """What a generator is trained on: one of the first three.

    Attributes:
        folder: images on disk.
        rendered: so many rendered faces, kept in memory.
        endless: rendered faces, each made when it is drawn.
        calm: rendered faces held still, with nothing before them.
        links: whether images may lie behind links that leave the folder.
    """

    folder: Path | None = None
    rendered: int | None = None
    endless: bool = False
    calm: bool = False
    links: bool = False


def run_conversion(source: Path, target: Path, *, alignment: str, licence: str) -> None:
    """Convert somebody's generator and say what it is."""
    config = convert_generator(source, target, alignment=alignment, licence=licence)
    out(
        f"StyleGAN2, {config.resolution}x{config.resolution}, z {config.z_dim}, w {config.w_dim}, "
        f"{config.mapping_layers} mapping layers: {target} and {target.with_suffix('.json').name}"
    )


def run_generator_training(
    folder: Path, faces: TrainingFaces, size: int, options: dict[str, Any], grow_from: Path | None,
    *, stored: Precision, alignment: str, licence: str,
) -> None:  # fmt: skip
    """Train or resume a generator, and say where it is."""
    recipe = recipe_for(size, options)
    faces = replace(faces, endless=True, calm=True) if recipe.taught else faces
    with Stages() as stages:
        shown, held_out = split(_images(faces, size, recipe.seed, stages))

        def report(step: GanStep) -> None:
            stages("training the generator", step.number, step.steps)

        quality = Quality()
        if held_out:
            quality = Quality(distance_to(held_out, recipe.seed), partial(floor_of, shown, held_out))
        made = train_generator(
            shown, recipe, folder, grow_from=grow_from, finished=Finished(alignment, licence, stored),
            quality=quality, report=report,
        )  # fmt: skip
    number = "no end" if faces.endless else f"{len(shown):,}"
    seen = f"{recipe.steps * recipe.batch_size:,} images of {number}, in {recipe.precision}"
    out(f"{made.size}x{made.size} generator after {seen}: {folder / GENERATOR_FILE}")


def run_generator_fit(
    folder: Path,
    people: Path,
    size: int,
    components: int,
    seed: int,
    *,
    alignment: str,
    licence: str,
    links: bool = False,
) -> None:
    """Fit linear faces to a folder of people, and say where they are."""
    roster = read_folder(people, Role.PUBLIC, links=links)
    say_ignored(roster)
    with held(folder):
        faces = fit_eigenfaces(
            RosterImages(roster, size, size),
            roster.subject,
            components=components,
            seed=seed,
            alignment=alignment,
            licence=licence,
        )
        save_eigenfaces(faces, folder / GENERATOR_FILE, photos=len(roster), people=len(np.unique(roster.subject)))
    out(f"{size}x{size} linear faces, {components} directions, of {len(roster):,} photos: {folder / GENERATOR_FILE}")


def split(faces: Images) -> tuple[Images, Images | None]:
    """What the generator is shown, and what its images are compared with: the last tenth, up to 1,000.

    With fewer than 200 images there is nothing to spare, and no comparison.
    """
    held_out = min(len(faces) // 10, MOST)
    if held_out < FEWEST_HELD_OUT:
        return faces, None
    cut = len(faces) - held_out
    return SomeImages(faces, np.arange(cut)), SomeImages(faces, np.arange(cut, len(faces)))


def recipe_for(size: int, options: dict[str, Any]) -> GanRecipe:
    """How the small StyleGAN2 of one size is trained, as far as `options` do not say otherwise.

    Raises:
        UsageError: the size is no power of two from 8 to 1024, or an option is out of its bounds.
    """
    config = config_for(size)
    if options.get("taught"):
        config = pupil(PUPIL_CHANNELS[: len(config.channels)])
    return replace(GanRecipe(), **{**options, "config": config})


def config_for(size: int) -> Config:
    """The small StyleGAN2 that makes images of one size.

    Raises:
        UsageError: the size is no power of two from 8 to 1024.
    """
    if not 8 <= size <= 1024 or size & (size - 1):
        raise UsageError("train-generator, size", got=str(size), expected="8, 16, 32, ... 1024")
    return replace(SMALL, channels=CHANNELS[: size.bit_length() - 2])


def loose_images(folder: Path, links: bool = False) -> Roster:
    """Every image in a folder and below it; who is on it does not matter.

    Raises:
        UsageError: there is none.
        RosterError: some lie behind links that leave the folder, and nobody allowed that.
    """
    found = pictures_below(folder)
    if not found.images:
        raise UsageError(str(folder), got="no images", expected="a folder with images in it, or below it")
    if not links:
        refuse_links(folder, found.images, folder)
    role = str(Role.PUBLIC)
    ignored = tuple(Ignored(role, kind, count) for kind, count in found.ignored.items())
    return Roster(folder, found.images, np.array(found.images), np.full(len(found.images), role), ignored)


def _images(faces: TrainingFaces, size: int, seed: int, stages: Stages) -> Images:
    named = [faces.folder is not None, faces.rendered is not None, faces.endless]
    if sum(named) != 1:
        got = "both" if sum(named) else "neither"
        expected = "a folder of images, or --rendered with a number, or --endless"
        raise UsageError("train-generator", got=got, expected=expected)
    if faces.folder is not None:
        if faces.calm:
            raise UsageError("train-generator, calm", got="a folder of images", expected="rendered faces")
        brought = loose_images(faces.folder, faces.links)
        say_ignored(brought)
        return held_in_memory(RosterImages(brought, size, size))
    people = EndlessFaces(SyntheticFaces(seed, size, calm=faces.calm), FIRST_PERSON, faces.rendered or ENDLESS)
    return people if faces.endless else ArrayImages(_rendered(people, stages))


def _rendered(people: EndlessFaces, stages: Stages) -> torch.Tensor:
    """All of them at once: (count, 3, size, size)."""
    parts = []
    for begin in range(0, len(people), AT_ONCE):
        rows = np.arange(begin, min(begin + AT_ONCE, len(people)))
        parts.append(people.load(rows))
        stages("rendering faces", begin + len(rows), len(people))
    return torch.cat(parts)
