"""What a figure shows, in words and numbers, for those who cannot see it."""

from collections.abc import Iterable

from bareface.report.exposures import ExposureBlock
from bareface.report.page import GameBlock
from bareface.report.rows import FindingRow

_MOST_RATES = 12


def forest_text(game: GameBlock) -> str:
    """The AUC of every finding of a game."""
    return f"AUC in the {game.game} game, 0.5 is guessing. " + "; ".join(map(_finding_text, game.rows)) + "."


def roc_text(games: Iterable[GameBlock], unit: str) -> str:
    """The counted rates that the curves of one unit run past."""
    rates = [rate for game in games for row in game.rows for rate in row.rates if rate.unit == f"per {unit}"]
    counted = [f"{r.attack} ({r.knowledge}) {r.true_positive} at {r.nominal}" for r in rates if r.estimable]
    more = f"; and {len(counted) - _MOST_RATES} more in the tables" if len(counted) > _MOST_RATES else ""
    shown = "; ".join(counted[:_MOST_RATES]) or "none could be estimated"
    return f"ROC curves per {unit} on two logarithmic axes. True-positive rates: {shown}{more}."


def exposure_text(block: ExposureBlock) -> str:
    """How many people rank high, for each attack."""
    counted = "; ".join(f"{group.attack} {group.high}" for group in block.groups)
    return f"People in the {block.game} game that rank above at least 95 % of the non-members: {counted}."


def _finding_text(row: FindingRow) -> str:
    if row.absence:
        return f"{row.attack} ({row.knowledge}) {row.absence}"
    return f"{row.attack} ({row.knowledge}) " + ", ".join(f"{unit.unit} {unit.auc}" for unit in row.units)
