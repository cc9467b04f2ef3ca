"""In short: what an attacker finds, what it takes, what is not shown. Three sentences, and only what ran."""

from collections.abc import Iterable, Iterator, Sequence

from bareface.records import numbers
from bareface.records.evidence import Evidence, Finding, OperatingPoint, apart_from_head
from bareface.records.numbers import count
from bareface.vocabulary import ACCESS, GAMES, KNOWLEDGE, Access, Game, Knowledge, Verdict, of_game

_SPOKEN_FPR = 0.01
REACHES: dict[Access, str] = {
    "answers": "the answers alone",
    "weights": "the weights",
    "head": "the classification head",
}
KNOWS: dict[Knowledge, str] = {
    "partial": "some of the training set known",
    "shadow": "a network of the same kind that the attacker trains, no training photo known",
    "nonmembers": "no training photo known",
}
_CHEAPEST: tuple[Knowledge, ...] = ("nonmembers", "shadow", "partial")


def in_short(evidence: Evidence) -> tuple[str, ...]:
    """The sentences; none where no attack was asked for."""
    findings = apart_from_head(evidence.findings)
    if not findings:
        return ()
    if evidence.verdict is Verdict.LEAK_SHOWN and not _best(findings):
        return (f"The record says {evidence.verdict.value}, and no finding in it carries that.",)
    if evidence.verdict is Verdict.LEAK_SHOWN:
        return _found(findings), _takes(findings), _not_shown(findings)
    return _nothing_found(evidence.verdict, findings), _tried(findings), _not_shown(findings)


def _found(findings: Sequence[Finding]) -> str:
    """What an attacker finds: the most telling attack of each game in which a leak is shown."""
    best = _best(findings)
    clauses, said = [], ""
    for one in best:
        access = reaches(one)
        clauses.append(_clause(one) if access == said else f"with {access} {_clause(one)}")
        said = access
    first = f"With {reaches(best[0])}, an attacker {_clause(best[0])}"
    counted = ", counted at thresholds chosen on other people" if any(map(_spoken, best)) else ""
    return f"{', and '.join([first, *clauses[1:]])}{counted}."


def _best(findings: Sequence[Finding]) -> list[Finding]:
    """One leak of each game in which one is shown: the most telling of those whose rate at 1 % was counted, if any."""
    best = [max(shown, key=worth_telling) for _, shown in _games(findings, Verdict.LEAK_SHOWN)]
    return sorted(best, key=worth_telling, reverse=True)


def worth_telling(finding: Finding) -> tuple[bool, float]:
    """By which the finding that stands for others is chosen: a counted rate at 1 % before none, then its reach."""
    point = _spoken(finding)
    return point is not None and point.nominal_fpr == _SPOKEN_FPR, finding.reach


def _clause(finding: Finding) -> str:
    game = GAMES[finding.game]
    point = _spoken(finding)
    if point is None or point.true_positive is None or point.false_positive is None:
        where = f"{finding.game} game, {finding.label}{', people matched' if finding.matched else ''}"
        return f"tells {game.found} from {game.accused} with an AUC of {_auc(finding)} ({where})"
    found, accused = (f"{numbers.percent(share.rate)} %" for share in (point.true_positive, point.false_positive))
    where = f"{finding.game} game, {finding.label}"
    return f"finds {found} of the {game.found} while accusing {accused} of the {game.accused} ({where})"


def _spoken(finding: Finding) -> OperatingPoint | None:
    """The rate that is spoken of: at 1 % false positives, or the next larger one that was counted; None on matched
    people, whose weights give no rates."""
    measured = None if finding.matched else finding.asked
    counted = [point for point in measured.operating_points if point.true_positive] if measured else []
    fit = [point for point in counted if point.nominal_fpr >= _SPOKEN_FPR]
    return min(fit, key=lambda point: point.nominal_fpr, default=None)


def _auc(finding: Finding) -> str:
    measured = finding.rests_on
    if measured is None or measured.auc is None:
        return "unknown size"
    return numbers.auc(measured.auc) + (f" {numbers.interval(measured.auc_interval)}" if measured.auc_interval else "")


def _takes(findings: Sequence[Finding]) -> str:
    """What the first of the leaks took, and the least with which one is shown."""
    first = _best(findings)[0]
    shown = [one for _, leaks in _games(findings, Verdict.LEAK_SHOWN) for one in leaks]
    least = min(shown, key=lambda one: (*_price(one), -one.reach))
    told = f"What it takes: {_needs(first)}"
    if _price(least) == _price(first):
        return f"{told}."
    where = f"{least.label} in the {least.game} game, AUC {_auc(least)}"
    return f"{told}; the least with which a leak is shown is {_needs(least)} ({where})."


def _price(finding: Finding) -> tuple[int, int, int]:
    """What it asks of the attacker: access first, then what has to be known, then photos."""
    return list(ACCESS).index(finding.access or "head"), _CHEAPEST.index(finding.knowledge), _photos(finding)


def _needs(finding: Finding) -> str:
    return f"{reaches(finding)}, {photos(finding)}, {KNOWS[finding.knowledge]}"


def reaches(finding: Finding) -> str:
    """What the attacker must reach."""
    return REACHES[finding.access] if finding.access else "access that was not recorded"


def photos(finding: Finding) -> str:
    """How many photos of a person one score is made of."""
    number = _photos(finding)
    if number > 1:
        about = "about " if finding.photos in (None, 1) else ""
        return f"{about}{number} photos of a person"
    return "one photo"


def _photos(finding: Finding) -> int:
    """As the attack declares; where people are judged, the mean over as many as there were of each."""
    if finding.photos and finding.photos > 1:
        return finding.photos
    counted = finding.image
    if GAMES[finding.game].decides == "image" or counted is None or not counted.member_people:
        return finding.photos or 1
    return max(1, round((counted.members - counted.abstained_members) / counted.member_people))


def _nothing_found(verdict: Verdict, findings: Sequence[Finding]) -> str:
    if verdict is Verdict.INVALID:
        games = listed(game for game, _ in _games(findings, Verdict.INVALID))
        return f"Nothing can be said of what this backbone remembers: the sides of the {games} cannot be compared."
    if not any(finding.status == "done" for finding in findings):
        return "Nothing was found and nothing was ruled out: no attack could be run."
    if verdict is Verdict.NOT_ESTIMABLE:
        return f"Nothing was found and nothing was ruled out: there are too few people.{_needed(findings)}"
    told = [f"{GAMES[game].found} from {GAMES[game].accused}" for game, _ in _games(findings, Verdict.NOT_SHOWN)]
    return f"No attack that ran tells {', or '.join(told)}, in a way that the controls do not explain."


def _needed(findings: Iterable[Finding]) -> str:
    grown = [(one.rests_on.growth_needed, one.rests_on) for one in findings if one.rests_on]
    known = [(growth, measured) for growth, measured in grown if growth]
    if not known:
        return ""
    growth, measured = min(known, key=lambda one: one[0])
    inside, outside = (-int(-growth * people // 1) for people in (measured.member_people, measured.nonmember_people))
    return f" About {inside:,} training people and {outside:,} others would give an answer."


def _tried(findings: Sequence[Finding]) -> str:
    """What was tried: attacks by their access, what was known, how many photos."""
    done = [finding for finding in findings if finding.status == "done"]
    if not done:
        return f"What was tried: nothing; {count(len({one.label for one in findings}), 'attack')} could not be run."
    by_access = [(access, {one.label for one in done if one.access == access}) for access in (*ACCESS, None)]
    attacks = ", ".join(
        f"{count(len(labels), 'attack')} with {REACHES[access] if access else 'access that was not recorded'}"
        for access, labels in by_access
        if labels
    )
    known = " or ".join(f"{name}" for name in KNOWLEDGE if name in {one.knowledge for one in done})
    fewest, most = min(map(_photos, done)), max(map(_photos, done))
    seen = f"{fewest} to {most} photos" if most > fewest else count(most, "photo")
    return f"What was tried: {attacks}, with {known} knowledge, on {seen} of a person."


def _not_shown(findings: Sequence[Finding]) -> str:
    """What is not shown in the games that ran; the others are no part of it."""
    parts = [*_silent(findings), *_without_answer(findings)]
    if not parts:
        attacks = count(len({finding.label for finding in findings if finding.status == "done"}), "attack")
        parts = [f"what anything beside the {attacks} that ran would find"]
    return f"What is not shown: {'; '.join(parts)}."


def _silent(findings: Sequence[Finding]) -> Iterator[str]:
    for game, quiet in _games(findings, Verdict.NOT_SHOWN):
        seen = [finding.visible for finding in quiet if finding.visible is not None]
        told = f"that {GAMES[game].found} can be told from {GAMES[game].accused} ({game} game)"
        size = numbers.auc(max(seen), "ROUND_CEILING") if seen else ""
        power = f"an AUC of {size} would have been seen four times in five, a smaller leak may be there"
        yield f"{told}: {power}" if seen else told


def _without_answer(findings: Sequence[Finding]) -> Iterator[str]:
    for verdict, why in (
        (Verdict.INVALID, "neither a leak nor that there is none, since its sides cannot be compared"),
        (Verdict.NOT_ESTIMABLE, "anything, since too few people or scores are there"),
    ):
        for game, _ in _games(findings, verdict):
            yield f"in the {game} game, {why}"


def _games(findings: Sequence[Finding], verdict: Verdict) -> list[tuple[Game, list[Finding]]]:
    """The games with that verdict, and their findings that carry it."""
    found = []
    for game in GAMES:
        judged = [finding for finding in findings if finding.game == game]
        if judged and of_game([one.verdict for one in judged if one.verdict]) is verdict:
            found.append((game, [one for one in judged if one.verdict is verdict]))
    return found


def listed(games: Iterable[Game]) -> str:
    """`record game`, `record, person and dataset games`."""
    *others, last = games
    return f"{', '.join(others)} and {last} games" if others else f"{last} game"
