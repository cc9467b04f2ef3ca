"""Every attack on one scale: python -m benchmarks.attacks [--world lfw|rendered] [--seeds 3] [--first 7]

Targets that differ in their seed alone are trained on the `member` images of the fixed LFW split, or on rendered
people, and audited with every attack on offer, in all games, with all three settings of prior knowledge; two shadows of
the target's recipe are the references, too. Printed, sorted by AUC, the attacks that need the head marked: means over
the targets, the widest interval, how often the foreign control was beyond its own interval of .5 (false alarms), and
what the attack costs for each photo, in bare forward passes of one image. Run again to resume.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

from bareface.allocator import keep_freed_memory
from bareface.auditing.audit import AuditInputs, conduct
from bareface.auditing.own_models import progress_of, train_backbone
from bareface.auditing.settings import AuditSettings, attacks_named
from bareface.cli.manners import Stages
from bareface.membership import attacks as known_attacks
from bareface.records.evidence import Evidence, read_evidence
from bareface.report.html import render_html
from bareface.settings.recipe import ReferenceSettings, ShadowSettings
from bareface.storage.files import write_text
from bareface.targets.target import Target
from bareface.vocabulary import Knowledge
from benchmarks.attacks.costs import costs
from benchmarks.attacks.rows import KNOWLEDGE, written
from benchmarks.attacks.worlds import WORLDS, AttackWorld

VARIANTS = (
    "posterior-entropy:form=modified", "lira:signal=logit",
    "view-agreement:form=vector", "view-agreement:form=set", "view-agreement:form=threshold",
    "mahalanobis:relative=true", "sslmem:views=bank",
    "bavaria:signal=view-agreement", "bavaria:signal=layer-agreement", "bavaria:signal=bn-distance",
)  # fmt: skip
"""Forms of an attack that stand for a method of their own."""


def every_attack() -> tuple[str, ...]:
    """One of each, those on sets of photos for sets of 2, 3 and 5, and the variants."""
    sets = [name for name, attack in known_attacks().items() if "k" in attack().parameters()]
    single = [name for name in known_attacks() if name not in sets]
    return (*single, *(f"{name}:k={k}" for name in sets for k in (2, 3, 5)), *VARIANTS)


@dataclass(frozen=True)
class Bench:
    """Where attacks are tried.

    Attributes:
        world: who is who.
        attacks: in the notation of the command line.
        knowledge: settings of prior knowledge.
        shadows: trained beside each target.
        references: likewise, on parts of the images in question.
        run: the folder.
        stages: shows progress.
    """

    world: AttackWorld
    attacks: tuple[str, ...]
    knowledge: tuple[Knowledge, ...]
    shadows: int
    references: int
    run: Path
    stages: Stages

    def target(self, seed: int) -> Target:
        """Of one seed; trained where it is not there yet."""
        recipe = replace(self.world.training, seed=seed)
        report = progress_of(self.stages, "training the target")
        return train_backbone(self.world.roster, recipe, self._home(seed) / "target", report)

    def audited(self, seed: int, first: int) -> Evidence:
        """One target and everything that is said of it; arenas and folds are those of the seed `first`."""
        home = self._home(seed)
        train = replace(self.world.training, seed=1000)
        references = ReferenceSettings(count=self.references, train=train) if self.references else None
        settings = AuditSettings(
            attacks=attacks_named(*self.attacks),
            shadow=ShadowSettings(count=self.shadows, train=train), trained_references=references,
            knowledge=self.knowledge, seed=first, title=f"{self.world.name}, every attack, seed {seed}",
        )  # fmt: skip
        command = f"python -m benchmarks.attacks --first {seed} --seeds 1"
        brought = AuditInputs(self.target(seed), self.world.roster, command=command)
        evidence = conduct(brought, settings, home / "audit", progress=self.stages, shared=self.run / "shared")
        write_text(home / "report.html", render_html(evidence))
        return evidence

    def kept(self, seed: int) -> Evidence:
        """What was said of one target earlier."""
        return read_evidence(self._home(seed) / "audit")

    def passes(self, seed: int) -> dict[str, float]:
        """What each attack costs."""
        attacks = attacks_named(*self.attacks)
        return costs(self.target(seed), self.world.roster, attacks, self.shadows + self.references)

    def _home(self, seed: int) -> Path:
        return self.run / f"seed-{seed}"


def main() -> None:
    """Train, audit, print."""
    keep_freed_memory()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", choices=tuple(WORLDS), default="lfw")
    parser.add_argument("--run", type=Path, default=None, help="runs/attacks, or runs/attacks-rendered")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=7)
    parser.add_argument("--shadows", type=int, default=2)
    parser.add_argument("--references", type=int, default=0, help="trained on parts of the images in question")
    parser.add_argument("--knowledge", action="append", choices=KNOWLEDGE, help="repeat it; all by default")
    parser.add_argument("--attack", action="append", help="repeat it; every attack by default")
    parser.add_argument("--done", action="store_true", help="show the audits that are there, make none")
    asked = parser.parse_args()
    run = asked.run or Path("runs") / {"lfw": "attacks", "rendered": "attacks-rendered"}[asked.world]
    seeds = range(asked.first, asked.first + asked.seeds)
    with Stages() as stages:
        world = WORLDS[asked.world](run, stages)
        attacks, knowledge = tuple(asked.attack or every_attack()), tuple(asked.knowledge or KNOWLEDGE)
        bench = Bench(world, attacks, knowledge, asked.shadows, asked.references, run, stages)
        found = [bench.kept(seed) if asked.done else bench.audited(seed, asked.first) for seed in seeds]
        passes = bench.passes(asked.first)
    print(written(found, passes, run))


if __name__ == "__main__":
    main()
