"""MLflow: figures as metrics, words as tags, the page as an artefact.

What it receives:
Every figure as a metric, the verdict and what the target is as tags, `report.html` as an artefact; in the run that is
active, else in a new one that is called like the audit.

What it needs:
The package `mlflow`; where it sends to is its own setting, `MLFLOW_TRACKING_URI`.

Known limits:
A server that is not your own reads the page: it shows no faces, names or paths, but scores of people under pseudonyms.
"""

from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar

from bareface.tracking.tracker import Told, Tracker, client

LONGEST_TAG = 5000
"""Characters that MLflow keeps of a tag."""


@dataclass(frozen=True)
class Mlflow(Tracker):
    """MLflow, through its fluent interface."""

    name: ClassVar[str] = "mlflow"

    def check(self) -> None:
        """See whether the package is there."""
        self._client()

    def take(self, told: Told) -> None:
        """Log metrics, tags and the page."""
        mlflow = self._client()
        with nullcontext() if mlflow.active_run() else mlflow.start_run(run_name=told.title):
            mlflow.log_metrics(dict(told.figures))
            mlflow.set_tags({f"bareface.{name}": text[:LONGEST_TAG] for name, text in told.words.items()})
            mlflow.log_artifact(str(told.page))

    def _client(self) -> Any:
        return client(self.name, "mlflow", "mlflow")
