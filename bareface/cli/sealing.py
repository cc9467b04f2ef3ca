"""The command that draws membership before training: `split`."""

from pathlib import Path
from typing import Annotated

import typer

from bareface.cli.links import AllowLinks
from bareface.cli.manners import manners, out


def split(
    pool: Annotated[Path, typer.Argument(help="Folder person/image, pack, or a CSV or Parquet of image and subject.")],
    file: Annotated[Path, typer.Option("--out", "-o", help="Where the roster goes; its seal goes beside it.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of the lots.")],
    members: Annotated[float, typer.Option(help="Share of the people to train on.")] = 0.5,
    heldout: Annotated[float, typer.Option(help="Share of each one's photos to keep out of training.")] = 0.5,
    auxiliary: Annotated[float, typer.Option(help="Share of the people for shadows of your own.")] = 0.0,
    allow_links: AllowLinks = False,
) -> None:
    """Draw by lot who will be trained on, and seal the draw: before training."""
    with manners():
        from bareface.cli.splitting import run_split

        shares = {"members": members, "heldout": heldout, "auxiliary": auxiliary}
        out(run_split(pool, file, seed, **shares, links=allow_links))
