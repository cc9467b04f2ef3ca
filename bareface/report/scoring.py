"""What a scoring found, in plain words."""

import textwrap
from collections.abc import Iterator

from bareface.records import numbers
from bareface.records.scoring import AppliedAttack, ScoringRecord
from bareface.report.clean import visible

WIDTH = 100


def scoring_text(record: ScoringRecord) -> str:
    """The record as plain text of at most 100 columns."""
    return "\n\n".join("\n".join(textwrap.wrap(visible(line), WIDTH)) for line in _paragraphs(record)) + "\n"


def _paragraphs(record: ScoringRecord) -> Iterator[str]:
    rejected = f", {record.rejected:,} of which cannot be used" if record.rejected else ""
    brought = f"{numbers.count(record.images, 'image')} of {numbers.count(record.people, 'person', 'people')}"
    yield f"Scored: {brought}{rejected}, by the attacks of an audit that says {record.verdict}."
    if record.by_person is not None:
        yield _applied("Person by person", "people", record.by_person)
    if record.by_image is not None:
        yield _applied("Image by image", "images", record.by_image)
    yield (
        "A false positive rate is the share of that audit's people, or images, that were never trained on and score as "
        "high. It holds for photos like theirs, and is no probability that somebody was trained on."
    )


def _applied(how: str, what: str, applied: AppliedAttack) -> str:
    counts = "; ".join(
        f"{one.count:,} at {100 * one.fpr:g} % (by chance {one.fpr * applied.scored:,.0f})"
        if one.reachable
        else f"none can at {100 * one.fpr:g} %, with too few strangers"
        for one in applied.standing_out
    )
    left = f" {applied.unscored:,} got no score." if applied.unscored else ""
    known = f" {applied.in_audit:,} were in the audit itself." if applied.in_audit else ""
    told = f"{applied.attack} in the {applied.game} game with {applied.knowledge} knowledge (AUC {applied.auc:.3f})"
    among = f"Of {applied.scored:,} {what} stand out among {applied.strangers:,} that were never trained on: {counts}."
    return f"{how}: {told}. {among}{left}{known}"
