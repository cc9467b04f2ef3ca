"""Cells of tables: a number with its interval, or the reason why there is none; those of controls."""

from dataclasses import dataclass
from typing import Literal

from bareface.records import numbers
from bareface.records.evidence import Control, Finding, Measurement
from bareface.vocabulary import CONTROLS

Kind = Literal["number", "unknown", "abstained", "failed", "skipped"]
NOT_RUN = "not run"


@dataclass(frozen=True)
class Cell:
    """What stands in one place of a table: a value and the lines below it.

    str() gives all of it in one line: `0.812 [0.790, 0.834]`, `not estimable, needs n ≥ 299 non-members`.
    `beside` is the distance to a control alone: `+0.120 [+0.080, +0.160]`.
    """

    value: str
    lines: tuple[str, ...] = ()
    kind: Kind = "number"
    beside: str = ""

    def __str__(self) -> str:
        separator = " " if self.kind == "number" else ", "
        return separator.join(filter(None, (self.value, " ".join(self.lines))))


def interval_lines(measured: Measurement | Control) -> tuple[str, ...]:
    """The interval below an AUC."""
    return (numbers.interval(measured.auc_interval),) if measured.auc_interval else ("no interval",)


def beside_foreign(control: Control) -> str:
    """How far a measurement lies above a control; empty where the control was not run."""
    return "" if control.status == "skipped" else f"Δ {control.kind} {' '.join(_difference_lines(control))}"


def control_cells(finding: Finding) -> tuple[Cell, ...]:
    """A cell for each kind of control."""
    by_kind: dict[str, Control] = {control.kind: control for control in finding.controls}
    return tuple(_control_cell(by_kind.get(kind)) for kind in CONTROLS)


def _control_cell(control: Control | None) -> Cell:
    if control is None:
        return Cell(NOT_RUN, (), "skipped")
    if control.status == "skipped" or control.auc is None:
        word = "skipped" if control.status == "skipped" else "not estimable"
        return Cell(word, (control.reason or "no reason given",), "skipped")
    beside = _difference_lines(control)
    return Cell(
        numbers.auc(control.auc), (*interval_lines(control), f"Δ {beside[0]}", *beside[1:]), beside=" ".join(beside)
    )


def _difference_lines(control: Control) -> tuple[str, ...]:
    if control.difference is None:
        return ("not estimable",)
    value = numbers.difference(control.difference)
    if control.difference_interval is None:
        return (value, "no interval")
    return (value, numbers.interval(control.difference_interval, numbers.difference))
