"""What docs/backbones.md says, read back from its tables."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "backbones.md"


def table(*header: str) -> list[list[str]]:
    """The cells of the table whose columns begin so, row by row."""
    lines = PAGE.read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("| " + " | ".join(header)))
    rows: list[list[str]] = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def code(cell: str) -> list[str]:
    """What stands in code font."""
    return re.findall(r"`([^`]+)`", cell)


def nets() -> dict[str, tuple[str, int]]:
    """Net -> its family and how many BatchNorm layers it has."""
    return {
        name: (code(row[0])[0], int(layers))
        for row in table("family", "zoo")
        for name, layers in re.findall(r"`([\w.-]+)` (\d+)", row[2])
    }
