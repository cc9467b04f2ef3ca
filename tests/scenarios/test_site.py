"""The pages as a site: every page has its place, and nothing is loaded from elsewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOADED = re.compile(
    r"<(?:script|img|iframe|source)\b[^>]*\bsrc=[\"']?(?:https?:)?//|<link\b[^>]*\bhref=[\"']?(?:https?:)?//"
)


def test_every_page_has_its_place_in_the_contents() -> None:
    listed = set(re.findall(r": (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.M))
    assert listed == {path.name for path in (ROOT / "docs").glob("*.md")} | {"index.md", "design/README.md"}


def test_it_builds_without_a_warning_and_loads_nothing(tmp_path: Path) -> None:
    pytest.importorskip("material", reason="the extra bareface[docs] is not installed")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    pages = {path: path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.html")}
    assert len(pages) > len(list((ROOT / "docs").glob("*.md")))
    assert not [path.name for path, text in pages.items() if LOADED.search(text)]
    assert not [
        path.name for path in tmp_path.rglob("*.css") if re.search(r"url\([\"']?(https?:)?//", path.read_text())
    ]
    home = pages[tmp_path / "index.html"]
    assert 'href="first-audit.html"' in home
    assert 'href="design/index.html"' in home
    assert (tmp_path / "examples/quickstart.ipynb").is_file()
