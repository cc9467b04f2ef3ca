"""How often verdicts are wrong on real faces: python -m benchmarks.validity [TABLE ...] [--audits N]

TABLE: nulls, tilts, pictures, reversed, power; all of them where none is named. Nobody on these pictures was in the
training of the audited network, so every LEAK SHOWN without a planted leak is false. Everybody is probed once (some
minutes), then an audit takes about a second; a table that was cut short goes on where it was.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bareface.records.evidence import Measurement
from bareface.storage.files import write_text
from bareface.streams import stream
from bareface.vocabulary import Verdict
from benchmarks.tables import rate
from benchmarks.validity.counted import coverage, false_positive_rates, numbers
from benchmarks.validity.rows import NULLS, POWER, REVERSED, TILTS, Row, processed_rows
from benchmarks.validity.world import PROCESSINGS, Audited, Pool, audit, pool, processed

HOME = Path("runs/validity")
TABLES = ("nulls", "tilts", "pictures", "reversed", "power")
SEED = 20261130


def rows_of(name: str, whole: Pool) -> tuple[Row, ...]:
    """The rows of a table."""
    if name == "pictures":
        return tuple(processed_rows({how: processed(whole, how, HOME) for how in PROCESSINGS}))
    return {"nulls": NULLS, "tilts": TILTS, "reversed": REVERSED, "power": POWER}[name]


def outcome(done: Audited) -> dict[str, Any]:
    """What the tables need of an audit."""
    findings = [finding for finding in done.found.findings if finding.image is not None]
    return {
        "verdict": str(done.verdict),
        "raw": _best([finding.image for finding in findings if finding.image]),
        "matched": _best([finding.matched.measurement for finding in findings if finding.matched]),
        "who": [balance.auc for balance in done.found.balances],
        "effective": [balance.effective_members for balance in done.found.balances],
        "findings": [numbers(finding) for finding in findings],
    }


def audits(row: Row, whole: Pool, count: int) -> list[dict[str, Any]]:
    """The outcomes of a row; those that are there already are not made again."""
    path = HOME / "audits" / f"{row.name.replace(' ', '-').replace('/', '-')}-{row.how}.json"
    known = json.loads(path.read_text()) if path.exists() else []
    for number in range(len(known), count):
        rng = stream(SEED, row.name, number)
        known.append(outcome(audit(whole, row.make(whole, rng), row.how, seed=number)))
        if number % 10 == 9 or number + 1 == count:
            write_text(path, json.dumps(known))
    return known[:count]


def line(row: Row, known: list[dict[str, Any]]) -> list[str]:
    """A row of a table."""
    counts = Counter(one["verdict"] for one in known)
    called = [counts[str(verdict)] for verdict in (Verdict.LEAK_SHOWN, Verdict.INVALID)]
    cells = [f"{count} ({rate(count, len(known))})" for count in called]
    means = [_mean(one[name] for one in known) for name in ("who", "raw", "matched")]
    return [row.name, row.how, str(len(known)), *cells, *means]


def _best(measured: list[Measurement]) -> float | None:
    return max((one.auc for one in measured if one.auc is not None), default=None)


def _mean(values: Iterator[Any]) -> str:
    known = [np.mean(value) for value in values if value not in (None, []) and value != [None]]
    return f"{np.mean(known):.2f}" if known else "-"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", choices=[*TABLES, []], default=list(TABLES))
    parser.add_argument("--audits", type=int, default=100)
    parser.add_argument("--rows", default="", help="only rows with this in their name")
    asked = parser.parse_args()
    whole = pool(HOME)
    heads = ("roster", "told", "audits", "LEAK SHOWN", "INVALID", "who", "best raw AUC", "best matched AUC")
    for name in asked.tables or TABLES:
        done = [(row, audits(row, whole, asked.audits)) for row in rows_of(name, whole) if asked.rows in row.name]
        print(f"\n{name}\n\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
        print("\n".join(f"| {' | '.join(line(row, known))} |" for row, known in done), flush=True)
        if name == "nulls":
            print("\n".join(f"{row.name}, {row.how}: {false_positive_rates(known)}" for row, known in done))
        if name in ("nulls", "power"):
            print("\n".join(f"{row.name}, {row.how}: {coverage(known)}" for row, known in done), flush=True)


if __name__ == "__main__":
    main()
