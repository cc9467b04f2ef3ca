"""What a scoring found: counts at false positive rates, and everybody ranked."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bareface.auditing.scorer import Scorer, image_auc, person_auc
from bareface.auditing.yardstick import Yardstick
from bareface.records.scoring import AppliedAttack, AtRate, ScoringRecord
from bareface.rosters.roster import Roster
from bareface.storage.artefacts import artefact_path
from bareface.vocabulary import NOMINAL_FPRS

RANKING = "ranking.parquet"


def summary(scorer: Scorer, roster: Roster, out: Path, parts: int) -> ScoringRecord:
    """The record of a scoring whose parts all lie in a folder."""
    evidence, by_image, by_person = scorer.calibration.evidence, scorer.by_image, scorer.by_person
    images = people = None
    if by_image is not None:
        images = _applied(by_image, image_auc(by_image.leak), len(by_image.image_scale.scores), out, "images", parts)
    if by_person is not None:
        strangers = by_person.strangers(by_person.least)
        people = _applied(by_person, person_auc(by_person.leak), strangers, out, "people", parts)
    return ScoringRecord(
        title=evidence.title, verdict=evidence.verdict, images=len(roster), people=len(np.unique(roster.subject)),
        rejected=sum(pq.read_metadata(_part(out, "rejects", number)).num_rows for number in range(parts)),
        by_image=images, by_person=people, parts=parts,
    )  # fmt: skip


def rank(out: Path, parts: int) -> None:
    """All people, the most exposed first: by rate, then by score; those without a score last."""
    together = pa.concat_tables([pq.read_table(_part(out, "people", number)) for number in range(parts)])
    by = [("fpr", "ascending"), ("score", "descending"), ("person", "ascending")]
    ranked = together.take(pc.sort_indices(together, sort_keys=by))
    numbered = ranked.add_column(0, "rank", pa.array(np.arange(1, len(ranked) + 1)))
    with artefact_path(out / RANKING) as temporary:
        pq.write_table(numbered, temporary, compression="zstd")


def _applied(yardstick: Yardstick, auc: float, strangers: int, out: Path, kind: str, parts: int) -> AppliedAttack:
    fprs, known, rows = [np.empty(0)], 0, 0
    for number in range(parts):
        part = pq.read_table(_part(out, kind, number), columns=["fpr", "in_audit"])
        fprs.append(part["fpr"].drop_null().to_numpy())
        known, rows = known + int(np.sum(part["in_audit"].to_numpy())), rows + len(part)
    fpr, found = np.concatenate(fprs), yardstick.leak.finding
    counts = tuple(
        AtRate(fpr=rate, count=int((fpr <= rate).sum()), reachable=1 / (strangers + 1) <= rate) for rate in NOMINAL_FPRS
    )
    return AppliedAttack(
        attack=found.label, game=found.game, knowledge=found.knowledge, auc=auc, scored=len(fpr),
        unscored=rows - len(fpr), in_audit=known, strangers=strangers, standing_out=counts,
    )  # fmt: skip


def _part(out: Path, kind: str, number: int) -> Path:
    return out / f"{kind}-{number:05d}.parquet"
