"""The commands `bareface bench ...`: measurements that train backbones of their own."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from bareface.cli.links import AllowLinks
from bareface.cli.manners import AsJson, manners, out

bench = typer.Typer(no_args_is_help=True, help="Measure defences: what each costs, and what it stops.")


@bench.command("list")
def list_defences(name: Annotated[str | None, typer.Argument(help="One defence, in full.")] = None) -> None:
    """List the defences on offer: what each does, what it protects and what it cannot."""
    with manners():
        from bareface.cli.defending import describe_defence, describe_defences

        out(describe_defences() if name is None else describe_defence(name))


@bench.command()
def defences(
    run: Annotated[Path, typer.Option("--run", "-o", help="Where the run goes.")] = Path("runs/defences"),
    defence: Annotated[
        list[str] | None, typer.Option(help="Defence, perhaps name:key=value; repeat it. All by default.")
    ] = None,
    roster: Annotated[
        Path | None, typer.Option(help="Manifest with the roles member, outside, auxiliary, public; else rendered.")
    ] = None,
    recipe: Annotated[Path | None, typer.Option(help="A YAML file with training settings.")] = None,
    attack: Annotated[list[str] | None, typer.Option(help="Another attack to ask, too; repeat it.")] = None,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Targets of each defence.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="The first seed.")] = 7,
    figure: Annotated[Path | None, typer.Option(help="PNG or SVG; RUN/defences.svg by default.")] = None,
    json: AsJson = False,
    allow_links: AllowLinks = False,
) -> None:
    """Recognition against leak for every defence, attacked by somebody who knows it. Run again to resume."""
    with manners(run):
        from bareface.cli.defending import bench_world, run_defences

        asked = tuple(range(seed, seed + seeds))
        world = partial(bench_world, run, roster, recipe, allow_links)
        out(run_defences(run, defence, world, tuple(attack or ()), asked, figure, as_json=json))
