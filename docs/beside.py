"""What the site shows besides docs/: the README as its first page, the decisions in design/, the notebook.

mkdocs calls these two functions. Pages stay plain Markdown whose links work in the repository; here they are turned to
where the site has the page.
"""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
HOME = "index.md"
BESIDE = ("design/*.md", "examples/*.ipynb", "CHANGELOG.md", "SECURITY.md", "CONTRIBUTING.md")


def on_files(files: Files, config: Any) -> Files:
    """Add what lies beside docs/."""
    files.append(File.generated(config, HOME, abs_src_path=str(ROOT / "README.md")))
    for path in sorted(one for pattern in BESIDE for one in ROOT.glob(pattern)):
        files.append(File.generated(config, str(path.relative_to(ROOT)), abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links as the site has them: what is docs/x.md in the repository is x.md here, and design/ lies inside."""
    source, inside = page.file.src_uri, "/" in page.file.src_uri
    shown = re.sub(r"\]\((?:\.\./)?docs/", "](../" if inside else "](", markdown)
    shown = shown if inside else re.sub(r"\]\(\.\./", "](", shown)
    return shown.replace("](design/)", "](design/README.md)") if source == HOME else shown
