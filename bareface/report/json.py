"""The JSON Schemas of `result.json` and `inversion.json`, for programs that read them."""

import json

from pydantic import BaseModel

from bareface.records.evidence import SCHEMA_VERSION, Evidence


def schema() -> str:
    """The schema of one `Evidence`, as it is shipped in `bareface/evidence.schema.json`."""
    return schema_of(Evidence, f"urn:bareface:evidence:{SCHEMA_VERSION}")


def inversion_schema() -> str:
    """The schema of one `InversionRecord`, as it is shipped in `bareface/inversion.schema.json`."""
    from bareface.records import inversion as inversion_record  # whoever reads a configuration does not wait for it

    return schema_of(inversion_record.InversionRecord, f"urn:bareface:inversion:{inversion_record.SCHEMA_VERSION}")


def schema_of(model: type[BaseModel], name: str) -> str:
    """The JSON Schema of a class, as text; `name` is its URN."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": name}
    return json.dumps(head | model.model_json_schema(), indent=1, ensure_ascii=False) + "\n"
