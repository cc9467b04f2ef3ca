"""From judged arms to a verdict, the pattern behind it, and the sentence that says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bareface.errors import UsageError
from bareface.records.evidence import Interval
from bareface.records.inversion import Arm, ArmName, Excess, GalleryCard, Judgement, Reading, WinRate
from bareface.stats.inversion.spread import effective_share
from bareface.stats.multiplicity import holm
from bareface.vocabulary import Verdict

ALPHA = 0.05
MAX_FACELESS = 0.5
FEW, HUB = 10.0, 1 / 3
"""Fewer effective training identities than this, or one with this share of the wins, is a leak of a few people."""
CONTROLS: tuple[ArmName, ...] = ("base", "placebo")


@dataclass(frozen=True)
class InversionDecision:
    """A verdict, the row of the table that it comes from, and the sentence that says why."""

    verdict: Verdict
    reading: Reading
    sentence: str


def decide(arms: Sequence[Arm], galleries: GalleryCard) -> InversionDecision:
    """The verdict on one inversion; the first row that applies.

    An arm is *detected* by a judge when its Holm-adjusted p-value (over judges) is below .05 and the interval of its
    win rate lies above .5. It *exceeds* a control arm when the interval of the difference lies above 0, or the control
    is at or below .5.

    1. NOT ESTIMABLE, too few: the optimised arm was not run, more than half of its images have no face, or there are
       too few people or images.
    2. INVALID, confounded: chance did not decide who was trained on, and no blind check showed that the galleries
       cannot be told apart (its interval contains .5).
    3. INVALID, oracle not detected by every judge: a success would not have been seen.
    4. INVALID, pipeline bias: the placebo arm differs from the base arm (from .5, if there is none), Holm over judges.
    5. LEAK SHOWN: every one of at least two judges detects the optimised arm, and it exceeds each of base and placebo
       that was run before every judge, at least one of them. *Few identities* if few people make up the wins.
    6. INVALID, not beyond controls: detected by every judge while neither base nor placebo was run.
    7. NOT SHOWN, not beyond controls: detected by every judge, but a control is not exceeded.
    8. NOT SHOWN, one judge only: all of the above before some judges, not all. NOT ESTIMABLE if there is only one.
    9. NOT SHOWN, attack model fooled: the score of the search's own models rose, that of the held-out one did not.
    10. NOT ESTIMABLE where no oracle was run; else NOT SHOWN, nothing seen, with the smallest win rate that would
        have been.

    Simulated with two judges, 30 + 30 people and 48 images: with nothing to find, of 1,000 runs none showed a leak and
    31 were called invalid (pipeline bias, nominal 5 %); with a leak of the smallest win rate that the run prints (.90),
    46 of 60 showed it.

    Raises:
        UsageError: there is a p-value but no Holm-adjusted one, or two arms have one name.
    """
    done = _done(arms)
    optimised = done.get("optimised")
    if optimised is None or (reason := _too_few(optimised)):
        why = _absence(arms) if optimised is None else reason
        return InversionDecision(Verdict.NOT_ESTIMABLE, "too few", f"Not estimable: {why}.")
    invalid = _confounded(galleries) or _blind_to_success(done) or _biased(done)
    return invalid or _shown(optimised, done) or _not_shown(optimised, done)


def with_holm(judgements: Sequence[Judgement]) -> tuple[Judgement, ...]:
    """The judgements on one arm with the p-values of their win rates adjusted for how many judges there are."""
    known = [j.win_rate.p_value for j in judgements if j.win_rate.p_value is not None]
    adjusted = iter(holm(known))
    return tuple(j if j.win_rate.p_value is None else _adjusted(j, next(adjusted)) for j in judgements)


def _adjusted(judgement: Judgement, p: float) -> Judgement:
    rate = judgement.win_rate.model_copy(update={"p_value_holm": p})
    return judgement.model_copy(update={"win_rate": rate})


def _done(arms: Sequence[Arm]) -> dict[ArmName, Arm]:
    names = [arm.arm for arm in arms]
    if len(set(names)) != len(names):
        raise UsageError("decide", got=f"the arms {', '.join(names)}", expected="each arm once")
    done = {arm.arm: arm for arm in arms if arm.status == "done"}
    rates = [j.win_rate for arm in done.values() for j in arm.judgements]
    if any(rate.p_value is not None and rate.p_value_holm is None for rate in rates):
        raise UsageError("decide", got="no adjusted p-value", expected="p_value_holm", hint="with_holm(judgements)")
    return done


def _absence(arms: Sequence[Arm]) -> str:
    reason = next((arm.reason for arm in arms if arm.arm == "optimised"), "it is not in the record")
    return f"the optimised arm was not run, {reason}"


def _too_few(arm: Arm) -> str:
    """The reason, or nothing."""
    if not arm.judgements:
        return "no judge looked at the optimised arm"
    if arm.faceless > MAX_FACELESS * arm.images:
        return f"{arm.faceless} of {arm.images} optimised images have no face"
    unknown = [j for j in arm.judgements if j.win_rate.smallest_effect is None]
    return f"{unknown[0].win_rate.reason} ({unknown[0].judge})" if unknown else ""


def _confounded(galleries: GalleryCard) -> InversionDecision | None:
    passed = (
        galleries.blind_interval is not None and galleries.blind_interval.low <= 0.5 <= galleries.blind_interval.high
    )
    if galleries.split == "random" or passed:
        return None
    origin = "was not left to chance" if galleries.split == "not random" else "may not have been left to chance"
    told = (
        f"features that never saw the model tell them apart (AUC {_with(galleries.blind, galleries.blind_interval)})"
        if galleries.blind_interval
        else "no blind check was made"
    )
    sentence = f"Confounded: who is a training person and who a decoy {origin}, and {told}."
    return InversionDecision(Verdict.INVALID, "confounded", sentence)


def _blind_to_success(done: Mapping[ArmName, Arm]) -> InversionDecision | None:
    missed = [j for j in done["oracle"].judgements if not _detected(j.win_rate)] if "oracle" in done else []
    if not missed:
        return None
    rates = _rates(missed)
    sentence = f"Evaluation invalid: images made from known templates were not detected, {rates}."
    return InversionDecision(Verdict.INVALID, "oracle not detected", sentence)


def _biased(done: Mapping[ArmName, Arm]) -> InversionDecision | None:
    """The placebo arm was optimised for nothing and may not pull to either side."""
    if "placebo" not in done:
        return None
    found = [_shift(judgement) for judgement in done["placebo"].judgements]
    adjusted = holm([p for _, p, _ in found])
    pulled = [told for (told, _, away), p in zip(found, adjusted, strict=True) if away and p < ALPHA]
    if not pulled:
        return None
    sentence = f"Pipeline biased: an attack model trained on permuted membership pulls too, {' and '.join(pulled)}."
    return InversionDecision(Verdict.INVALID, "pipeline bias", sentence)


def _shift(placebo: Judgement) -> tuple[str, float, bool]:
    """What to say, a two-sided p-value, and whether the interval lies to one side."""
    over = _over(placebo, "base")
    if over is not None:
        told = f"{_with(over.difference, over.interval, '+')} beyond the base arm before {placebo.judge}"
        # Without a p-value (a split that was not random) the interval decides alone.
        return told, over.p_value or 0.0, not over.interval.low <= 0 <= over.interval.high
    rate = placebo.win_rate
    inside = rate.interval is None or rate.interval.low <= 0.5 <= rate.interval.high
    p = 0.0 if rate.p_value is None else 2 * min(rate.p_value, 1 - rate.p_value)
    return f"{_rates([placebo])}", p, not inside


def _shown(optimised: Arm, done: Mapping[ArmName, Arm]) -> InversionDecision | None:
    judges = optimised.judgements
    detected = [j for j in judges if _detected(j.win_rate)]
    controls = [name for name in CONTROLS if name in done]
    if len(detected) == len(judges) > 1 and not controls:
        sentence = f"{_rates(judges)}, but neither un-optimised nor placebo images stand beside it."
        return InversionDecision(Verdict.INVALID, "not beyond controls", sentence)
    beyond = [j for j in detected if controls and not _unexceeded(j, done)]
    if len(beyond) == len(judges) > 1:
        return _leak(judges, controls)
    if len(detected) == len(judges) > 1 and not beyond:
        return _not_beyond(judges, done)
    return _one_judge(beyond, judges) if beyond else None


def _leak(judges: Sequence[Judgement], controls: Sequence[ArmName]) -> InversionDecision:
    excess = "; ".join(_excesses(j, controls) for j in judges)
    people, hub = _fewest(judges)
    few = people < FEW or hub >= HUB
    told = f"They look like {people:.0f} training people in effect"
    rest = f", one of whom takes {100 * hub:.0f} % of the wins: people, not images, have leaked." if few else "."
    sentence = f"{_rates(judges)}. It exceeds {excess}. {told}{rest}"
    return InversionDecision(Verdict.LEAK_SHOWN, "few identities" if few else "many identities", sentence)


def _not_beyond(judges: Sequence[Judgement], done: Mapping[ArmName, Arm]) -> InversionDecision:
    names = [(j, name) for j in judges for name in _unexceeded(j, done)]
    kept = "; ".join(_excesses(j, [name]) for j, name in names)
    sentence = f"{_rates(judges)}, but not beyond the controls: {kept}. The generator may know these people by itself."
    return InversionDecision(Verdict.NOT_SHOWN, "not beyond controls", sentence)


def _one_judge(beyond: Sequence[Judgement], judges: Sequence[Judgement]) -> InversionDecision:
    names = " and ".join(j.judge for j in beyond)
    if len(judges) == 1:
        sentence = f"{_rates(judges)}, but there is no second judge: it may be the quirk of one network."
        return InversionDecision(Verdict.NOT_ESTIMABLE, "one judge only", sentence)
    sentence = f"{_rates(judges)}. Only {names} sees it: an adversarial image, or a judge that knows these people."
    return InversionDecision(Verdict.NOT_SHOWN, "one judge only", sentence)


def _not_shown(optimised: Arm, done: Mapping[ArmName, Arm]) -> InversionDecision:
    rates, transfer = _rates(optimised.judgements), optimised.transfer
    needed = max(j.win_rate.smallest_effect or 1.0 for j in optimised.judgements)
    power = f"this run would have shown a win rate of {needed:.2f} with 80 % power, and less may be there"
    if (
        transfer
        and transfer.own
        and transfer.held_out
        and transfer.own.interval.low > 0 >= transfer.held_out.interval.low
    ):
        own, other = (_with(rise.value, rise.interval, "+") for rise in (transfer.own, transfer.held_out))
        sentence = (
            f"The attack model was fooled: its score rose by {own} standard deviations, that of a held-out attack "
            f"model by {other}. {rates}; {power}."
        )
        return InversionDecision(Verdict.NOT_SHOWN, "attack model fooled", sentence)
    if "oracle" not in done:
        sentence = f"{rates}. Nothing was seen, but no oracle shows that this pipeline can see anything."
        return InversionDecision(Verdict.NOT_ESTIMABLE, "nothing seen", sentence)
    return InversionDecision(Verdict.NOT_SHOWN, "nothing seen", f"{rates}. No leak of identities shown; {power}.")


def _detected(rate: WinRate) -> bool:
    above = rate.interval is not None and rate.interval.low > 0.5
    return above and (rate.p_value_holm is None or rate.p_value_holm < ALPHA)


def _unexceeded(judgement: Judgement, done: Mapping[ArmName, Arm]) -> list[ArmName]:
    return [name for name in CONTROLS if name in done and not _exceeded(judgement, done[name])]


def _exceeded(judgement: Judgement, control: Arm) -> bool:
    theirs = next(j.win_rate for j in control.judgements if j.judge == judgement.judge)
    over = _over(judgement, control.arm)
    return theirs.rate <= 0.5 or (over is not None and over.interval.low > 0)


def _over(judgement: Judgement, name: ArmName) -> Excess | None:
    return next((excess for excess in judgement.excesses if excess.over == name), None)


def _fewest(judges: Sequence[Judgement]) -> tuple[float, float]:
    """Effective training identities and the share of the largest, before the judge that sees fewest."""
    shares = [j.win_rate.training_shares for j in judges]
    return min(map(effective_share, shares)), max(max(s, default=0.0) for s in shares)


def _rates(judges: Sequence[Judgement]) -> str:
    told = (f"{_with(j.win_rate.rate, j.win_rate.interval)} before {j.judge}" for j in judges)
    return f"Win rate {' and '.join(told)}"


def _excesses(judgement: Judgement, controls: Sequence[ArmName]) -> str:
    over = [(name, _over(judgement, name)) for name in controls]
    told = [f"the {name} arm by {_with(e.difference, e.interval, '+')}" for name, e in over if e is not None]
    return f"{' and '.join(told)} ({judgement.judge})"


def _with(value: float | None, interval: Interval | None, sign: str = "") -> str:
    if value is None or interval is None:
        return "unknown"
    return f"{value:{sign}.3f} [{interval.low:{sign}.3f}, {interval.high:{sign}.3f}]"
