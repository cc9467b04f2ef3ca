"""TensorBoard: figures as scalars, words as a table, the page beside the event file.

What it receives:
Every figure as a scalar at step 0, the verdict and what the target is as a text, and a copy of `report.html` in the
folder of the event file, since TensorBoard keeps no files.

What it needs:
The package `tensorboard`; torch writes the events.

Known limits:
Scalars of one step are points, not curves; audits are compared as runs, one folder each.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from bareface.tracking.tracker import Told, Tracker, client


@dataclass(frozen=True)
class TensorBoard(Tracker):
    """TensorBoard, through torch's writer.

    Attributes:
        folder: of the event file; empty = `tensorboard` beside the page.
    """

    name: ClassVar[str] = "tensorboard"
    folder: str = ""

    def check(self) -> None:
        """See whether the package is there."""
        self._client()

    def take(self, told: Told) -> None:
        """Write scalars and texts, and copy the page."""
        folder = Path(self.folder) if self.folder else told.page.parent / "tensorboard"
        writer = self._client().SummaryWriter(log_dir=str(folder))
        try:
            for name, value in told.figures.items():
                writer.add_scalar(name, value, 0)
            rows = "".join(f"| {name} | {_cell(text)} |\n" for name, text in told.words.items())
            writer.add_text("audit", f"| | {_cell(told.title)} |\n|---|---|\n{rows}", 0)
        finally:
            writer.close()
        shutil.copy(told.page, folder / told.page.name)

    def _client(self) -> Any:
        return client(self.name, "torch.utils.tensorboard", "tensorboard")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
