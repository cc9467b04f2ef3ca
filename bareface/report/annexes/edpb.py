"""The questions that Opinion 28/2024 of the European Data Protection Board raises about AI models, beside what was run.

The Opinion asks how likely personal data of the people behind a model can be extracted from it or obtained by queries,
and names the attacks against which a model should have been tested. The table says what this audit has to say to each,
and where it is silent. It claims nothing about the law.
"""

from collections.abc import Sequence

from bareface.records import numbers
from bareface.records.evidence import Evidence, Finding, apart_from_head
from bareface.records.numbers import count
from bareface.report.balance import assignment_sentence
from bareface.report.clean import cleaned
from bareface.report.facts import digests
from bareface.report.gate import escaped, row
from bareface.report.missing import INVERSION, not_assessed
from bareface.report.planted import NONE, planted_sentences
from bareface.report.short import REACHES, in_short, worth_telling
from bareface.vocabulary import ACCESS, GAMES, Access, Game, Verdict, of_game

_HEADS = ("question", "what was run", "result", "limit")
_FOREWORD = (
    "What was measured, beside questions that Opinion 28/2024 of the European Data Protection Board raises about AI "
    "models and personal data. It is no legal assessment: which means are reasonably likely to be used, and whether a "
    "likelihood is insignificant, is for the controller and the authority to judge."
)
_QUESTIONS: dict[Game, str] = {
    "record": "Membership inference: can it be told whether a given photo was used to develop the model?",
    "person": "Membership inference: can it be told, from other photos of a person, whether that person was in it?",
    "dataset": "Membership inference: do the photos of the development data stand out from those of other people?",
}
_NOT_RUN = "not run"
_OTHERS = (
    (
        f"{INVERSION}: reconstruction, model inversion?",
        "no inversion is part of this record; it is a run of its own (bareface invert)",
    ),
    ("Attribute inference: can traits of the people behind the model be inferred?", "this software has no such test"),
    (
        "Regurgitation or exfiltration of development data in answers?",
        "a backbone answers with embeddings, not with records; no such test was made",
    ),
)  # fmt: skip


def edpb_markdown(evidence: Evidence) -> str:
    """The table as Markdown."""
    clean = cleaned(evidence)
    findings = apart_from_head(clean.findings)
    rows = [
        *(_game(game, findings, clean) for game in GAMES),
        *(_access(access, findings) for access in ACCESS if access != "head"),
        *((question, _NOT_RUN, "-", why) for question, why in _OTHERS),
        _explained(clean),
        _strong(clean, findings),
        _documented(clean),
    ]
    lines = [row(*_HEADS), row(*["---"] * len(_HEADS)), *(row(*map(escaped, cells)) for cells in rows)]
    head = f"# Annex: {escaped(clean.title)}\n\n{_FOREWORD}\n\nVerdict of the audit: {clean.verdict.value}.\n"
    short = "\n".join(f"- {escaped(sentence)}" for sentence in in_short(clean))
    return "\n".join([head, short, "", *lines]) + "\n"


def _game(game: Game, findings: Sequence[Finding], evidence: Evidence) -> tuple[str, ...]:
    asked = [finding for finding in findings if finding.game == game]
    if not asked:
        why = next((one for one in not_assessed(evidence) if one.what.startswith(f"The {game} game")), None)
        return _QUESTIONS[game], _NOT_RUN, "-", why.why if why else "only attacks on the head were asked"
    done = [finding for finding in asked if finding.status == "done"]
    known = " and ".join(dict.fromkeys(finding.knowledge for finding in asked))
    ran = f"{count(len({one.label for one in done}), 'attack')} with {known} knowledge"
    return _QUESTIONS[game], ran, _result(done), _limit(done)


def _access(access: Access, findings: Sequence[Finding]) -> tuple[str, ...]:
    how = "by queries" if access == "answers" else "by whoever holds the model itself"
    question = f"Can it be done {how}: {REACHES[access]}?"
    done = [finding for finding in findings if finding.access == access and finding.status == "done"]
    if not done:
        return question, _NOT_RUN, "-", "no attack with this access could be run"
    return (
        question,
        f"{count(len({one.label for one in done}), 'attack')}: {ACCESS[access]}",
        _result(done),
        _limit(done),
    )


def _result(done: Sequence[Finding]) -> str:
    if not done:
        return "no attack could be run"
    verdict = of_game([finding.verdict for finding in done if finding.verdict])
    carrying = [finding for finding in done if finding.verdict is verdict]
    told = f"{verdict.value}: {len(carrying)} of {len(done)} findings"
    first = max(carrying, key=worth_telling, default=None)
    measured = first.rests_on if first else None
    if first is None or measured is None or measured.auc is None or measured.auc_interval is None:
        return told
    word = "most telling" if verdict is Verdict.LEAK_SHOWN else "farthest from guessing"
    reached = f"AUC {numbers.auc(measured.auc)} {numbers.interval(measured.auc_interval)}"
    return f"{told}; {word} {first.label}, {reached}"


def _limit(done: Sequence[Finding]) -> str:
    silent = [finding.visible for finding in done if finding.verdict is Verdict.NOT_SHOWN and finding.visible]
    if silent:
        size = numbers.auc(max(silent), "ROUND_CEILING")
        return f"leaks below an AUC of {size} may be there; other attacks may find more"
    return "these attacks, this prior knowledge and these people; other attacks may find more"


def _explained(evidence: Evidence) -> tuple[str, ...]:
    kinds = ", ".join(dict.fromkeys(c.kind for f in evidence.findings for c in f.controls if c.status == "done"))
    return (
        "Could something other than the model's memory explain the result?",
        f"controls beside every attack: {kinds or 'none could be run'}",
        assignment_sentence(evidence.assignment),
        "what no control sees looks like a leak, unless members were drawn by lot before training",
    )


def _strong(evidence: Evidence, findings: Sequence[Finding]) -> tuple[str, ...]:
    planted = " ".join(planted_sentences(evidence.planted)) or NONE
    seen = [finding.visible for finding in findings if finding.visible is not None]
    size = f"smallest visible AUC from {numbers.auc(min(seen))} to {numbers.auc(max(seen))}" if seen else "unknown"
    return (
        "Were the tests able to find what they look for?", f"power of every finding: {size}", planted,
        "power holds for these people and these attacks",
    )  # fmt: skip


def _documented(evidence: Evidence) -> tuple[str, ...]:
    named = "; ".join(f"{fact.name}: {fact.value}" for fact in digests(evidence.target))
    when, p = numbers.moment(evidence.provenance.started), evidence.provenance
    return (
        "Is it documented which model was tested, how and when?",
        f"bareface {p.bareface}, {when}, seed {p.seed}",
        f"{named}; people and roles SHA-256: {p.roster_sha256}",
        "membership is as the roster states it",
    )
