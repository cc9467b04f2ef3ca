"""How a plug-in and its parameters are written as one word: `name:key=value,key=value`."""

from collections.abc import Mapping
from typing import Any

from bareface.untrusted.yaml_text import read_yaml


def name_and_parameters(text: str) -> tuple[str, dict[str, Any]]:
    """The name and the parameters in `subject-compactness:k=5`; values are YAML scalars.

    Raises:
        UsageError: a value is no YAML.
    """
    name, _, rest = text.partition(":")
    pairs = [pair.partition("=") for pair in rest.split(",") if pair]
    return name, {key.strip(): read_yaml(value, text) for key, _, value in pairs}


def parameters_text(parameters: Mapping[str, Any]) -> str:
    """Parameters as `key=value,key=value`; empty where there are none."""
    return ",".join(f"{key}={value}" for key, value in parameters.items())
