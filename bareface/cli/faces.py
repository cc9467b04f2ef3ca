"""`bareface faces`: people who do not exist."""

from pathlib import Path

from bareface.cli.manners import Stages, out
from bareface.synthetic import write_folder


def run_faces(folder: Path, *, people: int, images: int, size: int, first: int, seed: int) -> None:
    """Render an image folder and say where it is."""
    with Stages() as stages:
        write_folder(
            folder, people=people, images=images, size=size, seed=seed, first_identity=first,
            report=lambda done, total: stages("rendering faces", done, total),
        )  # fmt: skip
    out(f"{people * images} images of {people} people in {folder}")
