"""The commands about pairs of faces and sets of them: `pairs`, `verify`, `align`, `overlap`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from bareface.cli.links import AllowLinks
from bareface.cli.manners import SPEC, AsJson, manners, out
from bareface.vocabulary import FaceChoice

Model = Annotated[
    str, typer.Option(help="Checkpoint, folder, ONNX, table of embeddings, address, or package.module:factory.")
]
Seed = Annotated[int, typer.Option(min=0, help="Root of every random stream.")]


def pairs(
    roster: Annotated[Path, typer.Argument(help="CSV or Parquet manifest, folder person/image, or pack.")],
    file: Annotated[Path, typer.Option("--out", "-o", help="Where the pairs go, a CSV.")],
    role: Annotated[str | None, typer.Option(help="Only people in this role of a manifest.")] = None,
    same: Annotated[int, typer.Option(min=1, help="Same-person pairs wanted.")] = 3000,
    different: Annotated[int, typer.Option(min=1, help="Different-people pairs wanted.")] = 3000,
    folds: Annotated[int, typer.Option(min=2, help="Folds without a person in common.")] = 10,
    seed: Seed = 7,
    allow_links: AllowLinks = False,
) -> None:
    """Draw pairs of images for `verify`, each fold from other people."""
    with manners():
        from bareface.cli.verifying import run_pairs

        out(run_pairs(roster, role, file, same=same, different=different, folds=folds, seed=seed, links=allow_links))


def verify(
    pairs: Annotated[Path, typer.Argument(help="LFW's pairs.txt, a CSV of pairs, or an InsightFace .bin pack.")],
    model: Model,
    images: Annotated[Path | None, typer.Option(help="Folder of the images; that of the list by default.")] = None,
    flip: Annotated[
        Literal["sum", "none"], typer.Option(help="sum: the mirror image counts, as in InsightFace; none.")
    ] = "sum",
    far: Annotated[list[float] | None, typer.Option(help="False accept rate to give the TAR at; repeat it.")] = None,
    folds: Annotated[int, typer.Option(min=2, help="Folds, where the list has none.")] = 10,
    spec: SPEC = None,
    json: AsJson = False,
    allow_links: AllowLinks = False,
) -> None:
    """Verify a model on pairs: 10-fold accuracy, AUC, EER and TAR at FAR, with intervals."""
    with manners():
        from bareface.cli.verifying import run_verify, verification_text

        record = run_verify(pairs, model, images, flip=flip, fars=far, folds=folds, spec=spec, links=allow_links)
        out(record.model_dump_json(indent=1) if json else verification_text(record))


def align(
    photos: Annotated[Path, typer.Argument(help="Folder of photos, or a pack.")],
    folder: Annotated[Path, typer.Argument(help="Where the aligned faces go, as PNG files of the same names.")],
    landmarks: Annotated[
        Path | None, typer.Option(help="CSV of image and x, y of both eyes, the nose and the corners of the mouth.")
    ] = None,
    detector: Annotated[
        str | None,
        typer.Option(
            help="Your own: package.module:callable, from an image to five landmarks or None, or its factory."
        ),
    ] = None,
    face: Annotated[FaceChoice | None, typer.Option(help="Of several faces; central where nothing is said.")] = None,
    size: Annotated[Literal["112x112", "112x96"], typer.Option(help="Height x width.")] = "112x112",
    allow_links: AllowLinks = False,
) -> None:
    """Find faces on photos and align them to ArcFace's template by five landmarks."""
    with manners():
        from bareface.cli.aligning import Points, run_align

        out(run_align(photos, folder, Points(landmarks, detector, face), size, links=allow_links))


def overlap(
    first: Annotated[Path, typer.Argument(metavar="A", help="Manifest, folder person/image, or pack.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Another.")],
    model: Annotated[str | None, typer.Option(help="A recogniser, to compare people too; as for verify.")] = None,
    expected: Annotated[float, typer.Option(min=1e-6, help="False matches of people to put up with.")] = 1.0,
    threshold: Annotated[
        float | None, typer.Option(min=-1, max=1, help="A cosine instead of a calibrated one.")
    ] = None,
    role_a: Annotated[str | None, typer.Option(help="Only this role of the manifest A.")] = None,
    role_b: Annotated[str | None, typer.Option(help="Only this role of the manifest B.")] = None,
    flip: Annotated[Literal["sum", "none"], typer.Option(help="Whether mirror images count; as for verify.")] = "sum",
    names: Annotated[bool, typer.Option("--names", help="Name people instead of numbering them.")] = False,
    seed: Seed = 7,
    run: Annotated[Path, typer.Option("--run", "-o", help="Where embeddings and lists go.")] = Path("runs/overlap"),
    fresh: Annotated[bool, typer.Option(help="Start over in a used run folder.")] = False,
    json: AsJson = False,
    allow_links: AllowLinks = False,
) -> None:
    """Which pictures and which people stand in both of two data sets?"""
    with manners(run):
        from bareface.auditing.overlap.sets import OverlapSettings
        from bareface.cli.overlapping import overlap_text, recogniser_at, run_overlap

        how = OverlapSettings(recogniser_at(model), expected, threshold, flip, names, seed)
        record = run_overlap(first, second, run, roles=(role_a, role_b), how=how, fresh=fresh, links=allow_links)
        out(record.model_dump_json(indent=1) if json else overlap_text(record, run))
