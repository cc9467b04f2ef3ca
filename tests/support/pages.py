"""What tests of pages read: tags and text of a page, and records whose every text is changed."""

from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any

VOID = {"meta", "br", "path", "circle", "use", "link", "img"}


class Reader(HTMLParser):
    """Tags with attributes, and the text of every table cell and of the page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("td", "th"):
            self.cells.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if {"td", "th"} & set(self.open):
            self.cells[-1] += data

    def all(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for name, attributes in self.tags if name == tag)


def map_text(value: Any, change: Callable[[str], str], fixed: frozenset[str]) -> Any:
    """A model dump with every free text changed, except under the keys `fixed`."""
    if isinstance(value, dict):
        return {key: item if key in fixed else map_text(item, change, fixed) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return tuple(map_text(item, change, fixed) for item in value)
    return change(value) if type(value) is str else value
