"""Every link of a page inside the repository leads somewhere, and to a heading that is there."""

import re
import subprocess
from pathlib import Path

import pytest
from pages_of_docs import PAGES, ROOT, without_blocks

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def links_of(page: Path) -> list[str]:
    """Where a page links to; words in backquotes are no links."""
    return list(LINK.findall(re.sub(r"`[^`\n]+`", "", without_blocks(page))))


def anchors(page: Path) -> set[str]:
    """The headings of a page as links name them: small letters, words joined by hyphens; a repeated one counts."""
    found: list[str] = []
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", without_blocks(page), re.M):
        plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        found.append(re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-"))
    counted = dict.fromkeys(found, 0)
    told = set()
    for name in found:
        told.add(f"{name}-{counted[name]}" if counted[name] else name)
        counted[name] += 1
    return told


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings_that_are_there(page: Path) -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    known = {ROOT / name for name in tracked} | {(ROOT / name).parent for name in tracked}
    lost = []
    for link in links_of(page):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        if target not in known or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert not lost


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, todo = set[Path](), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        reached.add(page)
        links = (link.partition("#")[0] for link in links_of(page))
        todo += {page.parent.joinpath(one).resolve() for one in links if one.endswith(".md")} - reached
    assert not [page.name for page in PAGES if page.parent.name == "docs" and page not in reached]
