"""How large the page of an audit is: `python -m benchmarks.speed.page_size RUN`; of a finished run, and of 60 attacks.

The second is the record of the run with each of its findings under as many names as make 60 attacks, in every game and
with every prior knowledge that was asked.
"""

import sys
from pathlib import Path

from bareface.auditing.gating import with_access
from bareface.records.evidence import Evidence, read_evidence
from bareface.report import render_html

ATTACKS = 60


def main(run: Path) -> None:
    """Render both pages and print their sizes."""
    evidence = read_evidence(run)
    evidence = evidence.model_copy(update={"findings": with_access(evidence.findings)})
    for name, shown in (("the run", evidence), (f"{ATTACKS} attacks", grown(evidence, ATTACKS))):
        size = len(render_html(shown).encode())
        attacks = len({finding.label for finding in shown.findings})
        print(f"{name}: {attacks} attacks, {len(shown.findings)} findings, {size / 1000:,.0f} kB")


def grown(evidence: Evidence, attacks: int) -> Evidence:
    """The same record with so many attacks."""
    labels = list(dict.fromkeys(finding.label for finding in evidence.findings))
    cards = {card.attack: card for card in evidence.cards}
    findings, more = [], []
    for number in range(attacks):
        label, name = labels[number % len(labels)], f"attack-{number:02d}"
        alike = [finding for finding in evidence.findings if finding.label == label]
        findings += [finding.model_copy(update={"attack": name, "title": name}) for finding in alike]
        more.append(cards[alike[0].attack].model_copy(update={"attack": name}))
    return evidence.model_copy(update={"findings": tuple(findings), "cards": tuple(more), "exposures": ()})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
