"""`bareface invert`: from a finished audit to reconstructions that were measured."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bareface.auditing.config_file import AUDIT_FILE, read_config
from bareface.auditing.inversion.conduct import FOLDER, Inversion, Inverted, conduct_inversion
from bareface.auditing.inversion.generators import open_generator
from bareface.auditing.inversion.judges import Judge, open_judge
from bareface.auditing.inversion.settings import InversionSettings
from bareface.auditing.inversion.sheet import write_sheet
from bareface.auditing.plugins import OF_INVERSIONS
from bareface.cli.answering import target_of
from bareface.cli.auditing import people, read_folder_or_manifest
from bareface.cli.gating import CODES
from bareface.cli.listing import say_unavailable
from bareface.cli.manners import Stages, aside, out
from bareface.cli.reporting import write_inversion_page
from bareface.errors import ExitCode, UsageError
from bareface.inversion.generator import Generator
from bareface.records.inversion import Arm, InversionRecord
from bareface.rosters.roster import Roster
from bareface.stats.gate import BY_VERDICT
from bareface.untrusted.regular import is_file
from bareface.untrusted.yaml_text import read_yaml


@dataclass(frozen=True)
class InversionInputs:
    """What the user named on the command line.

    Attributes:
        target: a checkpoint, a folder, or package.module:factory; None = what the run's own configuration names.
        judges: likewise, each perhaps as `path=whose faces it knows`.
        roster: the manifest of the audit; None = the people that the run's own configuration names.
        generator: see `open_generator`.
        size: side of rendered faces; None = the target's.
        declared: key=value words about a factory's network.
        show_faces: whether to write the contact sheet.
        home: folder of the inversion; None = `inversion/` in the audit's.
        links: whether symbolic links may lead out of the roster's folder.
    """

    target: str | None
    roster: Path | None
    generator: str
    judges: tuple[str, ...]
    size: int | None = None
    declared: tuple[str, ...] = field(default=())
    show_faces: bool = False
    home: Path | None = None
    links: bool = False


def run_inversion(run: Path, named: InversionInputs, asked: dict[str, Any], *, fresh: bool, command: str) -> ExitCode:
    """Invert an audited target, print what came out, write its page; returns what a gate on it would say."""
    say_unavailable(*OF_INVERSIONS)
    terms, target = InversionSettings(**asked), target_of(run, named.target, None, "cpu")
    generator, source = _generator(run, named, target.spec.height)
    brought = Inverted(
        target,
        _people(run, named),
        generator,
        tuple(_judges(named.judges)),
        source,
        command,
    )
    with Stages() as stages:
        home = named.home or run / FOLDER
        inversion = conduct_inversion(brought, terms, run, home=home, fresh=fresh, progress=stages)
    out(summary(inversion.record))
    aside(written(inversion, home, show_faces=named.show_faces))
    return CODES[BY_VERDICT[inversion.record.verdict]]


def _people(run: Path, named: InversionInputs) -> Roster:
    """Everybody of the audit, from the manifest that was named or as the run's own configuration says.

    Raises:
        UsageError: nobody named one, and the run keeps no configuration, as those asked from Python.
    """
    if named.roster is not None:
        return read_folder_or_manifest(named.roster, named.links)
    if not is_file(run / AUDIT_FILE):
        expected = "the people of the audit"
        raise UsageError(str(run), got="a run that does not say where they are", expected=expected, hint="--roster")
    return people(read_config(run / AUDIT_FILE, allow_code=True), named.links)


def written(inversion: Inversion, home: Path, *, show_faces: bool) -> str:
    """Write the page, and the contact sheet if faces were asked for; returns where they are."""
    lines = [f"report: {write_inversion_page(home)}"]
    if show_faces:
        lines.append(f"faces, for your eyes only: {write_sheet(inversion, home)}")
    return "\n".join(lines)


def summary(record: InversionRecord) -> str:
    """The verdict, and a line for each arm."""
    arms = [_line(arm) for arm in record.arms if arm.status == "done"]
    return "\n".join([f"{record.verdict.value}, {record.reading}", record.sentence, "", *arms])


def _line(arm: Arm) -> str:
    rates = ", ".join(f"{j.win_rate.rate:.2f} ({j.judge})" for j in arm.judgements)
    score = "" if arm.score is None else f", score {arm.score:.3g}"
    return f"{arm.arm:10} win rate {rates}{score}"


def _generator(run: Path, named: InversionInputs, size: int) -> tuple[Generator, str]:
    return open_generator(
        named.generator, size=named.size or size, kept=run / "generators", declared=_declared(named.declared)
    )


def _judges(words: Sequence[str]) -> list[Judge]:
    """Judges by name or path; two whose checkpoints have one name are told apart by their place."""
    judges = [open_judge(path, about) for path, _, about in (word.partition("=") for word in words)]
    names = [judge.name for judge in judges]
    return [
        replace(judge, target=replace(judge.target, name=f"{judge.name} {number}"))
        if names.count(judge.name) > 1
        else judge
        for number, judge in enumerate(judges, start=1)
    ]


def _declared(words: Sequence[str]) -> dict[str, Any]:
    """`key=value` words as values.

    Raises:
        UsageError: a word is no such pair, or names nothing that can be declared.
    """
    known = ("z_dim", "size", "value_range", "channels", "z_is_map", "alignment", "licence")
    made: dict[str, Any] = {}
    for word in words:
        name, _, text = word.partition("=")
        if name not in known or not text:
            raise UsageError("--declare", got=repr(word), expected=f"KEY=VALUE with one of {', '.join(known)}")
        low, comma, high = text.partition(",")
        made[name] = (float(low), float(high)) if comma else read_yaml(text, f"--declare {name}")
    return made
