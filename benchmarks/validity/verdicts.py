"""How often the verdicts are wrong, and how often they find what is there: simulated audits, no images.

Each audit has 40 + 40 people with 6 images each and three attacks with 5 features each (power also with 30); 30 % of
a feature's variance lies between people. As in a real audit, a logistic regression is fitted in 5 folds that are
disjoint by person, for each attack on the target and on the foreign model, and for the blind baseline; then measured,
Holm-adjusted and decided. A leak shifts the members' features of the first attack on the target; a confound shifts
them without a leak.

    python -m benchmarks.validity.verdicts [--audits 400] [--seed 7]

Where lots were drawn, and where nobody drew lots but no difference between people can count (record game); what
matching does where people differ is shown on real faces by `benchmarks.validity`. Some minutes on one core.
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from bareface.records.evidence import Measurement
from bareface.stats.measure import Beside, controls_with_holm, excess, measure, with_holm
from bareface.stats.overall import of_game
from bareface.stats.power import Bar
from bareface.stats.sample import Sides
from bareface.stats.verdict import Decision, Grounds, decide
from bareface.streams import stream
from bareface.vocabulary import Verdict
from benchmarks.tables import rate

PEOPLE, IMAGES, FOLDS, ATTACKS = 40, 6, 5, 3
FEATURES = (5, 30)
BETWEEN = 0.3
DRAWS = 1000
PERSON = np.repeat(np.arange(2 * PEOPLE), IMAGES)
MEMBER = PERSON < PEOPLE
FOLD = PERSON % FOLDS
SIDES = Sides(MEMBER, PERSON, FOLD)
GROUNDS = {"lots were drawn": Grounds("randomised"), "nobody drew lots, same people": Grounds(same_people=True)}
LEAKS = (0.4, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Shift:
    """How far the members' features lie from the others', in standard deviations.

    leak: the first attack on the target. unseen: every attack on both models. seen: those and the blind baseline.
    """

    leak: float = 0.0
    unseen: float = 0.0
    seen: float = 0.0


@dataclass(frozen=True)
class Audited:
    """What came of one audit."""

    measured: list[Measurement]
    decisions: list[Decision]

    @property
    def verdict(self) -> Verdict:
        """The verdict of the whole audit."""
        return of_game(decision.verdict for decision in self.decisions)


def draw(shift: float, rng: np.random.Generator, features: int) -> Array:
    """(n, f) features, the members' means moved by `shift` in all."""
    between = rng.normal(size=(2 * PEOPLE, features))[PERSON]
    within = rng.normal(size=(len(PERSON), features))
    return BETWEEN**0.5 * between + (1 - BETWEEN) ** 0.5 * within + shift / features**0.5 * MEMBER[:, None]


def crossfit(features: Array) -> Array:
    """(n,) logits from models that never saw the person."""
    scores = np.empty(len(features))
    for fold in range(FOLDS):
        held_out = fold == FOLD
        model = LogisticRegression().fit(features[~held_out], MEMBER[~held_out])
        scores[held_out] = model.decision_function(features[held_out])
    return scores


def audit(shift: Shift, grounds: Grounds, rng: np.random.Generator, features: int) -> Audited:
    """One simulated audit: three attacks, each beside the blind baseline and its own foreign model."""
    common = shift.unseen + shift.seen
    blind = crossfit(draw(shift.seen, rng, features))
    foreign = [crossfit(draw(common, rng, features)) for _ in range(ATTACKS)]
    target = [crossfit(draw(common + shift.leak * (attack == 0), rng, features)) for attack in range(ATTACKS)]
    controls = 0 if grounds.how == "randomised" else 2
    bar = Bar(ATTACKS, controls)
    measured = with_holm([measure(scores, SIDES, "image", rng, bar, draws=DRAWS) for scores in target])
    beside = controls_with_holm(
        [
            excess(Beside(kind, str(number), said), scores, SIDES, rng, tests=ATTACKS + 1, draws=DRAWS)
            for number, scores in enumerate(target)
            for kind, said in (("blind", blind), ("foreign", foreign[number]))
        ]
    )
    decisions = [decide(found, beside[2 * n : 2 * n + 2], grounds) for n, found in enumerate(measured)]
    return Audited(measured, decisions)


def repeat(
    name: str, shift: Shift, grounds: Grounds, audits: int, seed: int, features: int = FEATURES[0]
) -> Iterator[Audited]:
    """Independent audits, each from its own stream."""
    return (audit(shift, grounds, stream(seed, name, str(shift), number), features) for number in range(audits))


def verdict_row(name: str, shift: Shift, grounds: Grounds, audits: int, seed: int) -> str:
    """The shares of the verdicts, with their Clopper-Pearson intervals."""
    counts = Counter(done.verdict for done in repeat("verdicts", shift, grounds, audits, seed))
    cells = (rate(counts[verdict], audits) for verdict in (Verdict.LEAK_SHOWN, Verdict.INVALID, Verdict.NOT_SHOWN))
    return f"{name:<44}" + "".join(f"{cell:>24}" for cell in cells)


def leak_of(auc: float, audits: int, seed: int, features: int) -> float:
    """The shift at which cross-fitted scores of the leaking attack have this AUC on average, interpolated."""
    means = []
    for leak in LEAKS:
        rngs = (stream(seed, "leak", str(leak), number) for number in range(audits))
        means.append(float(np.mean([roc_auc_score(MEMBER, crossfit(draw(leak, rng, features))) for rng in rngs])))
    return float(np.interp(auc, means, LEAKS))


def power_at(leak: float, grounds: Grounds, audits: int, seed: int, features: int) -> tuple[float, int]:
    """Mean AUC of the leaking attack, and in how many audits its leak is shown."""
    done = list(repeat("power", Shift(leak=leak), grounds, audits, seed, features))
    shown = sum(audited.decisions[0].verdict is Verdict.LEAK_SHOWN for audited in done)
    return float(np.mean([audited.measured[0].auc for audited in done])), shown


def printed_effect(grounds: Grounds, audits: int, seed: int, features: int) -> float:
    """The smallest effect that leak-free audits print, on average."""
    audited = repeat("verdicts", Shift(), grounds, audits, seed, features)
    return float(np.mean([done.measured[0].smallest_effect for done in audited]))


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--audits", type=int, default=400, help="leak-free audits; the other rows take a sixth")
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    few = max(1, asked.audits // 6)

    for name, grounds in GROUNDS.items():
        print(f"\n{name}\n{'':<44}{'LEAK SHOWN':>24}{'INVALID':>24}{'NOT SHOWN':>24}")
        print(verdict_row(f"no leak, {asked.audits} audits", Shift(), grounds, asked.audits, asked.seed))
        print(verdict_row(f"confound that blind sees too, {few} audits", Shift(seen=1.0), grounds, few, asked.seed))
        print(
            verdict_row(f"confound that only foreign sees, {few} audits", Shift(unseen=0.7), grounds, few, asked.seed)
        )

        for features in FEATURES:
            effect = printed_effect(grounds, min(20, few), asked.seed, features)
            leak = leak_of(effect, 5 * few, asked.seed, features)
            auc, shown = power_at(leak, grounds, asked.audits, asked.seed, features)
            print(
                f"{features} features: AUC {effect:.3f} is printed as shown in 80 % of audits; a leak of {auc:.3f} "
                f"was shown in {rate(shown, asked.audits)} of {asked.audits}",
                flush=True,
            )


if __name__ == "__main__":
    main()
