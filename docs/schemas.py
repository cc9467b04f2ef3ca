"""Writes the shipped JSON Schemas again: python docs/schemas.py."""

from pathlib import Path

from bareface.auditing import config_file
from bareface.report.json import inversion_schema, schema

PACKAGE = Path(__file__).resolve().parents[1] / "bareface"
WRITTEN = {
    "evidence.schema.json": schema,
    "inversion.schema.json": inversion_schema,
    "audit.schema.json": config_file.schema,
}

if __name__ == "__main__":
    for name, written in WRITTEN.items():
        (PACKAGE / name).write_text(written(), encoding="utf-8")
