"""`bareface overlap`: what two data sets have in common."""

import textwrap
from collections.abc import Iterator
from pathlib import Path

from bareface.auditing.overlap.sets import PEOPLE_FILE, PICTURES_FILE, OverlapSettings, compare_sets
from bareface.cli.manners import Stages
from bareface.cli.people import people_at
from bareface.records.numbers import auc, count
from bareface.records.overlap import OverlapRecord, SetCount, SharedPerson
from bareface.targets.kinds import Auditable, load_any

MOST_SHOWN = 50
CAVEAT = (
    "What was not found may still be there: a photo cropped or aligned otherwise is no near-duplicate, and a threshold "
    "that strangers rarely pass is one that some people miss. People are compared by the mean of their photos, so all "
    "photos under one name should show one person."
)


def run_overlap(
    first: Path,
    second: Path,
    run: Path,
    *,
    roles: tuple[str | None, str | None],
    how: OverlapSettings,
    fresh: bool,
    links: bool = False,
) -> OverlapRecord:
    """Compare two sets."""
    one = people_at(first, roles[0], otherwise="a", links=links)
    other = people_at(second, roles[1], otherwise="b", links=links)
    with Stages() as stages:
        return compare_sets(one, other, how, run, fresh=fresh, progress=stages)


def recogniser_at(model: str | None) -> Auditable | None:
    """The recogniser that people are compared with; None = pictures alone are compared."""
    return load_any(model).without_head() if model else None


def overlap_text(record: OverlapRecord, run: Path) -> str:
    """The record as lines of plain text."""
    return "\n".join([*_lines(record), "", *_wrapped(CAVEAT), f"files: {run / PEOPLE_FILE}, {run / PICTURES_FILE}"])


def _lines(record: OverlapRecord) -> Iterator[str]:
    yield f"A         {_set(record.first)}"
    yield f"B         {_set(record.second)}"
    yield ""
    yield from _labelled("pictures", _pictures(record))
    yield from _labelled("people", _people(record))
    if record.matches:
        yield ""
        yield from map(_match, record.matches[:MOST_SHOWN])
    if record.all_matches > MOST_SHOWN:
        yield f"... and {record.all_matches - MOST_SHOWN:,} more"


def _set(one: SetCount) -> str:
    unusable = f" ({one.unusable:,} more unusable)" if one.unusable else ""
    return f"{count(one.images, 'image')} of {count(one.people, 'person', 'people')}{unusable}"


def _pictures(record: OverlapRecord) -> str:
    shared = record.pictures
    if not shared.exact + shared.near:
        return f"none in common. One picture means {record.rule}."
    mirrored = f" ({shared.mirrored:,} of them mirrored)" if shared.mirrored else ""
    return (
        f"{shared.exact:,} with the same bytes and {count(shared.near, 'near-duplicate')}{mirrored}: "
        f"{count(shared.first_images, 'image')} of A and {shared.second_images:,} of B; they link "
        f"{count(record.linked_by_pictures, 'pair')} of people. One picture means {record.rule}."
    )


def _people(record: OverlapRecord) -> str:
    people, known = record.people, record.people.calibration
    if people.status == "skipped" or known is None or known.threshold is None:
        return f"not compared: {people.reason}."
    found = (
        f"{count(people.matches, 'match', 'matches')} of {people.first_matched:,} people of A with "
        f"{people.second_matched:,} of B by {people.recogniser} at a cosine of at least {auc(known.threshold)}"
    )
    named = f", {record.same_name:,} of all linked pairs under one name in both" if record.same_name else ""
    if known.above is None:
        return f"{found}{named}. The threshold was given, so how many matches are false is not known."
    return (
        f"{found}{named}. By chance at most {known.expected:g} among {known.comparisons:,} comparisons (95 % "
        f"confidence; calibrated on {known.pairs:,} pairs of different people within one set, {known.above:,} of them "
        "above)."
    )


def _match(one: SharedPerson) -> str:
    cosine = "-" if one.cosine is None else f"{one.cosine:.3f}"
    shared = f"  {count(one.pictures, 'picture')} in common" if one.pictures else ""
    return f"  {one.first} = {one.second}  cosine {cosine}{shared}"


def _labelled(label: str, text: str) -> list[str]:
    return textwrap.wrap(text, 100, initial_indent=f"{label:<10}", subsequent_indent=" " * 10)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 100)
