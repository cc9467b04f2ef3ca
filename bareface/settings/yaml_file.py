"""Settings in a YAML file."""

from pathlib import Path
from typing import Any

from bareface.errors import UsageError
from bareface.untrusted.regular import content_of, is_file, what_lies_at
from bareface.untrusted.yaml_text import read_yaml


def read_mapping(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        UsageError: the file is missing, is no YAML mapping, or holds more than a configuration does.
    """
    if not is_file(path):
        raise UsageError(str(path), got=what_lies_at(path), expected="a YAML configuration")
    try:
        values = read_yaml(content_of(path), str(path))
    except OSError as error:
        raise UsageError(str(path), got=error.strerror or str(error), expected="a readable configuration") from error
    if not isinstance(values, dict):
        raise UsageError(str(path), got=f"a {type(values).__name__}", expected="a YAML mapping")
    return values
