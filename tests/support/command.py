"""The command line, called within a test."""

from pathlib import Path

from typer.testing import CliRunner, Result

from bareface.cli.app import app


def run(*arguments: str | Path) -> Result:
    """What `bareface` with these words ends with."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])
