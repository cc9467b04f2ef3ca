"""Draws the house from its imports: python docs/architecture.py writes docs/architecture.svg.

Floors are the layers of the import contract in pyproject.toml; a line from a room to one further down says that it
imports it. Widths of lines grow with the number of importing modules.
"""

import ast
import tomllib
from collections import Counter
from html import escape
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "architecture.svg"
WIDTH, FLOOR, BOX, MARGIN = 1180, 92, 54, 16


def floors() -> list[list[str]]:
    """The rooms of each layer, from the top."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if one["type"] == "layers")
    return [[room.strip() for room in layer.split("|")] for layer in layers]


def uses(rooms: list[str]) -> Counter[tuple[str, str]]:
    """How many modules of a room import another room."""
    graph, found = grimp.build_graph("bareface", exclude_type_checking_imports=True), Counter[tuple[str, str]]()
    for module in graph.modules:
        reached = {room_of(one, rooms) for one in graph.find_modules_directly_imported_by(module)}
        found.update((room_of(module, rooms), other) for other in reached - {room_of(module, rooms), ""})
    return found


def room_of(module: str, rooms: list[str]) -> str:
    """The room in which a module stands; empty for the package itself."""
    return next((room for room in rooms if module == room or module.startswith(f"{room}.")), "")


def told(room: str) -> tuple[str, str]:
    """The size of a room, and what it is for: the first sentence of its docstring."""
    path = ROOT / room.replace(".", "/")
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    lines = sum(len(one.read_text().splitlines()) for one in files)
    page = ast.get_docstring(ast.parse((path / "__init__.py" if path.is_dir() else files[0]).read_text())) or ""
    size = f"{len(files)} files, {lines:,} lines" if path.is_dir() else f"{lines} lines"
    return size, page.split("\n\n")[0].replace("\n", " ")


def drawn() -> str:
    """The picture as SVG."""
    layers = floors()
    place = {}
    for floor, rooms in enumerate(layers):
        width = (WIDTH - MARGIN) / len(rooms)
        place |= {room: (MARGIN + width * n, MARGIN + FLOOR * floor, width - MARGIN) for n, room in enumerate(rooms)}
    lines, boxes = [], []
    for (above, below), count in sorted(uses(list(place)).items()):
        if above and below:
            (x, y, w), (u, v, t) = place[above], place[below]
            ends = f'x1="{x + w / 2:.0f}" y1="{y + BOX:.0f}" x2="{u + t / 2:.0f}" y2="{v:.0f}"'
            lines.append(f'<line {ends} stroke-width="{0.6 + min(count, 40) / 16:.1f}"/>')
    for room, (x, y, w) in place.items():
        size, purpose = told(room)
        name = escape(room.removeprefix("bareface."))
        boxes.append(
            f'<g><title>{escape(purpose)}</title><rect x="{x:.0f}" y="{y}" width="{w:.0f}" height="{BOX}" rx="6"/>'
            f'<text x="{x + w / 2:.0f}" y="{y + 23}" class="name">{name}</text>'
            f'<text x="{x + w / 2:.0f}" y="{y + 42}">{size}</text></g>'
        )
    height = FLOOR * len(layers) + MARGIN
    style = (
        "rect{fill:#f7f5f0;stroke:#4a4a4a}line{stroke:#7a8ba0;opacity:.55}"
        "text{font:12px sans-serif;text-anchor:middle;fill:#333}.name{font:bold 15px sans-serif}"
    )
    content = "\n".join([f"<style>{style}</style>", *lines, *boxes])
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}">\n{content}\n</svg>\n'


if __name__ == "__main__":
    TARGET.write_text(drawn(), encoding="utf-8")
