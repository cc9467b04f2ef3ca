"""Tables and figure of `benchmarks.growth.study`."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bareface.bench.summary import Mean, pooled
from bareface.records.evidence import Interval
from bareface.storage.files import atomic_path
from benchmarks.growth.study import Grown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GAMES = (("dataset", "image"), ("dataset", "person"), ("person", "person"))
ROWS = {
    ("dataset", "image"): "training photos\nAUC per image",
    ("person", "person"): "unseen photos of members\nAUC per person",
}
FIRST = "bn-distance"
LEARNED = 0.5
STAR = "* training accuracy below one half: such a point says nothing about its axis"
COLOURS = ("#c1121f", "#e59a9f", "#8a8d91", "#2f6f4f", "#1f6fb4", "#7fb2dd", "#222222")
MARKERS = "osv^DPx"

Value = tuple[float, Interval]


@dataclass(frozen=True)
class Axis:
    """One thing that was changed.

    Attributes:
        name: of it.
        points: what came of every value, one of each seed; none = not there yet.
    """

    name: str
    points: dict[str, list[Grown]]

    @property
    def done(self) -> dict[str, list[Grown]]:
        """The values that have been computed; a star says that training did not get far: nothing to remember."""
        return {f"{value}{'*' * unlearned(grown)}": grown for value, grown in self.points.items() if grown}


def unlearned(grown: Sequence[Grown]) -> bool:
    """Whether less than half of the training images were classified rightly in the last epoch."""
    return mean(one.accuracy for one in grown) < LEARNED


def tables(axes: Sequence[Axis], attacks: Sequence[str]) -> str:
    """A table of how leakage grows, and one of recency."""
    return "\n\n".join(["\n".join(_growth(axes, attacks)), STAR, "\n".join(_recency(axes, attacks))])


def _growth(axes: Sequence[Axis], attacks: Sequence[str]) -> Iterator[str]:
    yield _line("axis", "value", "training accuracy", "verification AUC", "game", "AUC per", *attacks)
    yield "|" + "---|" * (6 + len(attacks))
    for axis in axes:
        for value, grown in axis.done.items():
            accuracy, verification = (mean(getattr(g, n) for g in grown) for n in ("accuracy", "verification"))
            told = f"{accuracy:.3f}", f"{verification:.3f}"
            for game, unit in GAMES:
                cells = (_cell(over_seeds(grown, reading(attack, game, unit))) for attack in attacks)
                yield _line(axis.name, value, *told, game, unit, *cells)


def _recency(axes: Sequence[Axis], attacks: Sequence[str]) -> Iterator[str]:
    yield _line("axis", "value", "last epoch", *attacks)
    yield "|" + "---|" * (3 + len(attacks))
    for axis in axes:
        for value, grown in axis.done.items():
            for what, name in (("correlation", "correlation"), ("auc", "AUC, last tenth against first")):
                cells = (_cell(over_seeds(grown, recent(attack, what))) for attack in attacks)
                yield _line(axis.name, value, name, *cells)


def reading(attack: str, game: str, unit: str) -> Callable[[Grown], Value | None]:
    """Reads the AUC of an attack in a game."""

    def read(grown: Grown) -> Value | None:
        found = next(r for r in grown.readings if (r.attack, r.game, r.unit) == (attack, game, unit))
        return None if found.auc is None or found.interval is None else (found.auc, found.interval)

    return read


def recent(attack: str, what: str) -> Callable[[Grown], Value | None]:
    """Reads the correlation of an attack's scores with the order of the last epoch, or the AUC of its ends."""

    def read(grown: Grown) -> Value | None:
        found = next(r for r in grown.recency if r.attack == attack)
        value, interval = getattr(found, what), getattr(found, f"{what}_interval")
        return None if value is None or interval is None else (value, interval)

    return read


def over_seeds(grown: Sequence[Grown], read: Callable[[Grown], Value | None]) -> Mean | None:
    """The mean of what is known; None where nothing is."""
    known = [value for value in map(read, grown) if value is not None]
    if len(known) == 1:
        [(value, interval)] = known
        return Mean(value, interval.low, interval.high, 1)
    return pooled(known) if known else None


def mean(values: Iterable[float]) -> float:
    """The mean."""
    listed = list(values)
    return sum(listed) / len(listed)


def write_figure(axes: Sequence[Axis], attacks: Sequence[str], path: Path) -> None:
    """Write the small multiples: a column for each axis, a row for each game, and one for what was learned."""
    import matplotlib.style
    from matplotlib.figure import Figure

    drawn = [axis for axis in axes if axis.done]
    style = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
    with matplotlib.style.context(["default", style]), atomic_path(path) as temporary:
        figure = Figure(figsize=(max(12, 1.2 + 2.3 * len(drawn)), 7.4), layout="constrained")
        grid = figure.subplots(len(ROWS) + 1, max(1, len(drawn)), squeeze=False, sharey="row")
        for column, axis in zip(grid.T, drawn, strict=False):
            column[0].set_title(axis.name, fontsize=10)
            for panel, (game, unit) in zip(column, ROWS, strict=False):
                _leaks(panel, axis, attacks, game, unit)
            _learned(column[-1], axis)
        for panel, title in zip(grid[:, 0], [*ROWS.values(), "what was learned"], strict=True):
            panel.set_ylabel(title)
        figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=7, frameon=False)
        learned = grid[-1, 0].get_legend_handles_labels()
        figure.legend(*learned, loc="outside lower center", ncols=2, frameon=False, title=STAR)
        figure.savefig(temporary, format="png", dpi=130)


def _leaks(panel: "Axes", axis: Axis, attacks: Sequence[str], game: str, unit: str) -> None:
    for attack, colour, marker in reversed(list(zip(attacks, COLOURS, MARKERS, strict=False))):
        read = reading(attack, game, unit)
        known = [(x, m) for x, grown in enumerate(axis.done.values()) if (m := over_seeds(grown, read))]
        x, y = [x for x, _ in known], [m.value for _, m in known]
        bars = [[m.value - m.low for _, m in known], [m.high - m.value for _, m in known]]
        width, size = (2.4, 6) if attack == FIRST else (1.0, 4)
        panel.errorbar(
            x, y, yerr=bars, color=colour, marker=marker, linewidth=width, markersize=size, elinewidth=0.6, label=attack
        )
    panel.axhline(0.5, color="#bbbbbb", linewidth=0.8, zorder=0)
    _values(panel, axis)


def _learned(panel: "Axes", axis: Axis) -> None:
    for name, label, dashes in (("accuracy", "training accuracy", "-"), ("verification", "verification AUC", "--")):
        values = [mean(getattr(g, name) for g in grown) for grown in axis.done.values()]
        panel.plot(values, dashes, color="#444444", marker=".", label=label)
    _values(panel, axis)


def _values(panel: "Axes", axis: Axis) -> None:
    names = [value.replace("+", "\n+") for value in axis.done]
    panel.set_xticks(range(len(names)), names, fontsize=8)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(found: Mean | None) -> str:
    return "-" if found is None else f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"
