"""The figures of a report, as inline SVG.

Imports matplotlib; import this package only where a figure is drawn.
"""

from bareface.report.plots.forest import forest
from bareface.report.plots.ranks import ranks
from bareface.report.plots.roc import curves, roc
from bareface.report.plots.separation import separation

__all__ = ["curves", "forest", "ranks", "roc", "separation"]
