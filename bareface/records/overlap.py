"""Records of what stands on two sides: in two data sets, or in two roles of one audit."""

from typing import Literal

from bareface.records.record import Record


class MatchThreshold(Record):
    """A threshold for so many comparisons, from pairs of different people.

    expected: false matches accepted among all comparisons, as an upper bound with 95 % confidence.
    comparisons: of a person of one side with a person of the other.
    pairs: of different people, within the side that gave the threshold.
    threshold: cosine; None where the pairs cannot support one, `reason` says why.
    above: how many of these pairs are at or above it.
    """

    expected: float
    comparisons: int
    pairs: int
    threshold: float | None
    above: int | None
    reason: str = ""


class SharedPictures(Record):
    """Pictures on both of two sides, each pair counted once.

    exact: the same bytes; near: the same picture otherwise; mirrored: how many of `near` are mirror images.
    first_images, second_images: how many images of each side are concerned.
    """

    first: str
    second: str
    exact: int
    near: int
    mirrored: int
    first_images: int
    second_images: int


class SharedPeople(Record):
    """People who a recogniser says are on both sides.

    status: `skipped` with its reason where there was no recogniser, or too few people to choose a threshold.
    matches: pairs of a person of the first side and one of the second at or above the threshold.
    first_matched, second_matched: how many people of each side are concerned.
    """

    status: Literal["done", "skipped"]
    reason: str
    recogniser: str
    recogniser_sha256: str
    first_people: int
    second_people: int
    calibration: MatchThreshold | None
    matches: int
    first_matched: int
    second_matched: int


class SharedNames(Record):
    """People of one role who have the name of somebody in another."""

    first: str
    second: str
    people: int


class OwnPeople(Record):
    """The auditor's own people of one role, on whom shadows and statistics rest, against everybody else.

    Who is in question himself, or stands in two of these roles, is left out with all photos.

    people, images: before; left_out_people, left_out_images: how many of them were left out.
    pictures, names: in common with each other role. recognised: people in question against these.
    """

    role: str
    people: int
    images: int
    left_out_people: int
    left_out_images: int
    pictures: tuple[SharedPictures, ...]
    names: tuple[SharedNames, ...]
    recognised: SharedPeople


class Partners(Record):
    """Who can play the record game, which compares a person's training photos with other photos of the same person.

    paired: people with photos of both kinds.
    lone_heldout, lone_members: people with photos of one kind only, and their images.
    """

    paired: int
    lone_heldout: int
    lone_heldout_images: int
    lone_members: int
    lone_member_images: int


class Hygiene(Record):
    """What stood on two sides of an audit and was therefore left out of it.

    rule: when two pictures count as one.
    images: in the roles that games use; left_out: how many of them were.
    most: the largest share of images, and of people, that may be left out.
    pictures: in common between roles that games use. people: training people against people never trained on.
    own: the auditor's own people. partners: of the record game; None where a role of it is missing.
    """

    rule: str
    images: int
    left_out: int
    most: float
    pictures: tuple[SharedPictures, ...]
    people: SharedPeople
    own: tuple[OwnPeople, ...] = ()
    partners: Partners | None = None


class SetCount(Record):
    """One of two data sets: how many images and people, and how many images could not be used."""

    images: int
    people: int
    unusable: int


class SharedPerson(Record):
    """A person of the first set and one of the second who seem to be the same.

    cosine: of their templates; None where no recogniser was asked, or it does not say so.
    pictures: how many pictures they have in common.
    """

    first: str
    second: str
    cosine: float | None
    pictures: int


class OverlapRecord(Record):
    """What two data sets have in common.

    rule: when two pictures count as one.
    linked_by_pictures: pairs of people who have a picture in common.
    matches: pairs of people who are linked by a picture or by a recogniser, by pseudonym unless names were asked for;
        at most 1,000, the surest first; all_matches: how many there are.
    same_name: how many of all these pairs have one name in both sets.
    """

    schema_version: str
    bareface: str
    first: SetCount
    second: SetCount
    rule: str
    pictures: SharedPictures
    linked_by_pictures: int
    people: SharedPeople
    same_name: int
    all_matches: int
    matches: tuple[SharedPerson, ...]
