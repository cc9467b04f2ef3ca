"""What stood on two sides, in words."""

from bareface.records.overlap import (
    Hygiene,
    MatchThreshold,
    OwnPeople,
    Partners,
    SharedNames,
    SharedPeople,
    SharedPictures,
)
from bareface.report.hygiene import hygiene_sentences


def people(status: str, reason: str = "", threshold: float | None = 0.6) -> SharedPeople:
    known = MatchThreshold(expected=1.0, comparisons=16_300, pairs=13_203, threshold=threshold, above=0, reason=reason)
    return SharedPeople(
        status=status,  # type: ignore[arg-type]
        reason=reason,
        recogniser="judge",
        recogniser_sha256="0" * 64,
        first_people=163,
        second_people=100,
        calibration=known,
        matches=2,
        first_matched=2,
        second_matched=2,
    )


def hygiene(found: SharedPeople, *pictures: tuple[int, int, int]) -> Hygiene:
    shared = tuple(
        SharedPictures(
            first="member", second="outside", exact=e, near=n, mirrored=m, first_images=e + n, second_images=e + n
        )
        for e, n, m in pictures
    )
    return Hygiene(rule="the same bytes", images=2093, left_out=2, most=0.01, pictures=shared, people=found)


def test_older_runs_say_that_nobody_looked() -> None:
    assert hygiene_sentences(None) == ("Not looked for: the run is from before there was such a check.",)


def test_a_clean_roster_says_what_was_looked_for() -> None:
    pictures, who = hygiene_sentences(hygiene(people("skipped", "no recogniser"), (0, 0, 0)))
    assert (
        pictures
        == "Pictures: none in two roles (2,093 images compared between roles). One picture means the same bytes."
    )
    assert who == "People under two names: not looked for; no recogniser."


def test_counts_are_told() -> None:
    pictures, who = hygiene_sentences(hygiene(people("done"), (1, 2, 1), (0, 0, 0)))
    assert pictures.startswith(
        "Pictures: member and outside share 1 file and 2 near-duplicates (1 mirrored) (left out on"
    )
    assert who == (
        "People under two names: left out were 2 of 100 outsiders whom judge takes for one of 163 training people "
        "(cosine of at least 0.600; by chance at most 1 of 16,300 comparisons)."
    )


def test_an_unsupported_calibration_is_no_comparison() -> None:
    _, who = hygiene_sentences(hygiene(people("skipped", "9 pairs of different people", None)))
    assert who == "People under two names: not looked for; 9 pairs of different people."


def own(gone: int) -> OwnPeople:
    files, nobody = 320 * bool(gone), people("skipped").model_copy(update={"second_matched": 0})
    shared = SharedPictures(
        first="outside", second="auxiliary", exact=files, near=0, mirrored=0, first_images=files, second_images=files
    )
    named = SharedNames(first="member", second="auxiliary", people=int(gone > 0))
    return OwnPeople(
        role="auxiliary", people=60, images=960, left_out_people=gone, left_out_images=16 * gone, pictures=(shared,),
        names=(named,), recognised=nobody,
    )  # fmt: skip


def test_own_people_who_are_in_question_are_counted_by_pair_of_roles() -> None:
    clean = hygiene(people("done"), (0, 0, 0)).model_copy(update={"own": (own(0),)})
    assert hygiene_sentences(clean)[2] == (
        "Auxiliary people: nobody of them is in question (60 people with 960 images, compared by name and picture)."
    )
    found = hygiene(people("done"), (0, 0, 0)).model_copy(update={"own": (own(21),)})
    assert hygiene_sentences(found)[2] == (
        "Auxiliary people: 21 with 336 images are left out of all training and statistics, because they are in "
        "question or stand in another role (60 people with 960 images, compared by name and picture): outside and "
        "auxiliary share 320 files and 0 near-duplicates; member and auxiliary share 1 name."
    )


def test_who_plays_the_record_game_is_said_where_somebody_does_not() -> None:
    def said(paired: int, heldout: int, members: int) -> tuple[str, ...]:
        found = Partners(
            paired=paired, lone_heldout=heldout, lone_heldout_images=2 * heldout, lone_members=members,
            lone_member_images=members,
        )  # fmt: skip
        return hygiene_sentences(hygiene(people("done")).model_copy(update={"partners": found}))[2:]

    assert said(163, 0, 0) == ()
    assert said(163, 0, 1) == (
        "Record game: played by 163 people with photos of both kinds; 1 member with 1 image without a photo of the "
        "other kind are left out.",
    )
    played, person = said(0, 12, 12)
    assert played == (
        "Record game: not played; 12 held-out people with 24 images and 12 members with 12 images without a photo of "
        "the other kind are left out, and nobody remains."
    )
    assert person.startswith("Person game: it keeps the held-out people of whom no training photo is listed.")
