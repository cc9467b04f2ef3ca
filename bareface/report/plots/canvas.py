"""A matplotlib figure as inline SVG: text stays text, colours come from the page, bytes are reproducible."""

import io
import re
from collections.abc import Callable
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from bareface.records.numbers import nominal

Floats = NDArray[np.float64]
Style = dict[str, Any]

WIDTH = 1124
DASHES = (0, (4, 3))
MARKERS = "osD^vP*X"
RATE = FuncFormatter(lambda value, _: nominal(round(value, 9)))

# Stand-ins that are swapped for the page's colours after drawing.
INK, FAINT, PAPER = "#010101", "#010102", "#010103"
MEMBER, NONMEMBER = "#010104", "#010105"
SERIES = tuple(f"#0102{i:02x}" for i in range(8))
_PAINT = {
    INK: "currentColor",
    FAINT: "var(--faint)",
    PAPER: "var(--paper)",
    MEMBER: "var(--member)",
    NONMEMBER: "var(--nonmember)",
    **{color: f"var(--series-{i})" for i, color in enumerate(SERIES)},
}

_STYLE = {
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",  # ships with matplotlib, so that text is measured alike everywhere
    "font.size": 12.0,
    "text.parse_math": False,  # a "$" in a name is a "$"
    "axes.unicode_minus": False,
    "figure.dpi": 72.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 12.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 12.0,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    **dict.fromkeys(("axes.edgecolor", "xtick.color", "ytick.color", "grid.color"), FAINT),
    **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor"), INK),
}

# Name spaces, rules and ids that would meet those of the page and of other figures, what the page says anyway; and
# nothing reaches beyond its axes.
_SUPERFLUOUS = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r' xmlns(:\w+)?="[^"]*"| version="[^"]*"',
        r"<style.*?</style>|<clipPath.*?</clipPath>|<!--.*?-->",
        r' clip-path="[^"]*"',
        r'(?<=<g) id="[^"]*"',
        r"font-family: 'DejaVu Sans'; | transform=\"rotate\(-0 [^\"]*\"",
        r"\s*<defs>\s*</defs>|(?<=\n)[ \n]+",
        r"<g/>\n",
    )
)
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_LONGEST_LABEL = 26


def svg(draw: Callable[[Figure], None], width: float, height: float, salt: str) -> str:
    """What `draw` puts on a figure of width x height CSS pixels, as an `<svg>` element.

    `salt` keeps the ids of several figures on one page apart. Equal figures give equal bytes.
    """
    buffer = io.StringIO()
    with matplotlib.style.context(["default", {**_STYLE, "svg.hashsalt": salt}]):
        figure = Figure(figsize=(width / 72, height / 72), layout="constrained")
        draw(figure)
        figure.savefig(buffer, format="svg", metadata=_NO_METADATA)
    return _for_a_page(buffer.getvalue(), width)


def label(text: str) -> str:
    """A name short enough for a figure, in characters that its font certainly has."""
    plain = text.encode("ascii", "replace").decode()
    return plain if len(plain) <= _LONGEST_LABEL else plain[: _LONGEST_LABEL - 3] + "..."


def quiet(axes: Axes, *, grid: str) -> None:
    """Take away what the eye does not need: tick marks; leave faint grid lines along `grid`."""
    axes.minorticks_off()
    axes.tick_params(length=0)
    axes.grid(axis=grid, zorder=0)  # type: ignore[arg-type]
    axes.set_axisbelow(True)


def bars(axes: Axes, x: Floats, low: Floats, high: Floats, color: str, width: float) -> None:
    """Vertical lines from `low` to `high`, as one path."""
    gap = np.full(len(x), np.nan)
    xs, ys = np.column_stack([x, x, gap]).ravel(), np.column_stack([low, high, gap]).ravel()
    axes.plot(xs, ys, color=color, linewidth=width, solid_capstyle="butt")


def _for_a_page(drawn: str, width: float) -> str:
    element = drawn[drawn.index("<svg") :].strip()
    size = f' style="min-width: {0.8 * width:.0f}px; max-width: {width:.0f}px"'
    element = re.sub(r' width="[\d.]+pt" height="[\d.]+pt"', size, element, count=1)
    for superfluous in _SUPERFLUOUS:
        element = superfluous.sub("", element)
    element = re.sub(r' (d|x|y)="[^"]*"', lambda found: re.sub(r"(\.\d)\d+", r"\1", found[0]), element)
    element = re.sub(r"(L [\d. ]+\n)\1+", r"\1", element)  # points that fall together at this precision
    for stand_in, color in _PAINT.items():
        element = element.replace(stand_in, color)
    return element.replace("xlink:href", "href")
