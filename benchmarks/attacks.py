"""Every attack on one scale: python -m benchmarks.attacks [--world lfw|rendered] [--seeds 3] [--first 7]

Targets that differ in their seed alone are trained on the `member` images of the fixed LFW split, or on rendered
people, and audited with every attack on offer, in all games, with all three settings of prior knowledge; two shadows of
the target's recipe are the references, too. Printed, sorted by AUC, the attacks that need the head marked: means over
the targets, the widest interval, how often the foreign control was beyond its own interval of .5 (false alarms), and
what the attack costs for each photo, in bare forward passes of one image. Run again to resume.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bareface.allocator import keep_freed_memory
from bareface.auditing.audit import Brought, conduct
from bareface.auditing.cast import progress_of, recipe_of, train_backbone
from bareface.auditing.question import Question, make_attacks
from bareface.cli.manners import Stages
from bareface.config import AttackConfig, ShadowConfig, make_attack_configs
from bareface.evidence import Control, Evidence, Finding, Measurement, read_evidence
from bareface.files import write_text
from bareface.membership import attacks
from bareface.membership.base import Knowledge
from bareface.report.html import render_html
from bareface.targets.target import Target
from bareface.trace import HEAD_CHANNELS
from benchmarks.attack_costs import costs
from benchmarks.attack_worlds import WORLDS, AttackWorld

KNOWLEDGE: tuple[Knowledge, ...] = ("partial", "shadow", "nonmembers")
GAMES = ("dataset", "record", "person")
HEADING = (
    "| game | knowledge | attack | AUC image | AUC person | TPR at 10 % FPR | TPR at 1 % FPR | over blind | blind "
    "| foreign | false alarms | passes |\n|---|---|---|---|---|---|---|---|---|---|---|---|"
)


VARIANTS = (
    "posterior-entropy:form=modified", "lira:signal=logit",
    "view-agreement:form=vector", "view-agreement:form=set", "view-agreement:form=threshold",
    "mahalanobis:relative=true", "sslmem:views=bank",
    "bavaria:signal=view-agreement", "bavaria:signal=layer-agreement", "bavaria:signal=bn-distance",
)  # fmt: skip
"""Forms of an attack that stand for a method of their own."""


def every_attack() -> tuple[str, ...]:
    """One of each, those on sets of photos for sets of 2, 3 and 5, and the variants."""
    sets = [name for name, attack in attacks().items() if "k" in attack().parameters()]
    single = [name for name in attacks() if name not in sets]
    return (*single, *(f"{name}:k={k}" for name in sets for k in (2, 3, 5)), *VARIANTS)


@dataclass(frozen=True)
class Bench:
    """Where attacks are tried.

    Attributes:
        world: who is who.
        attacks: in the notation of the command line.
        shadows: trained beside each target.
        run: the folder.
        stages: shows progress.
    """

    world: AttackWorld
    attacks: tuple[str, ...]
    shadows: int
    run: Path
    stages: Stages

    def target(self, seed: int) -> Target:
        """Of one seed; trained where it is not there yet."""
        recipe = recipe_of(self.world.training.model_copy(update={"seed": seed}))
        report = progress_of(self.stages, "training the target")
        return train_backbone(self.world.roster, recipe, self._home(seed) / "target", report)

    def audited(self, seed: int, first: int) -> Evidence:
        """One target and everything that is said of it; arenas and folds are those of the seed `first`."""
        home = self._home(seed)
        shadows = ShadowConfig(count=self.shadows, train=self.world.training.model_copy(update={"seed": 1000}))
        question = Question(
            make_attacks(make_attack_configs(self.attacks)),
            shadow=shadows, knowledge=KNOWLEDGE, seed=first, title=f"{self.world.name}, every attack, seed {seed}",
        )  # fmt: skip
        command = f"python -m benchmarks.attacks --first {seed} --seeds 1"
        brought = Brought(self.target(seed), self.world.roster, command=command)
        evidence = conduct(brought, question, home / "audit", progress=self.stages, shared=self.run / "shared")
        write_text(home / "report.html", render_html(evidence))
        return evidence

    def kept(self, seed: int) -> Evidence:
        """What was said of one target earlier."""
        return read_evidence(self._home(seed) / "audit")

    def passes(self, seed: int) -> dict[str, float]:
        """What each attack costs."""
        return costs(
            self.target(seed), self.world.roster, make_attacks(make_attack_configs(self.attacks)), self.shadows
        )

    def _home(self, seed: int) -> Path:
        return self.run / f"seed-{seed}"


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

    def cells(self) -> list[str]:
        """The line of the table."""
        first = self.findings[0]
        head = " (head)" if reads_head(first) else ""
        images, people = self._measured(person=False), self._measured(person=True)
        if self.auc < 0:
            return [first.game, first.knowledge, first.label + head, *["-"] * 8, first.reason]
        foreign = self._control("foreign")
        return [
            first.game, first.knowledge, first.label + head, _auc(images), _auc(people), _tpr(images, 0.1),
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
    (attack,) = make_attacks((AttackConfig(name=finding.attack, parameters=finding.parameters),))
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


def table(evidences: Sequence[Evidence], passes: Mapping[str, float]) -> str:
    """A line for each attack, game and knowledge, the most telling first; costs by the attack's title."""
    lots: dict[tuple[str, str, str], list[Finding]] = defaultdict(list)
    for evidence in evidences:
        for finding in evidence.findings:
            lots[finding.game, finding.knowledge, finding.label].append(finding)
    rows = {key: Row(tuple(found), passes.get(key[2])) for key, found in lots.items()}
    order = sorted(rows, key=lambda key: (GAMES.index(key[0]), KNOWLEDGE.index(key[1]), -rows[key].auc))
    return "\n".join([HEADING, *(f"| {' | '.join(rows[key].cells())} |" for key in order)])


def main() -> None:
    """Train, audit, print."""
    keep_freed_memory()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", choices=tuple(WORLDS), default="lfw")
    parser.add_argument("--run", type=Path, default=None, help="runs/attacks, or runs/attacks-rendered")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=7)
    parser.add_argument("--shadows", type=int, default=2)
    parser.add_argument("--attack", action="append", help="repeat it; every attack by default")
    parser.add_argument("--done", action="store_true", help="show the audits that are there, make none")
    asked = parser.parse_args()
    run = asked.run or Path("runs") / {"lfw": "attacks", "rendered": "attacks-rendered"}[asked.world]
    seeds = range(asked.first, asked.first + asked.seeds)
    with Stages() as stages:
        world = WORLDS[asked.world](run, stages)
        bench = Bench(world, tuple(asked.attack or every_attack()), asked.shadows, run, stages)
        found = [bench.kept(seed) if asked.done else bench.audited(seed, asked.first) for seed in seeds]
        text = table(found, bench.passes(asked.first))
    write_text(run / "table.md", text + "\n")
    print(text)


if __name__ == "__main__":
    main()
