"""`bareface gate`, and the same at the end of `bareface audit`: what a policy makes of a finished audit."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bareface.cli.manners import AsJson, aside, manners, out
from bareface.errors import ExitCode

if TYPE_CHECKING:  # `bareface --help` waits for nothing
    from bareface.records.gate import Outcome
    from bareface.settings.policy import Policy

FailIf = Annotated[
    list[str] | None,
    typer.Option(help="Exit with 1 where it holds: leak, person.auc > .7, 'tpr@fpr=.01 > .05'; repeat it."),
]
RequireVisible = Annotated[
    float | None, typer.Option(help="Exit with 3 where an attack could not have shown an AUC as small as this.")
]
PolicyFile = Annotated[
    Path | None, typer.Option("--policy", help="A YAML file with fail_if and require_visible; see docs/gate.md.")
]
Junit = Annotated[Path | None, typer.Option(help="Where the gate goes as JUnit XML.")]
Summary = Annotated[Path | None, typer.Option(help="Where the gate goes as Markdown, for the page of a pipeline.")]

CODES: "dict[Outcome, ExitCode]" = {
    "passed": ExitCode.DONE,
    "failed": ExitCode.GATE_FAILED,
    "inconclusive": ExitCode.INCONCLUSIVE,
}


@dataclass(frozen=True)
class Gating:
    """A gate that was asked for on a command line.

    Attributes:
        policy: its rules.
        junit, summary: where it goes besides, as JUnit XML and as Markdown.
    """

    policy: "Policy"
    junit: Path | None = None
    summary: Path | None = None


def gating_of(
    policy: Path | None, rules: list[str], visible: float | None, junit: Path | None, summary: Path | None, where: str
) -> Gating | None:
    """The gate that options ask for; None where they ask for none.

    Raises:
        UsageError: a rule or the policy is off.
        RunError: what lies at `junit` or `summary` is no file.
    """
    from bareface.settings.policy import policy_of
    from bareface.storage.files import refuse_unwritable

    if not rules and all(one is None for one in (policy, visible, junit, summary)):
        return None
    for path in (junit, summary):
        if path is not None:
            refuse_unwritable(path)
    return Gating(policy_of(policy, rules, visible, where), junit, summary)


def gate(
    run: Annotated[Path, typer.Argument(help="Folder of a finished audit.")],
    fail_if: FailIf = None,
    require_visible: RequireVisible = None,
    policy: PolicyFile = None,
    junit: Junit = None,
    summary: Summary = None,
    json: AsJson = False,
) -> None:
    """Judge a finished audit by rules: exit 0 passed, 1 failed, 3 could not be decided; needs no torch."""
    with manners(run):
        from bareface.settings.policy import Policy

        asked = gating_of(policy, fail_if or [], require_visible, junit, summary, "bareface gate")
        ended = run_gate(run, asked or Gating(Policy()), json=json)
    if ended:
        raise typer.Exit(ended)


def run_gate(run: Path, asked: Gating, *, json: bool = False) -> ExitCode:
    """Judge a finished audit, say so, write what a pipeline shows; returns how the command is to end.

    Raises:
        RunError: the folder holds no finished audit, or something cannot be written.
    """
    from bareface.auditing.gating import gate as judged
    from bareface.report.gate import gate_junit, gate_markdown, gate_text
    from bareface.storage.files import write_text

    record = judged(run, asked.policy)
    for path, written in ((asked.junit, gate_junit), (asked.summary, gate_markdown)):
        if path is not None:
            write_text(path, written(record))
            aside(f"gate: {path}")
    out(record.model_dump_json(indent=1) if json else gate_text(record))
    return CODES[record.outcome]
