"""What stood on two sides of an audit, in words."""

from collections.abc import Iterator

from bareface.records import numbers
from bareface.records.numbers import count
from bareface.records.overlap import Hygiene, OwnPeople, Partners, SharedPeople, SharedPictures


def hygiene_sentences(hygiene: Hygiene | None) -> tuple[str, ...]:
    """On pictures, on people under two names, on each of the auditor's own roles, and on who plays the record game.

    Where there was no such check, one sentence says so.
    """
    if hygiene is None:
        return ("Not looked for: the run is from before there was such a check.",)
    partners = [] if hygiene.partners is None else _partners(hygiene.partners)
    return (_pictures(hygiene), _people(hygiene.people), *map(_own, hygiene.own), *partners)


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


def _own(own: OwnPeople) -> str:
    looked = "by name and picture" if own.recognised.status == "skipped" else "by name, picture and face"
    compared = f"{count(own.people, 'person', 'people')} with {count(own.images, 'image')}, compared {looked}"
    if not own.left_out_people:
        return f"{own.role.capitalize()} people: nobody of them is in question ({compared})."
    return (
        f"{own.role.capitalize()} people: {own.left_out_people:,} with {count(own.left_out_images, 'image')} are left "
        f"out of all training and statistics, because they are in question or stand in another role ({compared}): "
        f"{'; '.join(_shared(own))}."
    )


def _shared(own: OwnPeople) -> Iterator[str]:
    yield from (_pair(one) for one in own.pictures if one.exact or one.near)
    for one in own.names:
        if one.people:
            yield f"{one.first} and {one.second} share {count(one.people, 'name')}"
    if own.recognised.second_matched:
        yield f"{own.recognised.recogniser} recognises {count(own.recognised.second_matched, 'person', 'people')}"


def _partners(found: Partners) -> Iterator[str]:
    """What the record game is made of; and what follows for people of whom it knows photos of one kind only."""
    lone = [
        f"{count(people, what, many)} with {count(images, 'image')}"
        for people, images, what, many in (
            (found.lone_heldout, found.lone_heldout_images, "held-out person", "held-out people"),
            (found.lone_members, found.lone_member_images, "member", "members"),
        )
        if people
    ]
    if not lone:
        return
    left = f"{' and '.join(lone)} without a photo of the other kind are left out"
    played = f"played by {count(found.paired, 'person', 'people')} with photos of both kinds"
    yield f"Record game: {played}; {left}." if found.paired else f"Record game: not played; {left}, and nobody remains."
    if found.lone_heldout:
        yield (
            "Person game: it keeps the held-out people of whom no training photo is listed. That they were trained on "
            "is the roster's word alone: if they are no training people, two sets of strangers are compared."
        )
