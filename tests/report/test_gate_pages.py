"""A gate in Markdown and JUnit XML, whatever stands in it."""

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from bareface.records.gate import GateLine, GateRecord
from bareface.report.gate import gate_junit, gate_markdown, gate_text
from bareface.vocabulary import Verdict

OUTCOMES = st.sampled_from(["passed", "failed", "inconclusive"])
LINES = st.builds(GateLine, rule=st.text(), outcome=OUTCOMES, why=st.text(), finding=st.text(), value=st.floats(0, 1),
                  set_aside=st.tuples(st.text()))  # fmt: skip


def record(lines: tuple[GateLine, ...], title: str = "release 4") -> GateRecord:
    told = {"schema_version": "1.0", "verdict": Verdict.NOT_SHOWN, "result_sha256": "", "outcome": "inconclusive"}
    return GateRecord(**told, title=title, sentence="Inconclusive.", lines=lines)  # type: ignore[arg-type]


@given(st.lists(LINES, max_size=3), st.text())
def test_every_gate_is_sound_xml_with_a_test_for_each_rule(lines: list[GateLine], title: str) -> None:
    root = ElementTree.fromstring(gate_junit(record(tuple(lines), title)))
    tests = list(root.iter("testcase"))
    assert len(tests) == max(1, len(lines))
    assert sum(len(test) == 0 for test in tests) == sum(line.outcome == "passed" for line in lines)


@given(st.lists(LINES, min_size=1, max_size=3), st.text())
def test_a_table_keeps_one_row_for_each_rule_of_six_cells(lines: list[GateLine], title: str) -> None:
    page = gate_markdown(record(tuple(lines), title))
    rows = [row for row in page.splitlines() if row.startswith("| ")]
    assert len(rows) == len(lines) + 2
    assert {row.replace(r"\|", "").count("|") for row in rows} == {7}
    assert "<" not in page.replace(r"\<", "")


def test_a_gate_without_rules_is_no_empty_and_green_list() -> None:
    (test,) = ElementTree.fromstring(gate_junit(record(()))).iter("testcase")
    assert [child.tag for child in test] == ["error"]


def test_folders_and_control_characters_stay_out() -> None:
    line = GateLine(rule="leak", outcome="failed", why="see /home/anna/faces \x1b[31m\u202e")
    for page in (gate_junit, gate_markdown, gate_text):
        assert not [word for word in ("anna", "\x1b", "\u202e") if word in page(record((line,)))]
