"""`bareface audit`: from files and options to a finished run."""

from collections.abc import Sequence
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bareface.auditing.config_file import AUDIT_FILE, make_config, plain_from_anywhere, read_config, write_config
from bareface.auditing.finished import answers_also, call_of, looks, read_finished
from bareface.auditing.lots import seal_beside
from bareface.auditing.question import asked_before, together
from bareface.auditing.run_folder import read_settings
from bareface.auditing.settings import AuditConfig
from bareface.cli.gating import Gating, run_gate
from bareface.cli.listing import say_unavailable
from bareface.cli.manners import Stages, aside, coloured, columns, out
from bareface.errors import ExitCode, UsageError
from bareface.faces.packs.pack import is_pack
from bareface.faces.people import read_people
from bareface.records.evidence import REPORT_FILE, RESULT_FILE, Evidence
from bareface.registry import offers_from_outside
from bareface.rosters.assignment import Seal, read_seal, seal_path
from bareface.rosters.roles import refuse_shadows_of_nobody, refuse_unused_roles
from bareface.rosters.roster import Roster, join, read_manifest
from bareface.rosters.sampling import drawn, usual_sample
from bareface.storage.files import write_text
from bareface.tracking import give, trackers_named
from bareface.untrusted.code import names_code
from bareface.untrusted.regular import is_file, is_folder, is_there
from bareface.vocabulary import Role

if TYPE_CHECKING:
    from bareface.auditing.audit import AuditInputs
    from bareface.targets.kinds import Auditable  # brings torch, which a finished run answers without

FOLDERS = {
    "members": Role.MEMBER,
    "heldout": Role.HELDOUT,
    "nonmembers": Role.OUTSIDE,
    "auxiliary": Role.AUXILIARY,
    "public": Role.PUBLIC,
}


@dataclass(frozen=True)
class Allowed:
    """What whoever types the command allows: code in the file, links that leave a folder, roles that nothing uses."""

    code: bool = False
    links: bool = False
    roles: bool = False


def run_audit(
    config: Path | None,
    options: dict[str, Any],
    run: Path,
    *,
    fresh: bool,
    command: str,
    allowed: Allowed,
    gating: Gating | None = None,
    cache: Path | None = None,
    track: Sequence[str] = (),
) -> ExitCode:
    """Run an audit, print it, write its page, give it to trackers and judge it if that was asked for.

    Returns:
        How the command is to end.
    """
    trackers = trackers_named(track)
    settings = read_config(config, options, allow_code=allowed.code) if config else _from_options(options)
    if not is_file(run / RESULT_FILE):  # a finished run may be answered at once, without torch
        _say_unavailable()
    roster = people(settings, allowed.links)
    if not allowed.roles:
        refuse_unused_roles(roster, str(settings.roster or "the folders"))
    if settings.shadow is not None:
        refuse_shadows_of_nobody(roster)
    evidence = audited(settings, roster, run, fresh=fresh, command=command, cache=cache)
    out(text_of(evidence))
    aside(f"report: {run / REPORT_FILE}")
    give(evidence, run / REPORT_FILE, trackers)
    return run_gate(run, gating) if gating else ExitCode.DONE


def audited(
    config: AuditConfig, roster: Roster, run: Path, *, fresh: bool, command: str, cache: Path | None
) -> Evidence:
    """The evidence of what a configuration says; at once where the run is finished and nothing has changed."""
    asked = drawn(roster, usual_sample(roster, config.sample), config.seed).roster
    call, files = (
        call_of(_numbers_of(config), config.attacks),
        looks([*_models(config), *_people(config), *asked.paths]),
    )
    pages = (run / REPORT_FILE, run / AUDIT_FILE)
    can_tell = not any(names_code(name) for name in _named_models(config))
    if not fresh and can_tell and all(map(is_file, pages)) and (found := read_finished(run, call, files)):
        return found
    if is_file(run / RESULT_FILE):
        _say_unavailable()
    evidence = audit_configured(config, roster, run, fresh=fresh, command=command, cache=cache)
    answers_also(run, call, files)
    return evidence


def audit_configured(
    config: AuditConfig, roster: Roster, run: Path, *, fresh: bool, command: str, cache: Path | None = None
) -> Evidence:
    """Audit what a configuration says and write the page beside the evidence."""
    from bareface.auditing.audit import conduct
    from bareface.shards.choice import chosen

    brought = brought_by(config, roster, command)
    with chosen(config.executor, config.workers) as executor, Stages() as stages:
        evidence = conduct(brought, config, run, fresh=fresh, progress=stages, cache=cache, executor=executor)
    write_config(together(config, asked_before(run, read_settings(run)), run), run / AUDIT_FILE)
    write_text(run / REPORT_FILE, page_of(evidence), parents=False)
    return evidence


def page_of(evidence: Evidence) -> str:
    """The report as a page."""
    from bareface.report.html import render_html  # a mistake in a call does not wait for it

    return render_html(evidence)


def text_of(evidence: Evidence) -> str:
    """The report for this terminal."""
    from bareface.report.text import render_text

    return coloured(render_text(evidence, columns()), evidence.verdict)


def brought_by(config: AuditConfig, roster: Roster, command: str = "") -> "AuditInputs":
    """The models that a configuration names, loaded, with the people."""
    from bareface.auditing.audit import AuditInputs

    target = load(config.model, config)
    foreign = load(config.foreign, config) if config.foreign else None
    audited = target.without_head() if config.ignore_head else target
    others = tuple(load(reference, config) for reference in config.references)
    recogniser = load(config.recogniser, config) if config.recogniser else None
    return AuditInputs(audited, roster, foreign, command, others, recogniser, seal=seal_of(config))


def seal_of(config: AuditConfig) -> Seal | None:
    """The seal that a configuration names, or the one beside its roster."""
    if config.seal is not None:
        return read_seal(config.seal)
    return seal_beside(config.roster) if config.roster is not None else None


def load(reference: str, config: AuditConfig) -> "Auditable":
    """The target behind a path, a factory name or an address; a torch backbone on the device that is asked for."""
    from bareface.targets.device import device_of
    from bareface.targets.kinds import called_by_content, load_any
    from bareface.targets.target import Target

    found = called_by_content(load_any(reference, spec=config.spec, rate_limit=config.endpoint), reference)
    return found.on(device_of(config.device)) if isinstance(found, Target) else found


def people(config: AuditConfig, links: bool = False) -> Roster:
    """The roster that a configuration names, as one manifest or as folders; links may lead out of them if allowed."""
    if config.roster is not None:
        return read_folder_or_manifest(config.roster, links)
    folders = {role: getattr(config, field) for field, role in FOLDERS.items()}
    return join(*(read_people(folder, role, links=links) for role, folder in folders.items() if folder is not None))


def read_folder_or_manifest(path: Path, links: bool = False) -> Roster:
    """A manifest; a folder or a pack has no roles, so it is refused with advice."""
    if is_folder(path) or is_pack(path):
        what = "a pack" if is_pack(path) else "a folder"
        raise UsageError(
            str(path),
            got=f"{what} as roster",
            expected="a CSV or Parquet manifest with the columns image, subject, role",
            hint=f"--members {what.split()[1].upper()} --nonmembers {what.split()[1].upper()}",
        )
    return read_manifest(path, links=links)


def _say_unavailable() -> None:
    if not offers_from_outside():
        return
    from bareface.auditing.plugins import OF_AUDITS  # brings torch

    say_unavailable(*OF_AUDITS)


def _numbers_of(config: AuditConfig) -> dict[str, Any]:
    """What a configuration says, less who does the work, which changes no number."""
    return {key: value for key, value in plain_from_anywhere(config).items() if key not in ("workers", "executor")}


def _named_models(config: AuditConfig) -> list[str]:
    return [name for name in (config.model, config.foreign, config.recogniser, *config.references) if name is not None]


def _models(config: AuditConfig) -> list[Path]:
    """The files of models, and those beside them that are called alike: weights of a graph, names of a table."""
    found = []
    for name in _named_models(config):
        path = next((p for p in (Path(name), Path(name.rpartition("#")[0] or name)) if is_there(p)), Path(name))
        found += sorted(path.parent.glob(f"{escape(path.stem)}*")) if is_file(path) else [path]
    return found


def _people(config: AuditConfig) -> list[Path]:
    """The files that say who is on which image in which role."""
    seal = config.seal or (seal_path(config.roster) if config.roster else None)
    return [path for path in (config.roster, seal) if path is not None]


def _from_options(options: dict[str, Any]) -> AuditConfig:
    if "model" not in options:
        raise UsageError(
            "bareface audit", got="no model", expected="--model or a YAML configuration", hint="bareface audit --help"
        )
    return make_config({key: str(v) if isinstance(v, Path) else v for key, v in options.items()}, "bareface audit")
