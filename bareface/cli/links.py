"""The option of every command that reads pictures: whether links may lead out of their folder."""

from typing import Annotated

import typer

AllowLinks = Annotated[
    bool, typer.Option("--allow-links", help="Follow symbolic links to pictures outside of the folder that was named.")
]
