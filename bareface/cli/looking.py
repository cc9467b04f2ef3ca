"""The commands that look at a model before anything is asked of it: `inspect` and `selfcheck`."""

from pathlib import Path
from typing import Annotated

import typer

from bareface.cli.links import AllowLinks
from bareface.cli.manners import SPEC, AsJson, manners, out
from bareface.errors import ExitCode


def inspect(
    checkpoint: Annotated[Path, typer.Argument(help="Any file that may hold a backbone.")],
    compare: Annotated[Path | None, typer.Option(help="Another one: does either come from the other?")] = None,
    json: AsJson = False,
) -> None:
    """Say what a checkpoint is and what it was trained on, without executing anything in it."""
    with manners():
        from bareface.cli.inspecting import run_comparison, run_inspect

        if compare is None:
            out(run_inspect(checkpoint, as_json=json))
        else:
            out(run_comparison(checkpoint, compare, as_json=json))


def selfcheck(
    model: Annotated[str, typer.Option(help="Checkpoint, folder, .onnx, or package.module:factory.")],
    images: Annotated[Path, typer.Option(help="Folder of faces, person/image, of people it was not trained on.")],
    most: Annotated[int, typer.Option(min=16, help="Images to feed, drawn at random.")] = 128,
    seed: Annotated[int, typer.Option(min=0, help="Root of every random stream.")] = 7,
    spec: SPEC = None,
    json: AsJson = False,
    allow_links: AllowLinks = False,
) -> None:
    """Find out from its BatchNorm statistics how a backbone wants its input; exit with 1 when it is fed wrongly."""
    with manners():
        from bareface.cli.selfchecking import run_selfcheck, selfcheck_text

        check = run_selfcheck(model, images, most, seed, spec, links=allow_links)
        out(check.model_dump_json(indent=1) if json else selfcheck_text(check))
    if check.verdict == "misfit":
        raise typer.Exit(ExitCode.GATE_FAILED)
