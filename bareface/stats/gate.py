"""From findings and a policy to passed, failed or inconclusive; never passed for want of an answer.

A number is judged at an end of its 95 % interval. A rule fails where the *lower* end lies beyond the limit and the
verdict on that finding is LEAK SHOWN. It passes where the *upper* ends of all findings lie within the limit. Whatever
lies between is inconclusive: too few people to tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bareface.records.evidence import Finding, Interval
from bareface.records.gate import GateLine, Outcome
from bareface.settings.policy import Policy, Rule
from bareface.stats.overall import overall, verdicts_by_game
from bareface.vocabulary import Verdict

BY_VERDICT: dict[Verdict, Outcome] = {
    Verdict.LEAK_SHOWN: "failed",
    Verdict.NOT_SHOWN: "passed",
    Verdict.INVALID: "inconclusive",
    Verdict.NOT_ESTIMABLE: "inconclusive",
}
"""What a verdict says where a leak is what is asked about: what could not be decided has not passed."""
_ORDER: tuple[Outcome, ...] = ("failed", "inconclusive", "passed")


def judge(findings: Sequence[Finding], policy: Policy) -> tuple[GateLine, ...]:
    """One line for each rule of a policy, then one for the power that it requires.

    Args:
        findings: those on which the audit's verdict rests.
        policy: what is asked.
    """
    lines = [
        _of_leak(rule, findings) if rule.metric == "leak" else _of_number(rule, findings) for rule in policy.fail_if
    ]
    if policy.require_visible is not None:
        lines.append(_of_power(policy.require_visible, findings))
    return tuple(lines)


def outcome_of(lines: Sequence[GateLine], policy: Policy) -> Outcome:
    """Failed where a line failed; else inconclusive where one is, or where no rule was asked; else passed."""
    found = {line.outcome for line in lines}
    if not policy.fail_if:
        found.add("inconclusive")
    return next(outcome for outcome in _ORDER if outcome in found)


def _of_leak(rule: Rule, findings: Sequence[Finding]) -> GateLine:
    """What the verdict over the findings says, as on the page."""
    asked = _asked(rule, findings)
    if not asked:
        return GateLine(rule=str(rule), outcome="inconclusive", why=_not_asked(rule))
    verdict = overall(verdicts_by_game(asked))
    carrying = [finding for finding in asked if finding.verdict is verdict]
    aside = tuple(_named(one) + ": " + one.reason for one in asked if one.verdict is None)
    said = f"{len(carrying)} of {len(asked)} findings" if carrying else "no attack could be run"
    line = GateLine(
        rule=str(rule), outcome=BY_VERDICT[verdict], why=f"{verdict.value}: {said}.", judged=len(asked) - len(aside),
        set_aside=aside,
    )  # fmt: skip
    first = max(carrying, key=_low, default=None)
    return line if first is None else _with_number(line, first, _auc(first)).model_copy(update={"bound": None})


@dataclass(frozen=True)
class _Number:
    """A number with its interval; or why there is none."""

    value: float | None = None
    interval: Interval | None = None
    missing: str = ""


@dataclass(frozen=True)
class _Judged:
    """What one finding says of a rule; `aside` where the attack cannot be run, and others of its game may."""

    finding: Finding
    outcome: Outcome
    why: str
    number: _Number = _Number()
    aside: bool = False


def _of_number(rule: Rule, findings: Sequence[Finding]) -> GateLine:
    asked = _asked(rule, findings)
    if not asked:
        return GateLine(rule=str(rule), outcome="inconclusive", why=_not_asked(rule))
    judged = [_judged(rule, finding) for finding in asked]
    counted = [one for one in judged if not one.aside]
    silent = [one for one in judged if one.finding.game not in {other.finding.game for other in counted}]
    aside = tuple(f"{_named(one.finding)}: {one.why}" for one in judged if one.aside)
    decided = _deciding([*counted, *silent])
    line = GateLine(
        rule=str(rule), outcome=decided.outcome, why=decided.why, finding=_named(decided.finding), judged=len(counted),
        set_aside=aside,
    )  # fmt: skip
    return line if decided.aside else _with_number(line, decided.finding, decided.number)


def _deciding(judged: Sequence[_Judged]) -> _Judged:
    """The finding that decides: of the worst outcome the one that reaches farthest."""
    worst = next(outcome for outcome in _ORDER if outcome in {one.outcome for one in judged})
    return max((one for one in judged if one.outcome == worst), key=_reach)


def _reach(judged: _Judged) -> float:
    interval = judged.number.interval
    return -1.0 if interval is None else interval.low if judged.outcome == "failed" else interval.high


def _judged(rule: Rule, finding: Finding) -> _Judged:
    if finding.status == "failed":
        return _Judged(finding, "inconclusive", f"The attack failed: {finding.reason}")
    if finding.verdict is None:
        return _Judged(finding, "inconclusive", f"The attack abstained: {finding.reason}", aside=True)
    if finding.verdict is Verdict.NOT_ESTIMABLE:
        return _Judged(finding, "inconclusive", finding.sentence)
    number = _auc(finding) if rule.metric == "auc" else _tpr(finding, rule.fpr)
    if number.interval is None:
        return _Judged(finding, "inconclusive", number.missing)
    if finding.verdict is Verdict.INVALID:
        return _Judged(finding, "inconclusive", f"INVALID: {finding.sentence}", number)
    return _against(rule, finding, number, number.interval)


def _against(rule: Rule, finding: Finding, number: _Number, interval: Interval) -> _Judged:
    """A number beside the limit of a rule."""
    if _beyond(rule, interval.low):
        if finding.verdict is Verdict.LEAK_SHOWN:
            return _Judged(finding, "failed", "The lower end of the interval lies beyond the limit.", number)
        why = f"The interval lies beyond the limit, but the verdict on it is {finding.verdict}: not shown to be memory."
        return _Judged(finding, "inconclusive", why, number)
    if not _beyond(rule, interval.high):
        return _Judged(finding, "passed", "The upper end of the interval lies within the limit.", number)
    return _Judged(finding, "inconclusive", "The limit lies inside the interval: more people would tell.", number)


def _beyond(rule: Rule, value: float) -> bool:
    return value > rule.limit or (rule.comparison == ">=" and value == rule.limit)


def _with_number(line: GateLine, finding: Finding, number: _Number) -> GateLine:
    """The line with what decided it; it is judged at the upper end unless it failed."""
    interval = number.interval
    ends = {} if interval is None else {"low": interval.low, "high": interval.high}
    bound = None if interval is None else interval.low if line.outcome == "failed" else interval.high
    found = {"finding": _named(finding), "value": number.value, "bound": bound, **ends}
    return line.model_copy(update=found)


def _of_power(visible: float, findings: Sequence[Finding]) -> GateLine:
    """Whether every attack showed a leak, or could have shown one as small as this."""
    rule = f"require visible {visible:g}"
    decided = [one for one in findings if one.verdict in (Verdict.LEAK_SHOWN, Verdict.NOT_SHOWN)]
    if not decided:
        return GateLine(rule=rule, outcome="inconclusive", why="No attack gave an answer.")
    seen = {id(one): _smallest(one) for one in decided if one.verdict is Verdict.NOT_SHOWN}
    if not seen:
        return GateLine(rule=rule, outcome="passed", why="A leak was shown.", judged=len(decided))
    weakest = max((one for one in decided if id(one) in seen), key=lambda one: seen[id(one)])
    reached = seen[id(weakest)]
    enough = reached <= visible
    return GateLine(
        rule=rule, outcome="passed" if enough else "inconclusive", finding=_named(weakest), value=reached,
        bound=reached, judged=len(decided),
        why=f"The weakest of these attacks would have shown an AUC of {reached:.3f} with 80 % power"
        + ("." if enough else ": too little power, bring more people."),
    )  # fmt: skip


def _asked(rule: Rule, findings: Sequence[Finding]) -> list[Finding]:
    return [one for one in findings if rule.game in (None, one.game) and rule.knowledge in (None, one.knowledge)]


def _not_asked(rule: Rule) -> str:
    game = f"the {rule.game} game" if rule.game else "a game"
    known = f" with {rule.knowledge} knowledge" if rule.knowledge else ""
    return f"Nothing was asked about {game}{known}."


def _named(finding: Finding) -> str:
    return f"{finding.label}, {finding.game} game, {finding.knowledge}"


def _smallest(finding: Finding) -> float:
    """The smallest AUC that the verdict would have shown: of matched people with what matching may leave."""
    return 1.0 if finding.visible is None else finding.visible


def _low(finding: Finding) -> float:
    interval = _auc(finding).interval
    return -1.0 if interval is None else interval.low


def _auc(finding: Finding) -> _Number:
    measured = finding.rests_on
    if measured is None or measured.auc_interval is None:
        return _Number(missing=finding.sentence or "there is no AUC")
    return _Number(measured.auc, measured.auc_interval)


def _tpr(finding: Finding, fpr: float | None) -> _Number:
    """The true positive rate of the sides as they stand: matched people have no rates."""
    measured = finding.asked
    points = () if measured is None else measured.operating_points
    point = next((one for one in points if one.nominal_fpr == fpr), None)
    if point is None:
        return _Number(missing=f"No true positive rate at {fpr:g} was counted.")
    if point.true_positive is None:
        needed = f"{point.negatives_needed:,} non-members are needed, {point.negatives:,} are there"
        return _Number(missing=f"A rate at {fpr:g} needs more people: {needed}.")
    return _Number(point.true_positive.rate, point.true_positive.interval)
