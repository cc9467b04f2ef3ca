"""What stood on two sides, in words."""

from bareface.overlap_record import Calibration, Hygiene, SharedPeople, SharedPictures
from bareface.report.hygiene import hygiene_sentences


def people(status: str, reason: str = "", threshold: float | None = 0.6) -> SharedPeople:
    known = Calibration(expected=1.0, comparisons=16_300, pairs=13_203, threshold=threshold, above=0, reason=reason)
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
