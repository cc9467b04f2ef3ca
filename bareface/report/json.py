"""The JSON Schema of `result.json`, for programs that read it."""

import json

from bareface.evidence import SCHEMA_VERSION, Evidence


def schema() -> str:
    """The schema of one `Evidence`, as it is shipped in `bareface/evidence.schema.json`."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:bareface:evidence:{SCHEMA_VERSION}"}
    return json.dumps(head | Evidence.model_json_schema(), indent=1, ensure_ascii=False) + "\n"
