"""Finished audits asked further: `query`, `people`, `compare`."""

from pathlib import Path
from typing import Annotated

import typer

from bareface.cli.links import AllowLinks
from bareface.cli.manners import SPEC, AsJson, AuditedTarget, Device, manners, out


def query(
    run: Annotated[Path, typer.Argument(help="Folder of a finished audit.")],
    photos: Annotated[Path, typer.Option(help="Folder of one person's photos, made as the audit's images were.")],
    target: AuditedTarget = None,
    fpr: Annotated[float, typer.Option(help="False positive rate: of strangers at most this share stands out.")] = 0.01,
    game: Annotated[str | None, typer.Option(help="person or dataset; the first in which a leak was shown.")] = None,
    spec: SPEC = None,
    device: Device = "cpu",
    json: AsJson = False,
    allow_links: AllowLinks = False,
) -> None:
    """Was this person in it? Evidence from their photos, never proof; exit 3 where there is no answer."""
    with manners():
        from bareface.records.evidence import read_evidence
        from bareface.stats.conformal import strangers_needed

        strangers_needed(fpr)
        read_evidence(run)  # what is wrong with it is said before torch is imported
        from bareface.cli.answering import answer, target_of
        from bareface.settings.spec import parse_spec

        asked = target_of(run, target, parse_spec(spec) if spec else None, device)
        ended = answer(run, photos, asked, fpr=fpr, game=game, json=json, links=allow_links)
    if ended:
        raise typer.Exit(ended)


def people(
    run: Annotated[Path, typer.Argument(help="Folder of a finished audit.")],
    number: Annotated[str, typer.Argument(help="The number of a person as the report shows it.")],
    json: AsJson = False,
) -> None:
    """Say who stands behind a number of the report, to whoever may read the run's people.parquet."""
    with manners():
        from bareface.cli.answering import named

        out(named(run, number, json=json))


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Folders of finished audits of the same people; the first one is "
                                               "what the others are compared with.")],
    summary: Annotated[Path | None, typer.Option(help="Where the page goes besides, as Markdown.")] = None,
    json: AsJson = False,
) -> None:  # fmt: skip
    """Leak against recognition of several targets on the same people, with paired intervals of the differences."""
    with manners():
        from bareface.auditing.compare import compare as compared
        from bareface.report.comparison import comparison_markdown
        from bareface.storage.files import write_text

        record = compared(runs)
        if summary is not None:
            write_text(summary, comparison_markdown(record))
        out(record.model_dump_json(indent=1) if json else comparison_markdown(record))
