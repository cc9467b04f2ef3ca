"""From the verdicts on findings to one for each game, and from those to one for the audit."""

from collections.abc import Iterable, Mapping

from bareface.records.evidence import Finding
from bareface.vocabulary import Verdict
from bareface.vocabulary import of_game as of_game

_OVER_GAMES = (Verdict.LEAK_SHOWN, Verdict.INVALID, Verdict.NOT_SHOWN)


def overall(games: Mapping[str, Iterable[Verdict]]) -> Verdict:
    """One verdict for the audit from the findings of each game: the first of leak shown, invalid, not shown.

    A game whose sides cannot be compared says nothing about the others: the same people stand on both sides of the
    record game, whoever stands outside.
    """
    seen = {of_game(verdicts) for verdicts in games.values()}
    return next((verdict for verdict in _OVER_GAMES if verdict in seen), Verdict.NOT_ESTIMABLE)


def verdicts_by_game(findings: Iterable[Finding]) -> dict[str, list[Verdict]]:
    """The verdicts of each game's findings, without those that have none."""
    return {game: [one.verdict for one in found if one.verdict] for game, found in by_game(findings).items()}


def by_game(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """The findings of each game, in the order in which they come."""
    games: dict[str, list[Finding]] = {}
    for finding in findings:
        games.setdefault(finding.game, []).append(finding)
    return games
