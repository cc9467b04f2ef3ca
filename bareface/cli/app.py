"""All commands of `bareface`."""

import signal
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

import bareface
from bareface.allocator import keep_freed_memory
from bareface.cli.benching import bench
from bareface.cli.comparing import align, overlap, pairs, verify
from bareface.cli.looking import inspect, selfcheck
from bareface.cli.manners import manners, out

app = typer.Typer(
    name="bareface",
    help="Does your face backbone remember the people it was trained on?",
    epilog="Exit codes: 0 done · 1 gate failed · 2 a mistake in the call or its inputs · 4 the run folder cannot be "
    "used or written, run again to resume · 5 refused as unsafe · 130 interrupted, run again to resume.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Seed = Annotated[int, typer.Option(min=0, help="Root of every random stream.")]


def _version(wanted: bool) -> None:
    if wanted:
        out(f"bareface {bareface.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version and stop.")
    ] = False,
) -> None:
    pass


@app.command()
def demo(
    run: Annotated[Path, typer.Option(help="Where the run goes.")] = Path("runs/demo"),
    seed: Seed = 7,
    fresh: Annotated[bool, typer.Option(help="Start over.")] = False,
    inversion: Annotated[bool, typer.Option("--inversion/--no-inversion", help="Whether to invert it too.")] = True,
) -> None:
    """Train a small target on rendered faces, audit and invert it: the whole story in minutes, nothing to bring."""
    with manners(run):
        from bareface.cli.demo import run_demo

        run_demo(run, seed=seed, fresh=fresh, inversion=inversion)


@app.command()
def audit(
    config: Annotated[Path | None, typer.Argument(help="A YAML configuration; options override it.")] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Checkpoint, folder, .onnx, embeddings (.parquet, .npy), http(s) address, module:factory."),
    ] = None,
    roster: Annotated[Path | None, typer.Option(help="CSV or Parquet: image, subject, role (or membership).")] = None,
    members: Annotated[
        Path | None, typer.Option(help="Training images: folder person/image, .rec, .tar or .lmdb.")
    ] = None,
    nonmembers: Annotated[Path | None, typer.Option(help="People never trained on, likewise.")] = None,
    heldout: Annotated[Path | None, typer.Option(help="Other images of training people, likewise.")] = None,
    auxiliary: Annotated[Path | None, typer.Option(help="Your own people, to train shadows on, likewise.")] = None,
    public: Annotated[Path | None, typer.Option(help="Anybody's faces, likewise.")] = None,
    attack: Annotated[list[str] | None, typer.Option(help="Attack, perhaps name:key=value; repeat it.")] = None,
    game: Annotated[list[str] | None, typer.Option(help="record, person or dataset; repeat it.")] = None,
    knowledge: Annotated[list[str] | None, typer.Option(help="partial, shadow or nonmembers; repeat it.")] = None,
    foreign: Annotated[str | None, typer.Option(help="A backbone that never saw the members.")] = None,
    reference: Annotated[
        list[str] | None, typer.Option(help="Another such backbone, to compare the target with; repeat it.")
    ] = None,
    recogniser: Annotated[
        str | None, typer.Option(help="An independent backbone, to find people who stand on two sides.")
    ] = None,
    ignore_head: Annotated[bool | None, typer.Option(help="Audit as if no classification head came along.")] = None,
    check: Annotated[
        str | None, typer.Option("--selfcheck", help="If it is fed wrongly: refuse, report or skip the check.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Root of every random stream.")] = None,
    run: Annotated[Path, typer.Option("--run", "-o", help="Where the run goes.")] = Path("runs/audit"),
    fresh: Annotated[bool, typer.Option(help="Start over in a used run folder.")] = False,
    fail_if_leak: Annotated[bool, typer.Option(help="Exit with 1 when a leak is shown.")] = False,
) -> None:
    """Audit a backbone: which of its training images and people does it give away?"""
    with manners(run):
        from bareface.cli.auditing import run_audit

        named = {
            "model": model, "roster": roster, "members": members, "nonmembers": nonmembers, "heldout": heldout,
            "auxiliary": auxiliary, "public": public, "attacks": attack or None, "games": game or None,
            "knowledge": knowledge or None, "foreign": foreign, "references": reference or None,
            "recogniser": recogniser, "ignore_head": ignore_head, "selfcheck": check, "seed": seed,
        }  # fmt: skip
        shown = run_audit(config, {name: value for name, value in named.items() if value is not None}, run, fresh=fresh)
    if fail_if_leak and shown:
        raise typer.Exit(1)


@app.command()
def invert(
    run: Annotated[Path, typer.Argument(help="Folder of a finished audit.")],
    target: Annotated[str, typer.Option(help="The audited backbone: checkpoint, folder, or package.module:factory.")],
    roster: Annotated[Path, typer.Option(help="The manifest that the audit was made of.")],
    generator: Annotated[
        str,
        typer.Option(
            help="shipped, rendered, a .safetensors of ours, an NVIDIA or rosinality file, or package.module:factory."
        ),
    ],
    judge: Annotated[list[str], typer.Option(help="Face model trained on other people, perhaps PATH=WHOSE; repeat.")],
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
    candidates: Annotated[int, typer.Option(min=1, help="Latents to select the restarts from.")] = 4096,
    siblings: Annotated[
        int | None, typer.Option(min=0, help="Further images of each restart's person; what the objective needs.")
    ] = None,
    space: Annotated[str, typer.Option(help="Latent space; whitened w where there is one.")] = "",
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
    seed: Seed = 7,
    home: Annotated[Path | None, typer.Option("--out", "-o", help="Where it goes; RUN/inversion by default.")] = None,
    show_faces: Annotated[bool, typer.Option(help="Also write faces, into a file marked sensitive.")] = False,
    fresh: Annotated[bool, typer.Option(help="Start the inversion over.")] = False,
    fail_if_leak: Annotated[bool, typer.Option(help="Exit with 1 when a leak is shown.")] = False,
) -> None:
    """Reconstruct what an audited backbone remembers, and let independent judges say whether it did."""
    with manners(run):
        from bareface.cli.inverting import Named, run_inversion

        named = Named(target, roster, generator, tuple(judge), size, tuple(declare or ()), show_faces, home)
        asked = {
            "objective": objective, "attack": attack, "knowledge": knowledge, "restarts": restarts, "steps": steps,
            "candidates": candidates, "space": space, "split": split.replace("-", " "), "photos": photos,
            "siblings": siblings, "skip": tuple(skip or ()), "draws": draws, "seed": seed,
        }  # fmt: skip
        shown = run_inversion(run, named, asked, fresh=fresh)
    if fail_if_leak and shown:
        raise typer.Exit(1)


@app.command()
def train(
    roster: Annotated[Path, typer.Argument(help="CSV or Parquet manifest, folder person/image, .rec, .tar or .lmdb.")],
    folder: Annotated[Path, typer.Option("--out", "-o", help="Where the backbone goes.")],
    role: Annotated[str, typer.Option(help="Which role of a manifest to train on.")] = "member",
    recipe: Annotated[
        Path | None, typer.Option(help="A YAML file with training settings; options override it.")
    ] = None,
    architecture: Annotated[str | None, typer.Option(help="ir-tiny, iresnet18, ir50, mobilefacenet, ...")] = None,
    size: Annotated[int | None, typer.Option(min=16, help="Height and width of the input.")] = None,
    grey: Annotated[bool | None, typer.Option("--grey/--rgb", help="One channel or three.")] = None,
    head: Annotated[str | None, typer.Option(help="arcface or cosface.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1)] = None,
    batch_size: Annotated[int | None, typer.Option(min=2)] = None,
    learning_rate: Annotated[float | None, typer.Option(min=0.0)] = None,
    seed: Annotated[int | None, typer.Option(min=0)] = None,
) -> None:
    """Train a backbone with a margin head; the head is saved beside it. Run again to resume."""
    with manners(folder):
        from bareface.cli.training import run_training

        named = {
            "architecture": architecture, "head": head, "epochs": epochs, "batch_size": batch_size,
            "learning_rate": learning_rate, "seed": seed,
        }  # fmt: skip
        settings = {name: value for name, value in named.items() if value is not None}
        run_training(roster, role, folder, recipe, settings, size=size, grey=grey)


@app.command("convert-generator")
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


@app.command("train-generator")
def train_generator(
    folder: Annotated[Path, typer.Argument(help="Where the generator goes.")],
    images: Annotated[Path | None, typer.Option(help="Folder of images, of nobody who is audited.")] = None,
    rendered: Annotated[int | None, typer.Option(min=16, help="So many rendered faces instead.")] = None,
    size: Annotated[int, typer.Option(help="Side of its images: a power of two.")] = 64,
    steps: Annotated[int | None, typer.Option(min=1, help="Updates of both networks.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=2)] = None,
    learning_rate: Annotated[float | None, typer.Option(min=0.0)] = None,
    r1: Annotated[float | None, typer.Option(min=0.0, help="Weight of the gradient penalty.")] = None,
    save_every: Annotated[int | None, typer.Option(min=1, help="Steps from checkpoint to checkpoint.")] = None,
    precision: Annotated[str | None, typer.Option(help="bf16 or fp32.")] = None,
    noise: Annotated[bool | None, typer.Option("--noise/--no-noise", help="Noise maps in the generator.")] = None,
    grow_from: Annotated[Path | None, typer.Option(help="Folder of a run at half the size or less.")] = None,
    alignment: Annotated[str, typer.Option(help="How faces lie in the images, for the card.")] = "unknown",
    licence: Annotated[str, typer.Option(help="Of the weights, for the card.")] = "unknown",
    seed: Annotated[int | None, typer.Option(min=0)] = None,
) -> None:
    """Train a small StyleGAN2 for `invert`. Run again to resume."""
    with manners(folder):
        from bareface.cli.generators import run_generator_training

        named = {
            "steps": steps, "batch_size": batch_size, "learning_rate": learning_rate, "r1": r1,
            "save_every": save_every, "precision": precision, "noise": noise, "seed": seed,
        }  # fmt: skip
        settings = {name: value for name, value in named.items() if value is not None}
        run_generator_training(
            folder, images, rendered, size, settings, grow_from, alignment=alignment, licence=licence
        )


app.command()(inspect)
app.command()(selfcheck)
app.command()(pairs)
app.command()(verify)
app.command()(align)
app.command()(overlap)
app.add_typer(bench, name="bench")


@app.command()
def attacks(name: Annotated[str | None, typer.Argument(help="One attack, in full.")] = None) -> None:
    """List the attacks on offer: what each needs and how it works."""
    with manners():
        from bareface.cli.listing import describe_attack, list_attacks

        out(list_attacks() if name is None else describe_attack(name))


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    html: Annotated[Path | None, typer.Option(help="Where the page goes; RUN/report.html by default.")] = None,
    text: Annotated[bool, typer.Option("--text", help="Print it instead.")] = False,
) -> None:
    """Rebuild the report from the evidence of a run; needs no torch."""
    with manners():
        from bareface.cli.reporting import write_report

        out(write_report(run, html, text=text))


@app.command()
def faces(
    folder: Annotated[Path, typer.Argument(help="Where the images go, person/image.png.")],
    people: Annotated[int, typer.Option(min=1)] = 200,
    images: Annotated[int, typer.Option(min=1, help="Images of each person.")] = 20,
    size: Annotated[int, typer.Option(min=16, max=1024, help="Height and width in pixels.")] = 112,
    first: Annotated[int, typer.Option(min=0, help="Number of the first person.")] = 0,
    seed: Seed = 7,
) -> None:
    """Render faces of people who do not exist into an image folder."""
    with manners():
        from bareface.cli.faces import run_faces

        run_faces(folder, people=people, images=images, size=size, first=first, seed=seed)


def main() -> None:
    """The entry point: SIGTERM is treated like Ctrl-C, so that a run that is told to stop stays resumable."""
    signal.signal(signal.SIGTERM, _interrupt)
    keep_freed_memory()
    app()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
