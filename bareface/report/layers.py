"""Layer separations as rows: which layers lie apart for members and non-members."""

from dataclasses import dataclass
from statistics import median
from typing import Literal

from bareface.records import numbers
from bareface.records.evidence import LayerSeparation
from bareface.records.numbers import count
from bareface.vocabulary import GAMES

MOST_ROWS = 200
SHOWN_SHARES = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class LayerRow:
    """One layer in one view; distances at the 10, 50 and 90 % points of each side."""

    number: int
    layer: str
    channels: str
    view: str
    auc: str
    members: tuple[str, ...]
    nonmembers: tuple[str, ...]


@dataclass(frozen=True)
class LayerBlock:
    """The layers of one game."""

    game: str
    statistics: Literal["running", "estimated"]
    sentence: str
    separations: tuple[LayerSeparation, ...]
    rows: tuple[LayerRow, ...]
    hidden: int


def layer_blocks(separations: tuple[LayerSeparation, ...]) -> tuple[LayerBlock, ...]:
    """One block for each game that has layers, at most 200 table rows each."""
    parts = ((game, tuple(s for s in separations if s.game == game)) for game in GAMES)
    return tuple(_block(game, part) for game, part in parts if part)


def layer_order(separations: tuple[LayerSeparation, ...]) -> tuple[str, ...]:
    """Layer names in the order in which they came: from the input to the embedding."""
    return tuple(dict.fromkeys(s.layer for s in separations))


def view_order(separations: tuple[LayerSeparation, ...]) -> tuple[str, ...]:
    """View names in the order in which they came."""
    return tuple(dict.fromkeys(s.view for s in separations))


def at(deciles: tuple[float, ...], share: float) -> float:
    """The distance below which `share` of a side lies; NaN where there are no deciles."""
    return deciles[round(share * (len(deciles) - 1))] if deciles else float("nan")


def _block(game: str, part: tuple[LayerSeparation, ...]) -> LayerBlock:
    number = {layer: i for i, layer in enumerate(layer_order(part), start=1)}
    rows = tuple(_row(s, number[s.layer]) for s in part[:MOST_ROWS])
    return LayerBlock(game, part[0].statistics, _sentence(part, len(number)), part, rows, len(part) - len(rows))


def _sentence(part: tuple[LayerSeparation, ...], layers: int) -> str:
    views = "; ".join(_view_sentence(view, [s for s in part if s.view == view]) for view in view_order(part))
    what = count(layers, "BatchNorm layer")
    if part[0].statistics == "estimated":
        what = f"{count(layers, 'convolution or linear map', 'convolutions and linear maps')}, estimated statistics"
    return f"Separation AUC over {what}, above 0.5 where members lie closer: {views}."


def _view_sentence(view: str, part: list[LayerSeparation]) -> str:
    closer, farther = (sum(side * (s.auc - 0.5) > 0 for s in part) for side in (1, -1))
    lowest, highest = min(part, key=lambda s: s.auc), max(part, key=lambda s: s.auc)
    middle = numbers.auc(median(s.auc for s in part))
    where = f"in the view {view} members lie closer than non-members in {closer:,} of {len(part):,} layers and farther"
    reach = f"from {numbers.auc(lowest.auc)} ({lowest.layer}) to {numbers.auc(highest.auc)} ({highest.layer})"
    return f"{where} in {farther:,}; {reach}, median {middle}"


def _row(s: LayerSeparation, number: int) -> LayerRow:
    members, nonmembers = (
        tuple(_written(side, share) for share in SHOWN_SHARES) for side in (s.member_deciles, s.nonmember_deciles)
    )
    return LayerRow(number, s.layer, f"{s.channels:,}", s.view, numbers.auc(s.auc), members, nonmembers)


def _written(deciles: tuple[float, ...], share: float) -> str:
    return numbers.distance(at(deciles, share)) if deciles else "not measured"
