"""Not assessed, and why: what a reader might take for answered, and what it would take to ask it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bareface.records.evidence import Evidence, Finding, OperatingPoint, apart_from_head
from bareface.records.numbers import count, nominal
from bareface.report.short import listed
from bareface.vocabulary import GAMES, KNOWLEDGE, Game, Knowledge, Role

_ROLES = {
    Role.MEMBER: "training photos",
    Role.HELDOUT: "other photos of training people, under the same names",
    Role.OUTSIDE: "people who were never trained on",
}
_BRINGS = {Role.MEMBER: "--members", Role.HELDOUT: "--heldout", Role.OUTSIDE: "--nonmembers"}
_TAKES: dict[Knowledge, tuple[tuple[Role, ...], str, str]] = {
    "partial": ((), "", "--knowledge partial"),
    "shadow": ((Role.AUXILIARY,), "to train a network of the same kind on", "--shadow 1"),
    "nonmembers": ((Role.PUBLIC, Role.AUXILIARY), "who are known not to be in training", "--knowledge nonmembers"),
}
INVERSION = "Whether faces of training people come out of it"


@dataclass(frozen=True)
class NotAssessed:
    """Something that was not answered: what, why, and what would ask it."""

    what: str
    why: str
    asks: str


def not_assessed(evidence: Evidence) -> tuple[NotAssessed, ...]:
    """Games, prior knowledge, attacks and rates without an answer, and what no audit of membership says."""
    return (
        *_games(evidence),
        *_knowledge(evidence),
        *_attacks(evidence.findings),
        *_rates(apart_from_head(evidence.findings)),
        NotAssessed(f"{INVERSION} (inversion)", "it is a run of its own, after an audit", "bareface invert RUN"),
    )


def _games(evidence: Evidence) -> Iterator[NotAssessed]:
    asked, there = {finding.game for finding in evidence.findings}, _roles(evidence)
    for game in GAMES:
        if game not in asked:
            why, asks = _why_not_played(game, evidence, there)
            yield NotAssessed(f"The {game} game: {_question(game)}", why, asks)


def _question(game: Game) -> str:
    return GAMES[game].question.split("?")[0].strip() + "?"


def _why_not_played(game: Game, evidence: Evidence, there: set[str]) -> tuple[str, str]:
    lacking = [role for role in GAMES[game].sides if role not in there]
    if lacking:
        why = " and ".join(f"nobody in the role {role} ({_ROLES[role]})" for role in lacking)
        return why, " ".join(f"{_BRINGS[role]} FOLDER" for role in lacking)
    partners = evidence.hygiene.partners if evidence.hygiene else None
    if GAMES[game].same_people and partners is not None and partners.paired < 2:
        return f"{partners.paired} people have photos of both kinds", "both kinds of photos under the same names"
    return "it was left out, though the roles for it are there", f"--game {game}"


def _knowledge(evidence: Evidence) -> Iterator[NotAssessed]:
    asked, there = {finding.knowledge for finding in evidence.findings}, _roles(evidence)
    for name in KNOWLEDGE:
        if name in asked:
            continue
        roles, purpose, option = _TAKES[name]
        what = f"An attacker with {name} knowledge"
        if roles and not there & set(roles):
            people = " or ".join(roles)
            yield NotAssessed(what, f"nobody in the role {people}, {purpose}", f"--{roles[0]} FOLDER {option}")
        else:
            yield NotAssessed(what, "it was not asked for", option)


def _roles(evidence: Evidence) -> set[str]:
    return {role.role for role in evidence.roles if role.images > role.rejected}


def _attacks(findings: Iterable[Finding]) -> Iterator[NotAssessed]:
    """Attacks that gave no score, those with one reason together."""
    silent: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        if finding.status != "done":
            silent.setdefault((finding.label, finding.status, finding.reason), []).append(finding)
    for (label, status, reason), found in silent.items():
        games = listed(dict.fromkeys(finding.game for finding in found))
        asks = "the same command, once that is mended" if status == "failed" else "another target, or other people"
        yield NotAssessed(f"{label} in the {games}", f"{status}: {reason or 'no reason given'}", asks)


def _rates(findings: Sequence[Finding]) -> Iterator[NotAssessed]:
    """False positive rates that the non-members of a game are too few for, by rate; in the unit of its question."""
    counted = [(one, point) for one in findings for point in (one.asked.operating_points if one.asked else ())]
    for fpr in sorted({point.nominal_fpr for _, point in counted}, reverse=True):
        places = [
            _too_few(game, [(one, point) for one, point in counted if point.nominal_fpr == fpr]) for game in GAMES
        ]
        needed = max(point.negatives_needed for _, point in counted if point.nominal_fpr == fpr)
        if there := "; ".join(filter(None, places)):
            why = f"{needed:,} non-members are needed: {there}"
            what = f"True positive rates at {nominal(fpr)} false positives"
            yield NotAssessed(what, why, "more people who were never trained on")


def _too_few(game: Game, counted: Sequence[tuple[Finding, OperatingPoint]]) -> str:
    """How many non-members a game has for a rate, and for which attacks that is too few; empty where it is enough."""
    here = [(finding, point) for finding, point in counted if finding.game == game]
    short = [(finding, point) for finding, point in here if point.negatives < point.negatives_needed]
    if not short:
        return ""
    most = max(point.negatives for _, point in short)
    labels = ", ".join(dict.fromkeys(finding.label for finding, _ in short))
    unit = count(most, *(("image",) if GAMES[game].decides == "image" else ("person", "people")))
    return f"the {game} game has {unit}{'' if len(short) == len(here) else f' for {labels}'}"
