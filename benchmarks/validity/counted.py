"""Whether the numbers of many audits keep what they promise: counted false positives, and the coverage of intervals."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np

from bareface.records.evidence import Finding, Measurement, Share

Outcomes = list[dict[str, Any]]
Shares = list[tuple[int, int, float, float]]
"""Events, trials, and the interval of their rate."""


def numbers(finding: Finding) -> dict[str, Any]:
    """The numbers of a finding: its measurement as the sides stand, and on matched people where they were matched."""
    matched = finding.matched.measurement if finding.matched else None
    return {"attack": finding.label, "game": finding.game, "raw": _numbers(finding.image), "matched": _numbers(matched)}


def false_positive_rates(known: Outcomes) -> str:
    """Counted false positives at nominal rates over all attacks of a row, and how often their interval holds those."""
    points = _by(known, "false")
    said = []
    for nominal, shares in sorted(points.items(), reverse=True):
        said.append(f"{nominal:g}: {_pooled(shares):.4f}, {_holding(shares, nominal):.1%} hold it")
    return "; ".join(said)


def coverage(known: Outcomes) -> str:
    """How often intervals hold the mean of all audits of the row, which stands for the truth; for AUC and rates."""
    aucs = defaultdict[tuple[str, str], list[tuple[float, float, float]]](list)
    for one in known:
        for finding in one["findings"]:
            if (raw := finding["raw"]) and raw["auc"] is not None:
                aucs[finding["attack"], finding["game"]].append((raw["auc"], raw["low"], raw["high"]))
    held = [low <= np.mean([auc for auc, _, _ in same]) <= high for same in aucs.values() for _, low, high in same]
    said = [f"AUC {np.mean(held):.1%}"] if held else []
    for side in ("true", "false"):
        for nominal, shares in sorted(_by(known, side).items(), reverse=True):
            said.append(f"{side} positives at {nominal:g}: {_holding(shares, _pooled(shares)):.1%}")
    return ", ".join(said)


def _pooled(shares: Shares) -> float:
    """The rate over all audits together."""
    return sum(share[0] for share in shares) / sum(share[1] for share in shares)


def _holding(shares: Shares, truth: float) -> float:
    """How many of the intervals hold a rate."""
    return float(np.mean([low <= truth <= high for _, _, low, high in shares]))


def _by(known: Outcomes, kind: str) -> dict[float, Shares]:
    points = defaultdict[float, Shares](list)
    for one in known:
        for finding in one["findings"]:
            for point in (finding["raw"] or {"points": ()})["points"]:
                if point[kind] is not None:
                    points[point["nominal"]].append(tuple(point[kind]))
    return points


def _numbers(measured: Measurement | None) -> dict[str, Any] | None:
    if measured is None:
        return None
    interval = measured.auc_interval
    return {
        "auc": measured.auc,
        "low": interval and interval.low,
        "high": interval and interval.high,
        "p": measured.p_value,
        "effect": measured.smallest_effect,
        "points": [
            {"nominal": point.nominal_fpr, "true": _share(point.true_positive), "false": _share(point.false_positive)}
            for point in measured.operating_points
        ],
    }


def _share(share: Share | None) -> Iterable[float] | None:
    return share and (share.events, share.trials, share.interval.low, share.interval.high)
