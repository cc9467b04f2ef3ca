"""All commands of `bareface`."""

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

import bareface
from bareface.allocator import keep_freed_memory
from bareface.cli.benching import bench
from bareface.cli.command_line import command_line
from bareface.cli.comparing import align, overlap, pairs, verify
from bareface.cli.ending import end_with
from bareface.cli.gating import FailIf, Junit, PolicyFile, RequireVisible, Summary, gate, gating_of
from bareface.cli.links import AllowLinks
from bareface.cli.looking import inspect, selfcheck
from bareface.cli.manners import SPEC, Device, Executing, Track, Workers, manners, out
from bareface.cli.planning import plan
from bareface.cli.querying import compare, people, query
from bareface.cli.reconstructing import convert_generator, fit_generator, invert, train_generator
from bareface.cli.scoring import score
from bareface.cli.sealing import split
from bareface.cli.sharding import run_shard

DEBUG = "--debug"

app = typer.Typer(
    name="bareface",
    help="Does your face backbone remember the people it was trained on?",
    epilog="Exit codes: 0 done · 1 gate failed · 2 a mistake in the call or its inputs · 3 the gate could not decide · "
    "4 the run folder cannot be used or written, run again to resume · 5 refused as unsafe · 70 a crash, a mistake in "
    "bareface · 74 what was said could not be written · 130 interrupted, run again to resume · 141 broken pipe.",
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
    debug: Annotated[bool, typer.Option(DEBUG, help="Show where a crash came from.")] = False,
) -> None:
    pass


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Where the example and its schema go.")] = Path(),
) -> None:
    """Write a configuration to begin with, and the schema by which editors complete it."""
    with manners():
        from bareface.cli.init import run_init

        out(run_init(folder))


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
    context: typer.Context,
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
    shadow: Annotated[
        int | None, typer.Option(min=1, help="Train so many shadows on the auxiliary people.", metavar="N")
    ] = None,
    foreign: Annotated[str | None, typer.Option(help="A face network that was trained on other people.")] = None,
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
    assignment: Annotated[
        str | None, typer.Option(help="randomised if members were drawn by lot before training; else observational.")
    ] = None,
    detect: Annotated[
        bool | None,
        typer.Option("--detect", help="The images are raw photos: find their faces and cut them out first."),
    ] = None,
    face: Annotated[
        str | None, typer.Option(help="Of several: central or largest; central if nothing is said.")
    ] = None,
    seal: Annotated[Path | None, typer.Option(help="Of the draw; by default the one beside the roster.")] = None,
    title: Annotated[str | None, typer.Option(help="Of the page; name the model and its release.")] = None,
    sampled: Annotated[
        int | None, typer.Option("--people", min=2, help="Ask about so many people of each role, drawn by lot.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Root of every random stream.")] = None,
    device: Annotated[str | None, typer.Option(help="Where torch backbones compute: cpu, cuda, cuda:1, ...")] = None,
    workers: Workers = None,
    executor: Executing = None,
    spec: SPEC = None,
    run: Annotated[Path, typer.Option("--run", "-o", help="Where the run goes.")] = Path("runs/audit"),
    fresh: Annotated[bool, typer.Option(help="Start over in a used run folder.")] = False,
    cache: Annotated[
        Path | None, typer.Option(help="What runs share: answers, shadows, references; beside the run by default.")
    ] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Share nothing with other runs.")] = False,
    fail_if_leak: Annotated[bool, typer.Option(help="The same as --fail-if leak.")] = False,
    fail_if: FailIf = None,
    require_visible: RequireVisible = None,
    policy: PolicyFile = None,
    junit: Junit = None,
    summary: Summary = None,
    track: Track = None,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Let the configuration file name module:factory, which runs it.")
    ] = False,
    allow_links: AllowLinks = False,
    allow_roles: Annotated[
        bool, typer.Option("--allow-roles", help="Roles that no audit uses are left alone, not a mistake.")
    ] = False,
) -> None:
    """Audit a backbone: which of its training images and people does it give away?"""
    with manners(run):
        rules = [*(["leak"] if fail_if_leak else []), *(fail_if or [])]
        gating = gating_of(policy, rules, require_visible, junit, summary, "bareface audit")  # before torch is imported
        from bareface.cli.auditing import Allowed, run_audit
        from bareface.settings.spec import parse_spec
        from bareface.storage.cache import CACHE

        named = {
            "model": model, "roster": roster, "members": members, "nonmembers": nonmembers, "heldout": heldout,
            "auxiliary": auxiliary, "public": public, "attacks": attack or None, "games": game or None,
            "knowledge": knowledge or None, "shadow": shadow and {"count": shadow},
            "foreign": foreign, "references": reference or None,
            "recogniser": recogniser, "ignore_head": ignore_head, "selfcheck": check,
            "assignment": assignment, "seal": seal, "title": title, "seed": seed, "detect": detect, "face": face,
            "sample": sampled and {"people": sampled},
            "device": device, "workers": workers, "executor": executor, "spec": spec and parse_spec(spec),
        }  # fmt: skip
        options = {name: value for name, value in named.items() if value is not None}
        ended = run_audit(
            config, options, run, fresh=fresh, command=command_line(context),
            allowed=Allowed(allow_code, allow_links, allow_roles), gating=gating,
            cache=None if no_cache else cache or run.absolute().parent / CACHE, track=track or (),
        )  # fmt: skip
    if ended:
        raise typer.Exit(ended)


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
    device: Device = "cpu",
    allow_links: AllowLinks = False,
) -> None:
    """Train a backbone with a margin head; the head is saved beside it. Run again to resume."""
    with manners(folder):
        from bareface.cli.training import recipe_of, run_training

        named = {
            "architecture": architecture, "head": head, "epochs": epochs, "batch_size": batch_size,
            "learning_rate": learning_rate, "seed": seed,
        }  # fmt: skip
        settings = {name: value for name, value in named.items() if value is not None}
        wanted = recipe_of(recipe, settings, size, grey)
        run_training(roster, role, folder, wanted, device=device, links=allow_links)


app.command()(gate)
app.command()(query)
app.command()(people)
app.command()(compare)
app.command()(plan)
app.command()(score)
app.command("run-shard")(run_shard)
app.command()(split)
app.command()(invert)
app.command("convert-generator")(convert_generator)
app.command("train-generator")(train_generator)
app.command("fit-generator")(fit_generator)
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
    title: Annotated[str | None, typer.Option(help="Stands on the page in place of the run's own title.")] = None,
    annex: Annotated[
        list[str] | None,
        typer.Option(help="edpb, model-card, summary or findings (a CSV): written into RUN besides; repeat it."),
    ] = None,
    track: Track = None,
    unsealed: Annotated[bool, typer.Option(help="Believe a record without its digest beside it.")] = False,
) -> None:
    """Rebuild the report from the evidence of a run; needs no torch."""
    with manners():
        from bareface.cli.reporting import write_report

        out(write_report(run, html, text=text, unsealed=unsealed, title=title, annexes=annex or (), track=track or ()))


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


def main() -> NoReturn:
    """The entry point: SIGTERM is treated like Ctrl-C, so that a run that is told to stop stays resumable."""
    signal.signal(signal.SIGTERM, _interrupt)
    keep_freed_memory()
    end_with(app, debug=DEBUG in sys.argv[1:])


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
