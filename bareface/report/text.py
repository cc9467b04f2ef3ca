"""The report for a terminal: verdict, sentence, table, controls, and where the files are."""

import textwrap
from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.markup import escape

from bareface.records.evidence import Evidence
from bareface.report.clean import cleaned
from bareface.report.facts import WHY
from bareface.report.page import GameBlock, Page, page
from bareface.report.rows import NOT_RUN, Cell, FindingRow
from bareface.vocabulary import CONTROLS

WIDTH = 100
_WIDTHS = (16, 13, 20, 20, 14, 7)
_REASON_WIDTHS = (16, 82)
_SPOKEN_FPR = "1 %"


def render_text(evidence: Evidence) -> str:
    """The short report as plain text of at most 100 columns.

    Rich markup inside it is escaped, so that `rich.print` shows it as it is; colours are the caller's.
    """
    return escape("\n".join(_lines(page(cleaned(evidence)))) + "\n")


def _lines(content: Page) -> Iterator[str]:
    yield from (*_wrapped(content.title), "", content.badge.word, *_wrapped(content.sentence), "")
    yield from (*_wrapped(content.assignment), "")
    yield from (*_wrapped(content.plain.means), *_wrapped(f"What to do: {content.plain.advice}"))
    for game in content.games:
        yield from ("", *_game(game))
    for limit in content.limits:
        yield from ("", *_wrapped(limit, "limit: "))
    yield from ("", *_wrapped(content.selfcheck[0].value, "input: "))
    facts = {fact.name: fact.value for fact in content.target}
    if WHY in facts:
        yield from _wrapped(f"{facts['Input']}: {facts[WHY]}", "fed as: ")
    for sentence in content.hygiene:
        yield from ("", *_wrapped(sentence, "two sides: "))
    files = ", ".join(fact.name for fact in content.files) or "none recorded"
    yield from ("", *_wrapped(files, "files: "), *_wrapped(content.command, "again: "))


def _game(game: GameBlock) -> Iterator[str]:
    yield from _wrapped(f"{game.game.upper()} GAME: {game.question}")
    for sentence in game.balance:
        yield from _wrapped(sentence)
    column = game.fprs.index(_SPOKEN_FPR) if _SPOKEN_FPR in game.fprs else 0
    rate = f"TPR at {game.fprs[column]}" if game.fprs else "TPR"
    for group in game.groups:
        heads = (f"{group.knowledge}:", "verdict", "AUC per image", "AUC per person", rate, "p Holm")
        yield from ("", *_table_row(heads), "-" * (sum(_WIDTHS) + 2 * len(_WIDTHS) - 2))
        for row in group.rows:
            yield from _finding(row, column)


def _finding(row: FindingRow, column: int) -> Iterator[str]:
    if row.absence:
        yield from _table_row((row.attack, str(row.absence)), _REASON_WIDTHS)
        return
    image, person, *matched = row.units
    rate = _short(image.points[column]) if image.points else "not asked"
    yield from _table_row((row.attack, row.badge.word, str(image.auc), str(person.auc), rate, image.p.value))
    for unit in matched:
        yield from _wrapped(f"{unit.unit} ({', '.join(unit.counts)}): AUC {unit.auc}, p Holm {unit.p.value}", "  = ")
    run = [(kind, cell) for kind, cell in zip(CONTROLS, row.controls, strict=True) if cell.value != NOT_RUN]
    yield from _wrapped("; ".join(_beside(kind, cell) for kind, cell in run), "  Δ ")


def _short(rate: Cell) -> str:
    return f"{rate.value} {rate.lines[0]}" if rate.kind == "number" else str(rate)


def _beside(kind: str, control: Cell) -> str:
    return f"{kind} {control.beside or control}"


def _table_row(cells: Sequence[str], widths: Sequence[int] = _WIDTHS) -> Iterator[str]:
    columns = [textwrap.wrap(cell, width) or ["-"] for cell, width in zip(cells, widths, strict=True)]
    for i in range(max(map(len, columns))):
        line = (_padded(c[i] if i < len(c) else "", w) for c, w in zip(columns, widths, strict=True))
        yield "  ".join(line).rstrip()


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def _wrapped(text: str, lead: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=lead, subsequent_indent=" " * len(lead), break_on_hyphens=False)
