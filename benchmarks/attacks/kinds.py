"""One backbone as every kind of target: python -m benchmarks.attacks.kinds [--run runs/lfw] [--out runs/kinds]

The LFW target of `python -m benchmarks.attacks.lfw` is exported to ONNX by both of torch's exporters, asked for a table
of embeddings, put behind an address on this machine, and rid of its BatchNorm layers; beside it stands the same net
trained with GroupNorm. Each is audited with the same people, seed and foreign model (one that saw nobody). Printed are,
for the ONNX files of this target and of a large net with random statistics, the BatchNorm layers that survived and the
largest differences from torch; then, for every kind, the AUCs of the dataset game, partial knowledge, and the verdict.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from bareface.auditing.audit import AuditInputs, conduct
from bareface.auditing.controls import untrained
from bareface.auditing.images import PublicFaces, images_for
from bareface.auditing.own_models import training_set
from bareface.auditing.settings import AuditSettings, attacks_named
from bareface.cli.manners import Stages
from bareface.records.evidence import Evidence
from bareface.rosters.roster import Roster
from bareface.settings.rate_limit import RateLimit
from bareface.settings.spec import ImageSpec
from bareface.streams import stream
from bareface.targets.kinds import Auditable, load_any
from bareface.targets.onnx.target import OnnxTarget
from bareface.targets.store import load_target
from bareface.targets.target import Target
from bareface.training.defence import Public
from bareface.training.defences.folding import folded
from bareface.training.defences.group_norm import GroupNorm
from bareface.training.defended import train_defended
from bareface.vocabulary import Role
from benchmarks.attacks.exports import EXPORTERS, Parity, compare, drawn, export
from benchmarks.attacks.lfw import TRAINING
from benchmarks.attacks.service import serving
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
SEED = 7
LARGE, LARGE_IMAGES, SMALL_IMAGES = ("iresnet18", ImageSpec(112, 112)), 64, 512
PARITY = "| net | exporter | BatchNorm | distances | embeddings, coordinate | embeddings, length |\n" + "|---" * 6 + "|"


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


def with_group_norm(roster: Roster) -> Target:
    """The LFW target's recipe with GroupNorm in the place of BatchNorm, trained anew."""
    recipe = replace(TRAINING, seed=SEED)
    members, public = (training_set(roster.take(roster.rows(role)), recipe.spec) for role in (Role.MEMBER, Role.PUBLIC))
    return train_defended(*members, recipe, GroupNorm(), Public(*public)).without_head()


def audit(target: Auditable, foreign: Target, roster: Roster, folder: Path) -> Evidence:
    """The dataset game with partial knowledge."""
    settings = AuditSettings(attacks=attacks_named(*ATTACKS), games=("dataset",), selfcheck="report")
    with Stages() as stages:
        return conduct(AuditInputs(target, roster, foreign), settings, folder, progress=stages)


def auc(evidence: Evidence, attack: str) -> float | None:
    """Of one attack, per image; None where it was not run."""
    found = next(finding for finding in evidence.findings if finding.label == attack)
    return None if found.image is None else found.image.auc


def exports(target: Target, out: Path) -> dict[str, OnnxTarget]:
    """The backbone by each exporter."""
    files = {name: out / f"{target.architecture}-{name}.onnx" for name in EXPORTERS}
    return {name: export(target, files[name], dynamo=new) for name, new in EXPORTERS.items()}


def parities(target: Target, graphs: dict[str, OnnxTarget], roster: Roster, count: int) -> None:
    """A line for each ONNX file: what survived, and how far it is from torch on so many images."""
    rows = np.sort(stream(SEED, "parity").permutation(len(roster))[:count])
    images = images_for(target, roster.take(rows))
    for exporter, graph in graphs.items():
        print(f"| {target.architecture} | {exporter} | {_cells(compare(target, graph, images))} |", flush=True)


def _cells(one: Parity) -> str:
    return f"{one.survived} of {one.layers} | {one.distance:.1e} | {one.embedding:.1e} | {one.relative:.1e}"


def show(rows: Sequence[tuple[str, Evidence]]) -> None:
    """A line for each kind of target."""
    attacks = [finding.label for finding in rows[0][1].findings]
    print("\n| target | BatchNorm | " + " | ".join(attacks) + " | verdict |")
    print("|---" * (len(attacks) + 3) + "|")
    for name, evidence in rows:
        told = " | ".join(_auc_cell(auc(evidence, attack)) for attack in attacks)
        print(f"| {name} | {_batchnorm(evidence)} | {told} | {evidence.verdict} |")


def _auc_cell(value: float | None) -> str:
    return "abstained" if value is None else f"{value:.3f}"


def _batchnorm(evidence: Evidence) -> str:
    card = evidence.target
    expected = f" of {card.batchnorm_expected}" if card.batchnorm_expected else ""
    return "unknown" if card.batchnorm_layers is None else f"{card.batchnorm_layers}{expected}"


def kinds(
    target: Target, graphs: dict[str, OnnxTarget], address: str, roster: Roster, out: Path
) -> dict[str, Auditable]:
    """The backbone as every kind of target, by the name of its row."""
    return {
        "torch": target,
        **{f"ONNX, {name} exporter": graph for name, graph in graphs.items()},
        "table of embeddings": load_any(tabulate(target, roster, out / "embeddings.parquet")),
        "endpoint": load_any(address, spec=target.spec, rate_limit=RateLimit(images=64, per_second=1000)),
        "BatchNorm folded": replace(target, module=folded(target.module, target.name)),
        "GroupNorm": with_group_norm(roster),
    }


def main() -> None:
    """Export, compare, audit, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("runs/lfw"))
    parser.add_argument("--out", type=Path, default=Path("runs/kinds"))
    arguments = parser.parse_args()
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    roster, target = lfw(), load_target(arguments.run / "target").without_head()
    foreign, large = untrained(target, PublicFaces(roster, SEED)), drawn(*LARGE, SEED)
    print(PARITY)
    graphs = exports(target, out)
    parities(target, graphs, roster, SMALL_IMAGES)
    parities(large, exports(large, out), roster, LARGE_IMAGES)
    with serving(target) as address:
        audited = kinds(target, graphs, address, roster, out)
        show([(name, audit(kind, foreign, roster, out / _folder(name))) for name, kind in audited.items()])


def _folder(name: str) -> str:
    return name.lower().replace(",", "").replace(" ", "-")


if __name__ == "__main__":
    main()
