"""Everything a report says, as small frozen values; html and text only lay it out."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from bareface.records import numbers
from bareface.records.evidence import Evidence, Finding, Rejected, apart_from_head
from bareface.records.numbers import count
from bareface.report.balance import assignment_sentence, balance_sentences
from bareface.report.cards import KnowledgeCard, games_of, knowledge_cards
from bareface.report.exposures import ExposureBlock, exposure_blocks
from bareface.report.facts import Fact, digests, short_digest, target_facts
from bareface.report.hygiene import hygiene_sentences
from bareface.report.layers import LayerBlock, layer_blocks
from bareface.report.missing import NotAssessed, not_assessed
from bareface.report.planted import planted_sentences
from bareface.report.prose import BADGE_ORDER, VERDICT_BADGE, Badge, Plain, plain_words
from bareface.report.rows import FindingRow, finding_badge, finding_row, nominal_fprs, spoken_fpr
from bareface.report.selfcheck import selfcheck_pairs
from bareface.report.short import in_short
from bareface.vocabulary import ACCESS, CONTROLS, GAMES, KNOWLEDGE, Game, Knowledge

_SHOWN_NUMBERS = 8


@dataclass(frozen=True)
class Tally:
    """How many findings of one game got each verdict."""

    game: str
    badges: tuple[tuple[Badge, int], ...]


@dataclass(frozen=True)
class ControlNote:
    """What one kind of control is, and what stood in for it in this run."""

    kind: str
    meaning: str
    what: tuple[str, ...]


@dataclass(frozen=True)
class KnowledgeGroup:
    """The findings of one game with one prior knowledge."""

    knowledge: str
    meaning: str
    rows: tuple[FindingRow, ...]


@dataclass(frozen=True)
class GameBlock:
    """The findings of one game.

    spoken: the rate that stands in each line, as it is written; empty where none was asked for.
    groups: of the findings that count; ceiling: those with the head, which count nowhere.
    """

    game: str
    question: str
    balance: tuple[str, ...]
    decides: str
    fprs: tuple[str, ...]
    spoken: str
    groups: tuple[KnowledgeGroup, ...]
    ceiling: tuple[FindingRow, ...]

    @property
    def rows(self) -> tuple[FindingRow, ...]:
        """Every finding, those that count nowhere last."""
        return (*(row for group in self.groups for row in group.rows), *self.ceiling)


@dataclass(frozen=True)
class RejectRow:
    """Rejected images of one role that share a reason."""

    role: str
    reason: str
    images: int
    which: str


@dataclass(frozen=True)
class RoleRow:
    """How many people and images were brought in a role."""

    role: str
    people: str
    images: str
    rejected: str
    use: str


@dataclass(frozen=True)
class Page:
    """A whole report."""

    title: str
    subtitle: tuple[str, ...]
    badge: Badge
    short: tuple[str, ...]
    sentence: str
    assignment: str
    plain: Plain
    missing: tuple[NotAssessed, ...]
    planted: tuple[str, ...]
    tallies: tuple[Tally, ...]
    knowledge: tuple[tuple[str, str], ...]
    access: tuple[tuple[str, str], ...]
    cards: tuple[KnowledgeCard, ...]
    games: tuple[GameBlock, ...]
    controls: tuple[ControlNote, ...]
    layers: tuple[LayerBlock, ...]
    exposures: tuple[ExposureBlock, ...]
    digests: tuple[Fact, ...]
    target: tuple[Fact, ...]
    selfcheck: tuple[Fact, ...]
    foreign: tuple[Fact, ...]
    roles: tuple[RoleRow, ...]
    rejects: tuple[RejectRow, ...]
    hygiene: tuple[str, ...]
    notes: tuple[str, ...]
    limits: tuple[str, ...]
    command: str
    run: tuple[Fact, ...]
    packages: tuple[Fact, ...]
    files: tuple[Fact, ...]


def page(evidence: Evidence) -> Page:
    """The report on (cleaned) evidence. Everything that was asked for is on it."""
    e, counted = evidence, apart_from_head(evidence.findings)
    carrying = [finding for finding in counted if finding.verdict is e.verdict]
    return Page(
        title=e.title,
        subtitle=_subtitle(e),
        badge=VERDICT_BADGE[e.verdict],
        short=in_short(e),
        sentence=e.sentence,
        assignment=assignment_sentence(e.assignment),
        plain=plain_words(
            e.verdict, [f.cause for f in carrying], [g for g in GAMES if g in {f.game for f in carrying}]
        ),
        missing=not_assessed(e),
        planted=planted_sentences(e.planted),
        tallies=tuple(_tally(game, [f for f in counted if f.game == game]) for game, _ in games_of(e)),
        knowledge=tuple((name, KNOWLEDGE[name]) for name in _asked_knowledge(e)),
        access=tuple((name, meaning) for name, meaning in ACCESS.items() if name in {f.access for f in e.findings}),
        cards=knowledge_cards(e),
        games=tuple(
            _game(game, findings, counted, balance_sentences(game, e.balances)) for game, findings in games_of(e)
        ),
        controls=_control_notes(e.findings),
        layers=layer_blocks(e.layers),
        exposures=exposure_blocks(e.exposures, counted),
        digests=digests(e.target),
        target=target_facts(e.target),
        selfcheck=tuple(Fact(name, value) for name, value in selfcheck_pairs(e.selfcheck)),
        foreign=_foreign(e),
        roles=tuple(RoleRow(r.role, f"{r.people:,}", f"{r.images:,}", f"{r.rejected:,}", r.use) for r in e.roles),
        rejects=_rejects(e.rejects),
        hygiene=hygiene_sentences(e.hygiene),
        notes=e.notes,
        limits=e.limits,
        command=e.command,
        run=_run(e),
        packages=_facts(e.provenance.packages),
        files=_facts(e.provenance.files, code=True),
    )


def _subtitle(e: Evidence) -> tuple[str, ...]:
    brought = f"{count(sum(r.images for r in e.roles), 'image')} brought"
    return e.target.name, e.target.architecture, short_digest(e.target), brought, numbers.moment(e.provenance.started)


def _asked_knowledge(evidence: Evidence) -> list[Knowledge]:
    asked = {finding.knowledge for finding in evidence.findings}
    return [name for name in KNOWLEDGE if name in asked]


def _tally(game: str, findings: Iterable[Finding]) -> Tally:
    counted = Counter(map(finding_badge, findings))
    return Tally(game, tuple(sorted(counted.items(), key=lambda item: BADGE_ORDER.index(item[0].kind))))


def _game(
    game: Game, findings: tuple[Finding, ...], counted: tuple[Finding, ...], balance: tuple[str, ...]
) -> GameBlock:
    fprs = nominal_fprs(findings)
    inside = {id(finding) for finding in counted}
    rows = [(f.knowledge if id(f) in inside else None, finding_row(f, fprs)) for f in findings]
    groups = tuple(
        KnowledgeGroup(name, KNOWLEDGE[name], known)
        for name in KNOWLEDGE
        if (known := tuple(row for knowledge, row in rows if knowledge == name))
    )
    spoken = spoken_fpr(fprs)
    return GameBlock(
        game=game,
        question=GAMES[game].question,
        balance=balance,
        decides=GAMES[game].decides,
        fprs=tuple(map(numbers.nominal, fprs)),
        spoken="" if spoken is None else numbers.nominal(spoken),
        groups=groups,
        ceiling=tuple(row for knowledge, row in rows if knowledge is None),
    )


def _control_notes(findings: Iterable[Finding]) -> tuple[ControlNote, ...]:
    controls = [control for finding in findings for control in finding.controls]
    return tuple(
        ControlNote(kind, CONTROLS[kind], tuple(dict.fromkeys(c.what for c in controls if c.kind == kind and c.what)))
        for kind in CONTROLS
    )


def _foreign(e: Evidence) -> tuple[Fact, ...]:
    """The foreign backbone; how it is fed was checked where it was brought."""
    check = selfcheck_pairs(e.foreign_selfcheck) if e.foreign_selfcheck else ()
    return (*target_facts(e.foreign), *(Fact(name, value) for name, value in check)) if e.foreign else ()


def _rejects(rejects: tuple[Rejected, ...]) -> tuple[RejectRow, ...]:
    groups = Counter((r.role, r.reason) for r in rejects)
    return tuple(
        RejectRow(role, reason, images, _which([r.number for r in rejects if (r.role, r.reason) == (role, reason)]))
        for (role, reason), images in groups.most_common()
    )


def _which(image_numbers: list[int]) -> str:
    shown = ", ".join(map(str, image_numbers[:_SHOWN_NUMBERS]))
    more = len(image_numbers) - _SHOWN_NUMBERS
    return f"{shown} and {count(more, 'more', 'more')}" if more > 0 else shown


def _run(evidence: Evidence) -> tuple[Fact, ...]:
    p = evidence.provenance
    return (
        Fact("Seed", str(p.seed), code=True),
        Fact("bareface", p.bareface),
        Fact("Python", p.python),
        Fact("Platform", p.platform),
        Fact("Device", p.device),
        Fact("Threads", str(p.threads)),
        Fact("Started", numbers.moment(p.started)),
        Fact("Took", numbers.duration(p.seconds)),
        Fact("Roster SHA-256", p.roster_sha256, code=True),
        Fact("Configuration SHA-256", p.config_sha256, code=True),
        Fact("Evidence schema", evidence.schema_version),
    )


def _facts(table: dict[str, str], code: bool = False) -> tuple[Fact, ...]:
    return tuple(Fact(name, value, code) for name, value in table.items())
