"""The command line. Commands import what they need when they run, so that help and usage errors answer at once."""

from bareface.cli.app import main

__all__ = ["main"]
