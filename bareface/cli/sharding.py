"""`bareface run-shard`, and `bareface plan --shards`: what the array job of a queue needs."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bareface.cli.manners import Stages, manners, out
from bareface.errors import UsageError

if TYPE_CHECKING:
    from bareface.auditing.settings import AuditConfig
    from bareface.rosters.roster import Roster
    from bareface.shards.ledger import Shard, Worker

_LISTED = """{count} shards wait in {run}, numbered from 0 to {last}; each may be done anywhere, at any time, twice:
    bareface run-shard {run} NUMBER
for example
    sbatch --array=0-{last} --cpus-per-task=1 --wrap 'bareface run-shard {run} $SLURM_ARRAY_TASK_ID'
and when they are done
    bareface audit {config} -o {run}
"""


def list_shards(config: Path, settings: "AuditConfig", roster: "Roster", run: Path) -> str:
    """Do all of an audit that comes before its models are asked, leave the asking to others, and say how to do it."""
    from bareface.auditing.audit import conduct
    from bareface.cli.auditing import brought_by
    from bareface.shards.listing import Listing, ShardsLeft
    from bareface.storage.cache import CACHE

    try:
        with Stages() as stages:
            kept = run.absolute().parent / CACHE
            conduct(brought_by(settings, roster), settings, run, progress=stages, cache=kept, executor=Listing())
    except ShardsLeft:
        count = len(list(_shards_of(run)))
        return _LISTED.format(count=count, last=count - 1, run=run, config=config)
    return f"no shards wait in {run}: its models were asked; bareface audit {config} -o {run} ends it\n"


def run_shard(
    run: Annotated[Path, typer.Argument(help="Folder in which bareface plan --shards left its jobs.")],
    number: Annotated[int, typer.Argument(min=0, help="Which shard; they are counted from 0.")],
) -> None:
    """Do one shard of an audit, with one thread: a task of an array job. One that is done is left as it is."""
    with manners(run):
        out(_done(run, number))


def _done(run: Path, number: int) -> str:
    from bareface.shards.standing import begin

    there = list(_shards_of(run))
    if number >= len(there):
        got, expected = (
            f"shard {number}",
            f"one of the {len(there)} that wait in {run}" if there else "shards that wait",
        )
        raise UsageError("run-shard", got=got, expected=expected, hint="bareface plan CONFIG --shards -o RUN")
    worker, shard = there[number]
    if shard.is_done():
        return f"shard {number} is there already"
    begin()
    with worker.opened() as work:
        receipt = work(shard.number)
    return f"shard {number}: {receipt.rows} images, {receipt.digest[:12]}"


def _shards_of(run: Path) -> Iterator[tuple["Worker", "Shard"]]:
    """All shards of all jobs of a run, always in the same order, whatever is done of them."""
    from bareface.probing.job import CARD, JOB, JobFolder

    for card in sorted((run / "trace").glob(f"*/{JOB}/{CARD}")):
        job = JobFolder(card.parent)
        yield from ((job, shard) for shard in job.shards())
