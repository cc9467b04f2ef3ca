"""The report for a terminal: verdict, sentence, table, controls, and where the files are."""

import textwrap
from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.markup import escape

from bareface.records.evidence import Evidence
from bareface.report.cells import NOT_RUN, Cell
from bareface.report.clean import cleaned
from bareface.report.facts import WHY
from bareface.report.page import GameBlock, Page, page
from bareface.report.prose import CEILING
from bareface.report.rows import FindingRow
from bareface.vocabulary import CONTROLS

WIDTH, NARROWEST = 100, 60
# Shares of a line: attack, verdict, AUC per image, per person, rate, p.
_SHARES = (16, 13, 20, 20, 14, 7)
_GAP = 2
_SPOKEN_FPR = "1 %"


def render_text(evidence: Evidence, width: int = WIDTH) -> str:
    """The short report as plain text of at most `width` columns, within 60 and 100; long words may stick out.

    Rich markup inside it is escaped, so that `rich.print` shows it as it is; colours are the caller's.
    """
    lines = _Lines(min(max(width, NARROWEST), WIDTH))
    return escape("\n".join(lines.of(page(cleaned(evidence)))) + "\n")


class _Lines:
    """The lines of a report at one width."""

    def __init__(self, width: int) -> None:
        room = width - _GAP * (len(_SHARES) - 1)
        shares = [max(5, share * room // sum(_SHARES)) for share in _SHARES]
        self.width = width
        self.columns = (*shares[:-1], max(5, room - sum(shares[:-1])))
        self.reason_columns = (shares[0], width - _GAP - shares[0])

    def of(self, content: Page) -> Iterator[str]:
        """Every line of the report."""
        yield from (*self._wrapped(content.title), "", content.badge.word)
        for sentence in content.short:
            yield from self._wrapped(sentence)
        yield from ("", *self._wrapped(content.sentence), "", *self._wrapped(content.assignment), "")
        yield from (*self._wrapped(content.plain.means), *self._wrapped(f"What to do: {content.plain.advice}"))
        yield from ("", "NOT ASSESSED")
        for one in content.missing:
            yield from self._wrapped(f"{one.what}: {one.why} [{one.asks}]", "- ")
        for game in content.games:
            yield from ("", *self._game(game))
        for sentence in content.planted:
            yield from ("", *self._wrapped(sentence, "planted: "))
        for limit in content.limits:
            yield from ("", *self._wrapped(limit, "limit: "))
        yield from ("", *self._wrapped(content.selfcheck[0].value, "input: "))
        facts = {fact.name: fact.value for fact in content.target}
        if WHY in facts:
            yield from self._wrapped(f"{facts['Input']}: {facts[WHY]}", "fed as: ")
        for sentence in content.hygiene:
            yield from ("", *self._wrapped(sentence, "two sides: "))
        files = ", ".join(fact.name for fact in content.files) or "none recorded"
        yield from ("", *self._wrapped(files, "files: "), *self._wrapped(content.command, "again: "))

    def _game(self, game: GameBlock) -> Iterator[str]:
        yield from self._wrapped(f"{game.game.upper()} GAME: {game.question}")
        for sentence in game.balance:
            yield from self._wrapped(sentence)
        column = game.fprs.index(_SPOKEN_FPR) if _SPOKEN_FPR in game.fprs else 0
        rate = f"TPR at {game.fprs[column]}" if game.fprs else "TPR"
        for group in game.groups:
            heads = (f"{group.knowledge}:", "verdict", "AUC per image", "AUC per person", rate, "p Holm")
            yield from ("", *self._table_row(heads), "-" * self.width)
            for row in group.rows:
                yield from self._finding(row, column)
        if game.ceiling:
            yield from ("", *self._wrapped(CEILING), "-" * self.width)
            for row in game.ceiling:
                yield from self._finding(row, column)

    def _finding(self, row: FindingRow, column: int) -> Iterator[str]:
        if row.absence:
            yield from self._table_row((row.attack, str(row.absence)), self.reason_columns)
            return
        image, person, *matched = row.units
        attack = f"{row.attack}, {row.access}"
        rate = _short(image.points[column]) if image.points else "not asked"
        yield from self._table_row((attack, row.badge.word, str(image.auc), str(person.auc), rate, image.p.value))
        for unit in matched:
            said = f"{unit.unit} ({', '.join(unit.counts)}): AUC {unit.auc}, p Holm {unit.p.value}"
            yield from self._wrapped("; ".join(filter(None, (said, unit.beside))), "  = ")
        run = [(kind, cell) for kind, cell in zip(CONTROLS, row.controls, strict=True) if cell.value != NOT_RUN]
        yield from self._wrapped("; ".join(_beside(kind, cell) for kind, cell in run), "  Δ ")

    def _table_row(self, cells: Sequence[str], widths: Sequence[int] | None = None) -> Iterator[str]:
        widths = widths or self.columns
        columns = [textwrap.wrap(cell, width) or ["-"] for cell, width in zip(cells, widths, strict=True)]
        for i in range(max(map(len, columns))):
            line = (_padded(c[i] if i < len(c) else "", w) for c, w in zip(columns, widths, strict=True))
            yield "  ".join(line).rstrip()

    def _wrapped(self, text: str, lead: str = "") -> list[str]:
        return textwrap.wrap(
            text, self.width, initial_indent=lead, subsequent_indent=" " * len(lead), break_on_hyphens=False
        )


def _short(rate: Cell) -> str:
    return f"{rate.value} {rate.lines[0]}" if rate.kind == "number" else str(rate)


def _beside(kind: str, control: Cell) -> str:
    return f"{kind} {control.beside or control}"


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))
