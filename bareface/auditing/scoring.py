"""Any number of images, scored by the attacks of a finished audit: a stream of shards, each of whole people.

images-00000.parquet   image, person, score, fpr, in_audit
people-00000.parquet   person, photos, used, score, fpr, in_audit
rejects-00000.parquet  image, person, reason, detail
ranking.parquet        all people, the most exposed first

All of it is for its owner alone. A shard that is there already and fits its digest is not scored again.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np

from bareface.auditing.progress import Progress, silent
from bareface.auditing.scored import rank, summary
from bareface.auditing.scorer import Scorer
from bareface.auditing.scoring_job import hand_over_scoring
from bareface.auditing.scoring_shard import KINDS, Rows, ScoringWork
from bareface.records.scoring import ScoringRecord, write_scoring
from bareface.rosters.roster import Roster
from bareface.shards.executor import INLINE, Executor
from bareface.shards.ledger import Receipt, work_off
from bareface.storage.artefacts import remove_artefact
from bareface.storage.folders import held

SHARD = 1024
"""Images of one shard; more only where one person has more."""


def score(
    scorer: Scorer, roster: Roster, out: Path, progress: Progress = silent, executor: Executor = INLINE
) -> ScoringRecord:
    """Score every image and person of a roster into a folder; one that was cut short is resumed.

    Args:
        scorer: from `scorer_of`.
        roster: anybody; roles are not looked at.
        out: the folder.
        progress: called with (stage, done, total) images.
        executor: who scores; it changes no number.

    Raises:
        RunError: the folder is in use or cannot be written, or a shard was given up.
    """
    with held(out):
        lots = shards(roster)
        keys = [scorer.key(roster.take(rows)) for rows in lots]
        _score_shards(ScoringWork(scorer, roster, lots, out, keys), executor, progress)
        _forget_others(out, len(lots))
        rank(out, len(lots))
        record = summary(scorer, roster, out, len(lots))
        write_scoring(record, out)
        return record


def _score_shards(work: ScoringWork, executor: Executor, progress: Progress) -> None:
    """Have the shards scored that are not."""
    every = [work.shard(number) for number in range(len(work.lots))]
    missing = [shard for shard in every if not shard.is_done()]
    total = len(work.roster)
    done = total - sum(len(work.lots[shard.number]) for shard in missing)

    def told(receipt: Receipt) -> None:
        nonlocal done
        done += len(work.lots[receipt.number])
        progress("scoring", done, total)

    handed = hand_over_scoring(work) if missing and executor.elsewhere else None
    if handed is None:
        work_off(INLINE, work, missing, told)
    else:
        work_off(executor, handed, missing, told)
        handed.forget()


def shards(roster: Roster) -> list[Rows]:
    """Rows of whole people, person by person, about as many images in each."""
    order = np.argsort(roster.subject, kind="stable")
    subject = roster.subject[order]
    starts = np.concatenate([[0], np.flatnonzero(subject[1:] != subject[:-1]) + 1, [len(order)]]).astype(np.intp)
    cuts = [0]
    for start, end in pairwise(starts.tolist()):
        if end - cuts[-1] > SHARD and start > cuts[-1]:
            cuts.append(start)
    return [order[a:b] for a, b in pairwise([*cuts, len(order)])]


def _forget_others(out: Path, parts: int) -> None:
    """Remove the shards of a longer list that was scored into the folder before."""
    for kind in KINDS:
        for path in out.glob(f"{kind}-*.parquet"):
            if int(path.stem.rpartition("-")[2]) >= parts:
                remove_artefact(path)
