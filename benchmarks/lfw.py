"""Stage 1 on real faces: python -m benchmarks.lfw [--run runs/lfw] [--seed 7]

A small IR net is trained on the `member` images of the fixed LFW split (48 x 48, grey, ArcFace) and audited in all
three games, with both settings of prior knowledge, by every attack. Prints the table of docs/results.md.
"""

import argparse
import time
from pathlib import Path

from bareface.auditing.audit import Brought, conduct
from bareface.auditing.cast import progress_of, recipe_of, train_backbone
from bareface.auditing.question import Question, make_attacks
from bareface.cli.manners import Stages
from bareface.config import ShadowConfig, SpecConfig, TrainConfig, make_attack_configs
from bareface.files import write_text
from bareface.report.html import render_html
from benchmarks.shared_data import lfw
from benchmarks.tables import table

TRAINING = TrainConfig(spec=SpecConfig(height=48, width=48, order="GRAY"), epochs=60)
ATTACKS = (
    "bn-distance",
    "bn-distance:convention=variance",
    "bn-distance:convention=none",
    "bn-distance:model=mlp",
    "bn-distance-variance",
    "embedding-norm",
    "flip-agreement",
    "subject-compactness:k=2",
    "subject-compactness:k=3",
    "subject-compactness:k=5",
    "class-centre",
)


def main() -> None:
    """Train, audit, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("runs/lfw"))
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    started = time.monotonic()
    roster, training = lfw(), TRAINING.model_copy(update={"seed": arguments.seed})
    with Stages() as stages:
        report = progress_of(stages, "training the target")
        target = train_backbone(roster, recipe_of(training), arguments.run / "target", report)
        attacks = make_attacks(make_attack_configs(ATTACKS))
        question = Question(
            attacks=attacks, shadow=ShadowConfig(count=2, train=training), seed=arguments.seed, title="LFW"
        )
        command = f"python -m benchmarks.lfw --seed {arguments.seed}"
        evidence = conduct(Brought(target, roster, command=command), question, arguments.run / "audit", progress=stages)
    write_text(arguments.run / "report.html", render_html(evidence))
    print(table(evidence))
    print(
        f"\n{(time.monotonic() - started) / 60:.1f} minutes, seed {arguments.seed}; report: {arguments.run}/report.html"
    )


if __name__ == "__main__":
    main()
