"""What stood on two sides of an audit, in words."""

from bareface.overlap_record import Hygiene, SharedPeople, SharedPictures
from bareface.report import numbers
from bareface.report.numbers import count


def hygiene_sentences(hygiene: Hygiene | None) -> tuple[str, ...]:
    """One sentence on pictures and one on people; the first says it when there was no such check."""
    if hygiene is None:
        return ("Not looked for: the run is from before there was such a check.",)
    return _pictures(hygiene), _people(hygiene.people)


def _pictures(hygiene: Hygiene) -> str:
    shared = "; ".join(_pair(one) for one in hygiene.pictures if one.exact or one.near)
    looked = f"{count(hygiene.images, 'image')} compared between roles"
    if not shared:
        return f"Pictures: none in two roles ({looked}). One picture means {hygiene.rule}."
    left = f"left out on both sides, {looked}"
    return f"Pictures: {shared} ({left}). One picture means {hygiene.rule}."


def _pair(one: SharedPictures) -> str:
    near = count(one.near, "near-duplicate")
    mirrored = f" ({one.mirrored:,} mirrored)" if one.mirrored else ""
    return f"{one.first} and {one.second} share {count(one.exact, 'file')} and {near}{mirrored}"


def _people(people: SharedPeople) -> str:
    known = people.calibration
    if people.status == "skipped" or known is None or known.threshold is None:
        return f"People under two names: not looked for; {people.reason}."
    return (
        f"People under two names: left out were {people.second_matched:,} of {count(people.second_people, 'outsider')} "
        f"whom {people.recogniser} takes for one of {people.first_people:,} training people (cosine of at least "
        f"{numbers.auc(known.threshold)}; by chance at most {known.expected:g} of {known.comparisons:,} comparisons)."
    )
