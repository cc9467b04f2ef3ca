"""A gate in words: for a terminal, as Markdown for the page of a pipeline, as JUnit XML for its list of tests."""

import re
from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR
from xml.etree import ElementTree

from bareface.records import numbers
from bareface.records.gate import GateLine, GateRecord
from bareface.records.measurement import Interval
from bareface.report.clean import visible, without_folders

_NO_XML = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#|!~&])")


def gate_text(gate: GateRecord) -> str:
    """The gate for a terminal: the outcome, then two lines for each rule."""
    return "\n".join([_shown(gate.sentence), *(_shown(text) for line in gate.lines for text in _texts(line))]) + "\n"


def gate_markdown(gate: GateRecord) -> str:
    """The gate as Markdown: a heading, a sentence, a table with one row for each rule."""
    rows = [row("rule", "outcome", "value", "judged at", "decided by", "why"), row(*["---"] * 6)]
    rows += [row(*(escaped(cell) for cell in _cells(line))) for line in gate.lines]
    head = f"### bareface gate: {gate.outcome}\n\n{escaped(gate.sentence)} "
    verdict = f"Verdict of the audit “{escaped(gate.title)}”: {gate.verdict.value}.\n"
    aside = [f"- {escaped(text)}" for line in gate.lines for text in line.set_aside]
    asides = ["", "Not run:", "", *dict.fromkeys(aside)] if aside else []
    return "\n".join([head + verdict, *(rows if gate.lines else []), *asides]) + "\n"


def gate_junit(gate: GateRecord) -> str:
    """The gate as JUnit XML: a test for each rule; one that could not be decided is an error, never green."""
    lines = gate.lines or (GateLine(rule="nothing was asked", outcome=gate.outcome, why=gate.sentence),)
    counts = {"tests": len(lines), "failures": _count(lines, "failed"), "errors": _count(lines, "inconclusive")}
    told = {name: str(count) for name, count in counts.items()}
    root = ElementTree.Element("testsuites", told)
    suite = ElementTree.SubElement(root, "testsuite", {"name": "bareface gate", "skipped": "0", **told})
    for line in lines:
        test = ElementTree.SubElement(suite, "testcase", {"classname": "bareface.gate", "name": _shown(line.rule)})
        if line.outcome != "passed":
            kind = "failure" if line.outcome == "failed" else "error"
            about = {"type": line.outcome, "message": _shown(line.why)}
            ElementTree.SubElement(test, kind, about).text = "\n".join(map(_shown, _texts(line)))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _count(lines: tuple[GateLine, ...], outcome: str) -> int:
    return sum(line.outcome == outcome for line in lines)


def _texts(line: GateLine) -> Iterator[str]:
    _, _, value, _, finding, why = _cells(line)
    found = f" ({finding}{': ' + value if value else ''})" if finding else ""
    yield f"{line.outcome:12}  {line.rule}{found}"
    yield f"{'':14}{why}"
    for text in line.set_aside:
        yield f"{'':14}not run: {text}"


def _cells(line: GateLine) -> tuple[str, ...]:
    """Rule, outcome, value with its interval, the bound at which it was judged, whose finding it is, why."""
    value = "" if line.value is None else numbers.auc(line.value)
    if line.low is not None and line.high is not None:
        value += f" {numbers.interval(Interval(low=line.low, high=line.high))}"
    outwards = ROUND_FLOOR if line.outcome == "failed" else ROUND_CEILING
    bound = "" if line.bound is None else numbers.auc(line.bound, outwards)
    return line.rule, line.outcome, value, bound, line.finding, line.why


def row(*cells: str) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def escaped(text: str) -> str:
    """The text for a cell of a Markdown table, nothing in it that would be markup."""
    return _MARKUP.sub(r"\\\1", _shown(text))


def _shown(text: str) -> str:
    """The text on one line, nothing in it that XML or a terminal would stumble over, and no folders."""
    return _NO_XML.sub("?", without_folders(visible(text)).replace("\n", " "))
