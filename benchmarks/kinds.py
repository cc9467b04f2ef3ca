"""One backbone as every kind of target: python -m benchmarks.kinds [--run runs/lfw] [--out runs/kinds]

The LFW target of `python -m benchmarks.lfw` is exported to ONNX by both of torch's exporters and asked for a table of
embeddings; each is audited with the same people, seed and foreign model (one that saw nobody). Printed are the verdict
and the AUCs of the dataset game, partial knowledge, and the largest differences from the backbone in torch.
"""

import argparse
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from bareface.auditing.audit import Brought, conduct
from bareface.auditing.cast import images_for, untrained
from bareface.auditing.question import Question, make_attacks
from bareface.cli.manners import Stages
from bareface.config import make_attack_configs
from bareface.evidence import Evidence
from bareface.roster import Roster
from bareface.targets.kinds import Auditable, load_any
from bareface.targets.store import load_target
from bareface.targets.target import Target
from benchmarks.shared_data import lfw

ATTACKS = (
    "bn-distance",
    "bn-distance-variance",
    "estimated-distance",
    "embedding-norm",
    "flip-agreement",
    "subject-compactness:k=2",
    "subject-compactness:k=3",
)


def export(target: Target, path: Path, *, dynamo: bool) -> Path:
    """The backbone as an ONNX file with an open number of images."""
    pixels = torch.zeros(2, target.spec.channels, target.spec.height, target.spec.width)
    open_batch = (
        {"dynamic_shapes": ({0: torch.export.Dim("n")},), "verbose": False}
        if dynamo
        else {"dynamic_axes": {"x": {0: "n"}}}
    )
    with warnings.catch_warnings(action="ignore"):
        torch.onnx.export(target.module, (pixels,), str(path), input_names=["x"], dynamo=dynamo, **open_batch)
    return path


def tabulate(target: Target, roster: Roster, path: Path) -> Path:
    """The embeddings of everybody and of their mirror images."""
    images, told = images_for(target, roster), []
    with torch.inference_mode():
        for rows in np.array_split(np.arange(len(roster)), max(1, len(roster) // 64)):
            pixels = target.spec.normalise(images.load(rows))
            told.append(torch.stack([target.embed_normalised(pixels), target.embed_normalised(pixels.flip(-1))]))
    image, flip = torch.cat(told, dim=1)
    names = list(roster.image)
    views = ["image"] * len(names) + ["flip"] * len(names)
    columns = {"image": names * 2, "view": views, "embedding": torch.cat([image, flip]).tolist()}
    pq.write_table(pa.table(columns), path)
    return path


def audit(target: Auditable, foreign: Target, roster: Roster, folder: Path) -> Evidence:
    """The dataset game with partial knowledge."""
    question = Question(make_attacks(make_attack_configs(ATTACKS)), games=("dataset",), selfcheck="report")
    with Stages() as stages:
        return conduct(Brought(target, roster, foreign), question, folder, progress=stages)


def auc(evidence: Evidence, attack: str) -> float:
    """Of one attack, per image; NaN where it was not run."""
    found = next(finding for finding in evidence.findings if finding.label == attack)
    return float("nan") if found.image is None or found.image.auc is None else found.image.auc


def show(rows: Sequence[tuple[str, Evidence]]) -> None:
    """A line for each kind of target."""
    attacks = [finding.label for finding in rows[0][1].findings]
    print("\n| target | BatchNorm | " + " | ".join(attacks) + " | verdict |")
    print("|---" * (len(attacks) + 3) + "|")
    for name, evidence in rows:
        card = evidence.target
        expected = f" of {card.batchnorm_expected}" if card.batchnorm_expected else ""
        told = " | ".join(f"{auc(evidence, attack):.3f}" for attack in attacks)
        print(f"| {name} | {card.batchnorm_layers}{expected} | {told} | {evidence.verdict} |")


def main() -> None:
    """Export, audit, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("runs/lfw"))
    parser.add_argument("--out", type=Path, default=Path("runs/kinds"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    roster, target = lfw(), load_target(arguments.run / "target").without_head()
    foreign = untrained(target, roster, seed=7)
    kinds: dict[str, Auditable] = {
        "torch": target,
        "ONNX (TorchScript exporter)": load_any(export(target, arguments.out / "script.onnx", dynamo=False)),
        "ONNX (dynamo exporter)": load_any(export(target, arguments.out / "dynamo.onnx", dynamo=True)),
        "embeddings": load_any(tabulate(target, roster, arguments.out / "embeddings.parquet")),
    }
    folders = ("torch", "script", "dynamo", "table")
    show(
        [
            (name, audit(kind, foreign, roster, arguments.out / folder))
            for (name, kind), folder in zip(kinds.items(), folders, strict=True)
        ]
    )


if __name__ == "__main__":
    main()
