"""Attacks as rows of one Markdown table: means over targets, controls, false alarms, costs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bareface import vocabulary
from bareface.auditing.settings import make_attack
from bareface.records.evidence import Control, Evidence, Finding, Measurement
from bareface.storage.files import write_text
from bareface.trace import HEAD_CHANNELS
from bareface.vocabulary import Knowledge
from benchmarks.tables import ORDER

KNOWLEDGE: tuple[Knowledge, ...] = tuple(vocabulary.KNOWLEDGE)
HEADING = (
    "| game | knowledge | attack | AUC image | AUC person | TPR at 10 % FPR | TPR at 1 % FPR | over blind | blind "
    "| foreign | false alarms | passes |\n|---|---|---|---|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True)
class Row:
    """One attack in one setting, over the targets, and what it costs for each photo."""

    findings: tuple[Finding, ...]
    passes: float | None

    @property
    def auc(self) -> float:
        """Mean AUC in the unit that decides: people in the person game, images elsewhere; -1 = nothing said."""
        person = self.findings[0].game == "person"
        known = [one.auc for one in self._measured(person=person) if one.auc is not None]
        return float(np.mean(known)) if known else -1.0

    @property
    def name(self) -> str:
        """The attack's title, marked where it needs the classification layer."""
        return self.findings[0].label + " (head)" * reads_head(self.findings[0])

    def brief(self) -> str:
        """The AUC in the unit that decides, and the rate at 1 %."""
        if self.auc < 0:
            return "-"
        tpr = _tpr(self._measured(person=self.findings[0].game == "person"), 0.01).split(" (")[0]
        return f"{self.auc:.3f} ({tpr})"

    def cells(self) -> list[str]:
        """The line of the table."""
        first = self.findings[0]
        images, people = self._measured(person=False), self._measured(person=True)
        if self.auc < 0:
            return [first.game, first.knowledge, self.name, *["-"] * 8, first.reason]
        foreign = self._control("foreign")
        return [
            first.game, first.knowledge, self.name, _auc(images), _auc(people), _tpr(images, 0.1),
            _tpr(images, 0.01), self._over_blind(), _mean(c.auc for c in self._control("blind")),
            _mean(c.auc for c in foreign), f"{sum(map(_alarm, foreign))} of {len(foreign)}",
            "-" if self.passes is None else f"{self.passes:.0f}",
        ]  # fmt: skip

    def _measured(self, *, person: bool) -> list[Measurement]:
        both = [one.person if person else one.image for one in self.findings]
        return [one for one in both if one is not None]

    def _control(self, kind: str) -> list[Control]:
        return [c for one in self.findings for c in one.controls if c.kind == kind and c.auc is not None]

    def _over_blind(self) -> str:
        blind = [c.auc for c in self._control("blind") if c.auc is not None]
        return f"{self.auc - float(np.mean(blind)):+.3f}" if blind else "-"


def reads_head(finding: Finding) -> bool:
    """Whether the attack needs the classification layer."""
    attack = make_attack(finding.attack, dict(finding.parameters))
    return bool(attack.reads() & set(HEAD_CHANNELS))


def _alarm(control: Control) -> bool:
    """Whether a model that never saw anybody is told to be above chance."""
    return control.auc_interval is not None and control.auc_interval.low > 0.5


def _auc(measured: Sequence[Measurement]) -> str:
    known = [one for one in measured if one.auc is not None and one.auc_interval is not None]
    if not known:
        return "-"
    low = min(one.auc_interval.low for one in known if one.auc_interval)
    high = max(one.auc_interval.high for one in known if one.auc_interval)
    return f"{_mean(one.auc for one in known)} [{low:.3f}, {high:.3f}]"


def _tpr(measured: Sequence[Measurement], fpr: float) -> str:
    points = [p for one in measured for p in one.operating_points if p.nominal_fpr == fpr and p.true_positive]
    rates = [(p.true_positive.rate, p.false_positive.rate) for p in points if p.true_positive and p.false_positive]
    return f"{_mean(t for t, _ in rates)} (FPR {_mean(f for _, f in rates)})" if rates else "-"


def _mean(values: Iterable[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{np.mean(known):.3f}" if known else "-"


def written(evidences: Sequence[Evidence], passes: Mapping[str, float], run: Path) -> str:
    """Summary and table as text; each is also a file in the folder of the run."""
    texts = {"summary": summary(evidences, passes), "table": table(evidences, passes)}
    for name, text in texts.items():
        write_text(run / f"{name}.md", text + "\n")
    return "\n\n".join(texts.values())


def table(evidences: Sequence[Evidence], passes: Mapping[str, float]) -> str:
    """A line for each attack, game and knowledge, the most telling first; costs by the attack's title."""
    rows = _rows(evidences, passes)
    order = sorted(rows, key=lambda key: (ORDER.index(key[0]), KNOWLEDGE.index(key[1]), -rows[key].auc))
    return "\n".join([HEADING, *(f"| {' | '.join(rows[key].cells())} |" for key in order)])


def summary(evidences: Sequence[Evidence], passes: Mapping[str, float]) -> str:
    """A line for each attack, a column for each game and knowledge: AUC in the unit that decides, TPR at 1 % FPR."""
    rows = _rows(evidences, passes)
    settings = [(game, told) for game in ORDER for told in KNOWLEDGE if any(key[:2] == (game, told) for key in rows)]
    labels = dict.fromkeys(label for _, _, label in rows)
    most = {label: [rows[*setting, label].auc for setting in settings if (*setting, label) in rows] for label in labels}
    lines = [
        [
            next(row for key, row in rows.items() if key[2] == label).name,
            *(rows[*setting, label].brief() if (*setting, label) in rows else "-" for setting in settings),
            f"{passes[label]:.0f}" if label in passes else "-",
        ]
        for label in sorted(labels, key=lambda label: [-auc for auc in most[label]])
    ]
    heads = ["attack", *(f"{game} {told}" for game, told in settings), "passes"]
    return "\n".join(f"| {' | '.join(line)} |" for line in [heads, ["---"] * len(heads), *lines])


def _rows(evidences: Sequence[Evidence], passes: Mapping[str, float]) -> dict[tuple[str, str, str], Row]:
    """By game, knowledge and the attack's title."""
    lots: dict[tuple[str, str, str], list[Finding]] = defaultdict(list)
    for evidence in evidences:
        for finding in evidence.findings:
            lots[finding.game, finding.knowledge, finding.label].append(finding)
    return {key: Row(tuple(found), passes.get(key[2])) for key, found in lots.items()}
