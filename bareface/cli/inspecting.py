"""`bareface inspect`: what a file is."""

import json
from pathlib import Path

from bareface.errors import UsageError
from bareface.extras import extra
from bareface.inspecting.facts import facts_of, facts_text
from bareface.inspecting.lineage import lineage, lineage_text
from bareface.targets.table import is_table


def run_inspect(checkpoint: Path, *, as_json: bool) -> str:
    """The facts about a checkpoint or an ONNX file as text or JSON."""
    if checkpoint.suffix.lower() == ".onnx":
        return _onnx(checkpoint, as_json)
    if is_table(checkpoint):
        got, hint = "a table of embeddings", "bareface audit --model with the same file"
        raise UsageError(str(checkpoint), got=got, expected="a file with a backbone in it", hint=hint)
    facts = facts_of(checkpoint)
    return facts.model_dump_json(indent=1) if as_json else facts_text(facts)


def _onnx(path: Path, as_json: bool) -> str:
    with extra("onnx", str(path)):
        from bareface.targets.onnx.facts import onnx_facts, onnx_facts_text
    facts = onnx_facts(path)
    return facts.model_dump_json(indent=1) if as_json else onnx_facts_text(facts)


def run_comparison(checkpoint: Path, other: Path, *, as_json: bool) -> str:
    """The facts about a checkpoint, and how another one is related to it, as text or JSON."""
    facts, other_facts = facts_of(checkpoint), facts_of(other)
    kin = lineage(checkpoint, facts, other, other_facts)
    if as_json:
        records = {"checkpoint": facts, "other": other_facts, "lineage": kin}
        return json.dumps({name: record.model_dump(mode="json") for name, record in records.items()}, indent=1)
    return f"{facts_text(facts)}\n\n{lineage_text(kin)}"
