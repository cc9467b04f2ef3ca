"""Per-person exposure as rows, under pseudonyms."""

from dataclasses import dataclass

from bareface.records import numbers
from bareface.records.evidence import Exposure, Finding
from bareface.records.numbers import count
from bareface.vocabulary import GAMES

MOST_PEOPLE = 20
HIGH_RANK = 0.95


@dataclass(frozen=True)
class ExposedPerson:
    """One person's rank among the non-members."""

    person: str
    images: str
    rank: str


@dataclass(frozen=True)
class ExposureGroup:
    """The people of one game under one attack: all their ranks, and the most exposed of them.

    people: how many training people the attack scored; `ranks` may hold the most exposed of them only.
    high: how many of them rank above at least 95 % of the non-members.
    """

    attack: str
    people: int
    ranks: tuple[float, ...]
    high: str
    top: tuple[ExposedPerson, ...]


@dataclass(frozen=True)
class ExposureBlock:
    """The people of one game. `places[i]` holds the i-th most exposed person for each attack, or None.

    hidden: for which attacks the record does not hold everybody; may be empty.
    """

    game: str
    groups: tuple[ExposureGroup, ...]
    places: tuple[tuple[ExposedPerson | None, ...], ...]
    hidden: str


def exposure_blocks(exposures: tuple[Exposure, ...], findings: tuple[Finding, ...]) -> tuple[ExposureBlock, ...]:
    """One block for each game that has exposures; the findings say how many people there were.

    Ranks by an attack that is not among the findings, as one that reads the head, are left out.
    """
    counted = {(finding.game, finding.attack) for finding in findings}
    parts = ((game, [e for e in exposures if e.game == game and (game, e.attack) in counted]) for game in GAMES)
    return tuple(_block(game, part, [f for f in findings if f.game == game]) for game, part in parts if part)


def _block(game: str, part: list[Exposure], findings: list[Finding]) -> ExposureBlock:
    attacks = dict.fromkeys(e.attack for e in part)
    groups = tuple(
        _group(attack, [e for e in part if e.attack == attack], _people(attack, findings)) for attack in attacks
    )
    length = max(len(group.top) for group in groups)
    places = tuple(tuple(g.top[i] if i < len(g.top) else None for g in groups) for i in range(length))
    return ExposureBlock(game, groups, places, "; ".join(filter(None, map(_hidden, groups))))


def _people(attack: str, findings: list[Finding]) -> int:
    measured = [m for f in findings if f.attack == attack for m in (f.image, f.person) if m]
    return max((m.member_people for m in measured), default=0)


def _group(attack: str, part: list[Exposure], people: int) -> ExposureGroup:
    ranked = sorted(part, key=lambda e: (-e.rank, e.person))
    ranks = tuple(e.rank for e in ranked)
    people = max(people, len(ranks))
    top = tuple(ExposedPerson(e.person, count(e.images, "image"), _rank(e.rank)) for e in ranked[:MOST_PEOPLE])
    return ExposureGroup(attack, people, ranks, _high(ranks, people), top)


def _high(ranks: tuple[float, ...], people: int) -> str:
    high = sum(rank >= HIGH_RANK for rank in ranks)
    return f"{high:,} of {people:,} people ({numbers.percent(high / people)} %)"


def _hidden(group: ExposureGroup) -> str:
    if group.people == len(group.ranks):
        return ""
    kept = f"{group.attack}: the record holds the {len(group.ranks):,} most exposed of {group.people:,} people"
    return f"{kept}, so that bars below {numbers.percent(group.ranks[-1])} % are too low"


def _rank(rank: float) -> str:
    return "all" if rank == 1 else f"{numbers.percent(rank)} %"
