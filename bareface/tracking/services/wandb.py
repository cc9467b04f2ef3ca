"""Weights & Biases: figures in the summary, words in the configuration, the page as an artefact.

What it receives:
Every figure in the summary of the run, the verdict and what the target is in its configuration, `report.html` as an
artefact of the type `report`; in the run that is open, else in a new one that is called like the audit and is closed
afterwards.

What it needs:
The package `wandb`; project, account and mode are its own settings (`WANDB_PROJECT`, `WANDB_MODE=offline`).

Known limits:
Unless it is offline, a server that is not your own reads the page: it shows no faces, names or paths, but scores of
people under pseudonyms.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from bareface.tracking.tracker import Told, Tracker, client


@dataclass(frozen=True)
class Wandb(Tracker):
    """Weights & Biases."""

    name: ClassVar[str] = "wandb"

    def check(self) -> None:
        """See whether the package is there."""
        self._client()

    def take(self, told: Told) -> None:
        """Fill summary and configuration, and log the page."""
        wandb = self._client()
        open_before = wandb.run
        run = open_before or wandb.init(name=told.title, job_type="audit")
        try:
            run.summary.update(dict(told.figures))
            run.config.update({"bareface": dict(told.words)}, allow_val_change=True)
            page = wandb.Artifact("bareface-report", type="report")
            page.add_file(str(told.page))
            run.log_artifact(page)
        finally:
            if not open_before:
                run.finish()

    def _client(self) -> Any:
        return client(self.name, "wandb", "wandb")
