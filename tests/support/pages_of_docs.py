"""The pages of the documentation, and the blocks of code in them."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_TRACKED = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
PAGES = sorted(ROOT / name for name in _TRACKED.split())
_BLOCK = re.compile(r"(?:^<!-- not run: (?P<why>[^\n]+) -->\n)?^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """A block of code.

    Attributes:
        page: where it stands.
        line: of its first line of code.
        language: what is written behind the fence.
        code: without the fences.
        why_not: why it is not run; empty where it is.
    """

    page: Path
    line: int
    language: str
    code: str
    why_not: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    """The blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(page, text.count("\n", 0, found.start("code")) + 1, found["language"], found["code"], found["why"] or "")
        for found in _BLOCK.finditer(text)
    ]


def without_blocks(page: Path) -> str:
    """A page less its blocks of code."""
    return re.sub(r"(?ms)^```.*?^```$", "", page.read_text(encoding="utf-8"))
