"""The JSON Schema of result.json."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import bareface
from bareface.report.json import schema

SHIPPED = Path(bareface.__file__).parent / "evidence.schema.json"


def test_the_shipped_schema_is_the_current_one() -> None:
    again = (
        "python -c 'from bareface.report.json import schema; print(schema(), end=\"\")' > bareface/evidence.schema.json"
    )
    assert SHIPPED.read_text(encoding="utf-8") == schema(), f"write it again: {again}"


def test_evidence_is_valid(samples: Any) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(schema()))
    validator.check_schema(validator.schema)
    validator.validate(json.loads(samples.full.model_dump_json()))


@pytest.mark.parametrize("change", [{"verdict": "SAFE"}, {"extra": 1}, {"findings": None}])
def test_what_is_no_evidence_is_invalid(samples: Any, change: dict[str, Any]) -> None:
    record = {**json.loads(samples.one_game.model_dump_json()), **change}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(record, json.loads(schema()))
