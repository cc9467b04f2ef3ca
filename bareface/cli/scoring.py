"""`bareface score`: the attacks of a finished audit on any number of images."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bareface.cli.links import AllowLinks
from bareface.cli.manners import SPEC, AsJson, AuditedTarget, Device, Executing, Stages, Workers, aside, manners, out
from bareface.cli.working import executor_asked
from bareface.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from bareface.shards.executor import Executor


def score(
    run: Annotated[Path, typer.Argument(help="Folder of a finished audit that shows a leak.")],
    images: Annotated[Path, typer.Option(help="CSV or Parquet manifest, folder person/image, .rec, .tar or .lmdb.")],
    target: AuditedTarget = None,
    folder: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where the scores go; beside the run by default.")
    ] = None,
    game: Annotated[
        str | None, typer.Option(help="record, person or dataset; all that show a leak by default.")
    ] = None,
    spec: SPEC = None,
    device: Device = "cpu",
    workers: Workers = None,
    executor: Executing = None,
    json: AsJson = False,
    allow_links: AllowLinks = False,
) -> None:
    """Score any number of images and people, and rank everybody; run again to resume, exit 3 where no leak is shown."""
    place = folder or run.with_name(f"{run.name}-scores-{images.stem}")
    with manners(place), executor_asked(executor, workers) as who:
        ended = _score(run, images, target, place, (game, spec, device), who, json=json, links=allow_links)
    if ended:
        raise typer.Exit(ended)


def _score(
    run: Path, images: Path, target: str | None, place: Path, said: tuple[str | None, str | None, str],
    who: "Executor", *, json: bool, links: bool,
) -> ExitCode:  # fmt: skip
    from bareface.records.evidence import read_evidence

    read_evidence(run)  # what is wrong with it is said before torch is imported
    from bareface.auditing.calibration import read_calibration
    from bareface.auditing.query import NO_LEAK
    from bareface.auditing.scorer import scorer_of
    from bareface.auditing.scoring import score as scored
    from bareface.cli.answering import target_of
    from bareface.cli.people import people_at
    from bareface.report.scoring import scoring_text
    from bareface.settings.spec import parse_spec
    from bareface.vocabulary import GAMES

    game, spec, device = said
    played = next((name for name in GAMES if name == game), None)
    if game and played is None:
        raise UsageError("--game", got=game, expected=" or ".join(GAMES))
    calibration = read_calibration(run, target_of(run, target, parse_spec(spec) if spec else None, device))
    scorer = scorer_of(calibration, played)
    if scorer is None:
        out(f"No scores: {NO_LEAK.format(verdict=calibration.evidence.verdict)}.")
        return ExitCode.INCONCLUSIVE
    with Stages() as stages:
        record = scored(scorer, people_at(images, links=links), place, stages, who)
    out(record.model_dump_json(indent=1) if json else scoring_text(record))
    aside(f"scores: {place}")
    return ExitCode.DONE
