"""The commands of stage 2: `invert`, and its generators: `convert-generator`, `train-generator`."""

from pathlib import Path
from typing import Annotated

import typer

from bareface.cli.command_line import command_line
from bareface.cli.links import AllowLinks
from bareface.cli.manners import manners


def invert(
    context: typer.Context,
    run: Annotated[Path, typer.Argument(help="Folder of a finished audit.")],
    generator: Annotated[
        str,
        typer.Option(
            help="shipped, rendered, a .safetensors of ours, an NVIDIA or rosinality file, or package.module:factory."
        ),
    ],
    judge: Annotated[list[str], typer.Option(help="Face model trained on other people, perhaps PATH=WHOSE; repeat.")],
    target: Annotated[
        str | None,
        typer.Option(help="The audited backbone, where the run does not say: checkpoint or package.module:factory."),
    ] = None,
    roster: Annotated[Path | None, typer.Option(help="The manifest of the audit, where the run does not say.")] = None,
    objective: Annotated[
        str,
        typer.Option(
            help="membership, agreement, compactness, embedding-norm, bn-distance, class-centre, or a sum with +."
        ),
    ] = "membership",
    attack: Annotated[str, typer.Option(help="Stage-1 attack whose models the membership objective uses.")] = (
        "bn-distance"
    ),
    knowledge: Annotated[str, typer.Option(help="partial or shadow: which of its models.")] = "partial",
    restarts: Annotated[int, typer.Option(min=1, help="Images of each arm.")] = 64,
    steps: Annotated[int, typer.Option(min=1, help="Moves of each restart.")] = 150,
    search: Annotated[
        str, typer.Option(help="gradient, or evolution: by scores alone, for targets that only answer.")
    ] = "gradient",
    queries: Annotated[
        int, typer.Option(min=1, help="Images that the target is asked about for each restart of an evolution.")
    ] = 10_000,
    starts: Annotated[str, typer.Option(help="selected: at the best candidates; or random.")] = "selected",
    augment: Annotated[bool, typer.Option(help="Crop and shift the views of a search at random.")] = True,
    upto: Annotated[
        int | None, typer.Option(min=4, help="Side of the partial images that a search looks at: quicker.")
    ] = None,
    candidates: Annotated[int, typer.Option(min=1, help="Latents to select the restarts from.")] = 4096,
    siblings: Annotated[
        int | None, typer.Option(min=0, help="Further images of each restart's person; what the objective needs.")
    ] = None,
    space: Annotated[str, typer.Option(help="Latent space; z where it holds the person, else whitened w or z.")] = "",
    split: Annotated[str, typer.Option(help="random if chance decided who was trained on; else not-random.")] = (
        "unknown"
    ),
    photos: Annotated[int | None, typer.Option(min=1, help="Photos of each person in the galleries.")] = None,
    size: Annotated[int | None, typer.Option(min=16, help="Side of rendered faces; the target's by default.")] = None,
    declare: Annotated[
        list[str] | None, typer.Option(help="KEY=VALUE about a factory's network: z_dim, size, value_range=-1,1.")
    ] = None,
    skip: Annotated[list[str] | None, typer.Option(help="Arm not to make: select, placebo, oracle; repeat.")] = None,
    draws: Annotated[int, typer.Option(min=10, help="Of each permutation test and bootstrap.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Root of every random stream.")] = 7,
    home: Annotated[Path | None, typer.Option("--out", "-o", help="Where it goes; RUN/inversion by default.")] = None,
    show_faces: Annotated[bool, typer.Option(help="Also write faces, into a file marked sensitive.")] = False,
    fresh: Annotated[bool, typer.Option(help="Start the inversion over.")] = False,
    fail_if_leak: Annotated[bool, typer.Option(help="Exit with 1 when a leak is shown.")] = False,
    allow_links: AllowLinks = False,
) -> None:
    """Reconstruct what an audited backbone remembers, and let judges that took no part say whether it did."""
    with manners(run):
        from bareface.cli.inverting import InversionInputs, run_inversion

        named = InversionInputs(
            target, roster, generator, tuple(judge), size, tuple(declare or ()), show_faces, home, allow_links
        )
        asked = {
            "objective": objective, "attack": attack, "knowledge": knowledge, "restarts": restarts, "steps": steps,
            "candidates": candidates, "space": space, "split": split.replace("-", " "), "photos": photos,
            "search": search, "queries": queries, "starts": starts, "augment": augment, "upto": upto,
            "siblings": siblings,
            "skip": tuple(skip or ()), "draws": draws, "seed": seed,
        }  # fmt: skip
        ended = run_inversion(run, named, asked, fresh=fresh, command=command_line(context))
    if fail_if_leak and ended:
        raise typer.Exit(ended)


def convert_generator(
    source: Annotated[Path, typer.Argument(help="NVIDIA pickle, rosinality .pt, or a state dict.")],
    target: Annotated[Path, typer.Argument(help="NAME.safetensors; NAME.json goes beside it.")],
    alignment: Annotated[str, typer.Option(help="How faces lie in its images: ffhq, arcface-112, ...")] = "unknown",
    licence: Annotated[str, typer.Option(help="Of the weights.")] = "",
) -> None:
    """Convert a StyleGAN2 checkpoint without executing anything in it."""
    with manners():
        from bareface.cli.generators import run_conversion

        run_conversion(source, target, alignment=alignment, licence=licence)


def train_generator(
    folder: Annotated[Path, typer.Argument(help="Where the generator goes.")],
    images: Annotated[Path | None, typer.Option(help="Folder of images, of nobody who is audited.")] = None,
    rendered: Annotated[int | None, typer.Option(min=16, help="So many rendered faces instead.")] = None,
    endless: Annotated[bool, typer.Option("--endless", help="Rendered faces without end, nobody twice.")] = False,
    calm: Annotated[bool, typer.Option("--calm", help="Rendered faces held still, with nothing before them.")] = False,
    taught: Annotated[
        float | None, typer.Option(min=0.0, help="Weight of lessons: the calm render of each latent, endlessly.")
    ] = None,
    adversarial: Annotated[
        float | None, typer.Option(min=0.0, help="Weight of the discriminator; 0 = none, lessons only.")
    ] = None,
    size: Annotated[int, typer.Option(help="Side of its images: a power of two.")] = 64,
    steps: Annotated[int | None, typer.Option(min=1, help="Updates of both networks.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=2)] = None,
    learning_rate: Annotated[float | None, typer.Option(min=0.0)] = None,
    momentum: Annotated[float | None, typer.Option(min=0.0, help="Of the generator's Adam.")] = None,
    r1: Annotated[float | None, typer.Option(min=0.0, help="Weight of the gradient penalty.")] = None,
    save_every: Annotated[int | None, typer.Option(min=1, help="Steps from checkpoint to checkpoint.")] = None,
    precision: Annotated[str | None, typer.Option(help="bf16 or fp32; what the processor does faster.")] = None,
    noise: Annotated[bool | None, typer.Option("--noise/--no-noise", help="Noise maps in the generator.")] = None,
    grow_from: Annotated[Path | None, typer.Option(help="Folder of a run to go on from, at this size or less.")] = None,
    alignment: Annotated[str, typer.Option(help="How faces lie in the images, for the card.")] = "unknown",
    licence: Annotated[str, typer.Option(help="Of the weights, for the card.")] = "unknown",
    half: Annotated[bool, typer.Option("--half", help="Store the weights in fp16: half the file.")] = False,
    seed: Annotated[int | None, typer.Option(min=0)] = None,
    allow_links: AllowLinks = False,
) -> None:
    """Train a small StyleGAN2 for `invert`. Run again to resume."""
    with manners(folder):
        from bareface.cli.generators import TrainingFaces, run_generator_training

        named = {
            "steps": steps, "batch_size": batch_size, "learning_rate": learning_rate, "r1": r1,
            "save_every": save_every, "precision": precision, "noise": noise, "seed": seed, "momentum": momentum,
            "adversarial": adversarial, "taught": taught,
        }  # fmt: skip
        settings = {name: value for name, value in named.items() if value is not None}
        run_generator_training(
            folder,
            TrainingFaces(images, rendered, endless, calm, allow_links),
            size,
            settings,
            grow_from,
            stored="fp16" if half else "fp32",
            alignment=alignment,
            licence=licence,
        )


def fit_generator(
    folder: Annotated[Path, typer.Argument(help="Where the generator goes.")],
    people: Annotated[Path, typer.Option(help="Folder of person/image.jpg, of nobody who is audited.")],
    size: Annotated[int, typer.Option(min=8, max=512, help="Side of its images.")] = 64,
    components: Annotated[int, typer.Option(min=2, max=1000, help="Directions in which its faces differ.")] = 100,
    alignment: Annotated[str, typer.Option(help="How faces lie in the images, for the card.")] = "unknown",
    licence: Annotated[str, typer.Option(help="Of the numbers, for the card.")] = "unknown",
    seed: Annotated[int, typer.Option(min=0)] = 0,
    allow_links: AllowLinks = False,
) -> None:
    """Fit linear faces (eigenfaces) for `invert`: seconds instead of hours, for small aligned photos."""
    with manners(folder):
        from bareface.cli.generators import run_generator_fit

        run_generator_fit(
            folder, people, size, components, seed, alignment=alignment, licence=licence, links=allow_links
        )
