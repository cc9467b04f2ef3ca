"""Audits through the command line of what is no checkpoint: ONNX, tables, endpoints; and of nets without BatchNorm."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from command import run
from exported import EXPORTERS, exported, small_ir
from serving import Service, serving

from bareface.faces.images import RosterImages
from bareface.records.evidence import Evidence, read_evidence
from bareface.rosters.roster import read_manifest
from bareface.targets.store import save_target

ATTACKS = "attacks: [bn-distance, embedding-norm, flip-agreement]\n"
INSIDE = {"bn-distance"}


def fixed(world: Path) -> str:
    """What all audits here have in common."""
    return f"roster: {world / 'people.csv'}\nforeign: {world / 'target'}\ngames: [dataset]\nselfcheck: skip\nseed: 3\n"


def audited(world: Path, model: str | Path, folder: Path, more: str = ATTACKS) -> Evidence:
    config = folder / "audit.yaml"
    config.parent.mkdir(exist_ok=True)
    config.write_text(f"model: {model}\n{fixed(world)}{more}")
    result = run("audit", config, "-o", folder / "run", "--allow-code")
    assert result.exit_code == 0, result.output + repr(result.exception)
    return read_evidence(folder / "run")


@pytest.fixture(scope="session")
def original(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """The audit of the torch backbone that all the others stand for."""
    folder = tmp_path_factory.mktemp("original")
    save_target(small_ir(), folder / "target")
    return audited(world, folder / "target", folder)


def aucs(evidence: Evidence, *attacks: str) -> list[float]:
    chosen = [finding for finding in evidence.findings if finding.attack in attacks]
    return [finding.image.auc for finding in chosen if finding.image and finding.image.auc is not None]


def abstained(evidence: Evidence) -> dict[str, str]:
    return {finding.attack: finding.reason for finding in evidence.findings if finding.status == "abstained"}


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_an_onnx_file_is_audited_like_the_backbone(
    exporter: str, original: Evidence, world: Path, tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime", reason="the extra bareface[onnx] is not installed")
    evidence = audited(world, exported(exporter), tmp_path)
    assert evidence.verdict is original.verdict
    black_box = ("embedding-norm", "flip-agreement")
    np.testing.assert_allclose(aucs(evidence, *black_box), aucs(original, *black_box), atol=0.01)
    assert not abstained(evidence)
    card, survived = evidence.target, {"script": 10, "dynamo": 9}[exporter]
    assert (card.source, card.batchnorm_layers, card.batchnorm_expected) == ("onnx", survived, 22)
    page = (tmp_path / "run" / "report.html").read_text()
    assert f"{survived} of 22" in page
    assert any(f"{survived} of 22 BatchNorm layers survived export" in note for note in evidence.notes)
    expected = {row.layer: row.auc for row in original.layers if row.view == "image"}
    for row in evidence.layers:
        if row.view == "image":
            assert row.auc == pytest.approx(expected[row.layer], abs=0.01)


@pytest.mark.usefixtures("pageless")
def test_inspect_and_the_usual_audit_say_what_export_took_away(world: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="the extra bareface[onnx] is not installed")
    said = run("inspect", exported("script"))
    assert said.exit_code == 0, said.output
    assert "10 of 22 layers with statistics survived export; the others were folded into convolutions" in said.output
    assert '"norms_expected": 22' in run("inspect", exported("script"), "--json").output
    evidence = audited(world, exported("script"), tmp_path, more="")
    told = {finding.attack: finding.status for finding in evidence.findings}
    assert told["estimated-distance"] == told["bn-distance"] == "done"
    assert any("statistics estimated on 48 auxiliary images" in note for note in evidence.notes)


def test_without_the_extra_there_is_advice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in sys.modules if name.startswith("bareface.targets.onnx")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnx", None)
    (tmp_path / "x.onnx").write_bytes(b"x")
    said = run("inspect", tmp_path / "x.onnx")
    assert said.exit_code == 2
    assert 'expected the extra onnx. Try: pip install "bareface[onnx]".' in " ".join(said.output.split())


@pytest.fixture(scope="session")
def table(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small IR net's embeddings of everybody, written down by somebody else."""
    people, target = read_manifest(world / "people.csv"), small_ir()
    pixels = RosterImages(people, 32, 32).load(np.arange(len(people)))
    with torch.inference_mode():
        both = [target.embed(pixels), target.embed_normalised(target.spec.normalise(pixels).flip(-1))]
    columns = {
        "image": list(people.image) * 2,
        "view": ["image"] * len(people) + ["flip"] * len(people),
        "embedding": torch.cat(both).tolist(),
    }
    path = tmp_path_factory.mktemp("table") / "embeddings.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def test_a_table_of_embeddings_is_audited_as_a_black_box(
    original: Evidence, world: Path, table: Path, tmp_path: Path
) -> None:
    evidence = audited(world, table, tmp_path)
    black_box = ("embedding-norm", "flip-agreement")
    np.testing.assert_allclose(aucs(evidence, *black_box), aucs(original, *black_box), atol=1e-3)
    assert abstained(evidence) == {
        "bn-distance": "bn-distance: got a target that gives no bn distance; expected BatchNorm layers with running "
        "statistics."
    }
    assert (evidence.target.source, evidence.target.parameters) == ("embeddings", None)
    assert "unknown: a black box" in (tmp_path / "run" / "report.html").read_text()


@pytest.mark.usefixtures("pageless")
def test_a_table_without_flips_leaves_out_what_needs_them(world: Path, table: Path, tmp_path: Path) -> None:
    whole = pq.read_table(table)
    plain = whole.filter(pa.compute.equal(whole["view"], "image"))
    pq.write_table(plain.drop_columns(["view"]), tmp_path / "plain.parquet")
    config = tmp_path / "audit.yaml"
    config.write_text(
        f"model: {tmp_path / 'plain.parquet'}\nroster: {world / 'people.csv'}\n{ATTACKS}games: [dataset]\n"
    )
    assert run("audit", config, "-o", tmp_path / "run").exit_code == 0  # and nobody brought a foreign model
    evidence = read_evidence(tmp_path / "run")
    assert evidence.foreign is not None
    assert evidence.foreign.name == "ir-tiny (untrained)"
    assert (
        "got a target that gives the view image alone; expected the view flip too"
        in abstained(evidence)["flip-agreement"]
    )


def test_a_table_that_lacks_an_image_is_refused(world: Path, table: Path, tmp_path: Path) -> None:
    pq.write_table(
        pq.read_table(table).filter(pa.compute.field("image") != "faces/p00003/001.png"), tmp_path / "t.parquet"
    )
    result = run("audit", "--model", tmp_path / "t.parquet", "--roster", world / "people.csv", "-o", tmp_path / "run")
    assert result.exit_code == 2
    said = " ".join(result.output.split())
    assert "got no embedding for 1 of 96 images, first 'faces/p00003/001.png'" in said


@pytest.fixture
def service() -> Iterator[Service]:
    with serving(small_ir().embed) as running:
        yield running


def test_an_endpoint_is_audited_as_a_black_box_and_resumed(
    original: Evidence, world: Path, service: Service, tmp_path: Path
) -> None:
    config = tmp_path / "audit.yaml"
    quick = "endpoint: {images: 64, per_second: 1000, retries: 0}\nspec: {height: 32, width: 32}\n"
    config.write_text(f"model: {service.url}\n{fixed(world)}{ATTACKS}{quick}")
    answered = service.embed
    service.embed = lambda images: dies_after(service, 5, answered(images))
    broken = run("audit", config, "-o", tmp_path / "run")
    assert broken.exit_code == 2
    assert "it resumes" in " ".join(broken.output.split())
    service.embed = answered
    before = sum(service.asked)
    assert run("audit", config, "-o", tmp_path / "run").exit_code == 0
    assert sum(service.asked) - before < 2 * 96
    evidence = read_evidence(tmp_path / "run")
    black_box = ("embedding-norm", "flip-agreement")
    np.testing.assert_allclose(aucs(evidence, *black_box), aucs(original, *black_box), atol=1e-3)
    assert set(abstained(evidence)) == INSIDE
    assert service.url not in (tmp_path / "run" / "result.json").read_text()
    assert "127.0.0.1" not in (tmp_path / "run" / "report.html").read_text()


def dies_after(service: Service, requests: int, answer: torch.Tensor) -> torch.Tensor:
    """The answer; after so many the next request gets none."""
    service.moods = [503] * (len(service.asked) > requests)
    return answer


def test_a_backbone_without_batchnorm_is_held_against_estimated_statistics(world: Path, tmp_path: Path) -> None:
    (tmp_path / "grouped_backbone.py").write_text(
        "import torch\n"
        "from torch import nn\n"
        "def make():\n"
        "    torch.manual_seed(0)\n"
        "    body = [nn.Conv2d(3, 8, 3, stride=2), nn.GroupNorm(2, 8), nn.ReLU(), nn.Conv2d(8, 8, 3, stride=2)]\n"
        "    return nn.Sequential(*body, nn.Flatten(), nn.Linear(8 * 49, 8))\n"
    )
    sys.path.insert(0, str(tmp_path))
    try:
        evidence = audited(world, "grouped_backbone:make", tmp_path, "spec: {height: 32, width: 32}\n")
    finally:
        sys.path.remove(str(tmp_path))
    told = {finding.title: finding.status for finding in evidence.findings}
    assert told["estimated-distance"] == "done"
    assert told["bn-distance"] == "abstained"
    note = next(note for note in evidence.notes if note.startswith("Estimated distances"))
    assert "3 convolutions and linear maps with statistics estimated on 48 auxiliary images" in note
    assert "no running statistics" in note
    assert {row.statistics for row in evidence.layers} == {"estimated"}
    assert [row.layer for row in evidence.layers if row.view == "image"] == ["0", "3", "5"]
    page = " ".join((tmp_path / "run" / "report.html").read_text().split())
    assert "Separation AUC over 3 convolutions and linear maps, estimated statistics" in page
    assert "compared with statistics estimated on public faces, since training left no running statistics" in page


def test_the_other_classes_of_a_margin_loss_are_named_and_a_graph_has_no_gradient(world: Path, tmp_path: Path) -> None:
    asked = "attacks: [margin-gradient]\n"
    (found,) = {f.status for f in audited(world, str(world / "target"), tmp_path / "torch", more=asked).findings}
    assert found == "done"
    page = " ".join((tmp_path / "torch" / "run" / "report.html").read_text().split())
    assert "The margin loss whose gradients were read kept every image away from 48 auxiliary images." in page
    pytest.importorskip("onnxruntime", reason="the extra bareface[onnx] is not installed")
    graph = audited(world, exported("script"), tmp_path / "graph", more=asked)
    assert {finding.status for finding in graph.findings} == {"abstained"}
    assert "a backbone in torch, with weights to differentiate by" in graph.findings[0].reason


@pytest.mark.usefixtures("pageless")
def test_public_faces_are_of_other_people(world: Path, tmp_path: Path) -> None:
    rows = (world / "people.csv").read_text().replace("faces/", f"{world.name}/faces/").splitlines()
    home = world.parent
    (home / "familiar.csv").write_text("\n".join(row.replace("p00000,heldout", "p00000,public") for row in rows) + "\n")
    config = tmp_path / "audit.yaml"
    config.write_text(
        f"model: {world / 'target'}\nroster: {home / 'familiar.csv'}\nselfcheck: skip\nattacks: [estimated-distance]\n"
    )
    result = run("audit", config, "-o", tmp_path / "run")
    assert result.exit_code == 0, result.output
    hygiene = read_evidence(tmp_path / "run").hygiene
    assert hygiene is not None
    assert [(one.role, one.people) for one in hygiene.own if one.left_out_people] == [("public", 1)]
