"""The JSON Schema of inversion.json."""

import json
from pathlib import Path

import jsonschema

import bareface
from bareface.report.json import inversion_schema

SHIPPED = Path(bareface.__file__).parent / "inversion.schema.json"


def test_the_shipped_schema_is_the_current_one() -> None:
    again = (
        "python -c 'from bareface.report.json import inversion_schema; print(inversion_schema(), end=\"\")' "
        "> bareface/inversion.schema.json"
    )
    assert SHIPPED.read_text(encoding="utf-8") == inversion_schema(), f"write it again: {again}"


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(inversion_schema()))
