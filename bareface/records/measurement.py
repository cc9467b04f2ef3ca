"""Records of numbers: measurements with their intervals, controls beside them, and what a verdict rests on."""

from typing import Literal

from pydantic import Field

from bareface.records.record import Record
from bareface.vocabulary import AssignmentWay, ControlKind, Game, Unit


class Interval(Record):
    """A confidence interval."""

    low: float
    high: float
    level: float = 0.95


class Share(Record):
    """Counted events: the rate is derived; its interval at 95 % takes people as the sample where they are known."""

    events: int
    trials: int
    interval: Interval

    @property
    def rate(self) -> float:
        """The observed rate; the caller made sure that there were trials."""
        return self.events / self.trials


class Assignment(Record):
    """How it came about who was trained on.

    how: `randomised`: drawn by lot from one pool before training; `observational`: in any other way, or not known.
    sealed: whether a seal that was made before training fits this roster.
    """

    how: AssignmentWay
    sealed: bool
    sentence: str


class OperatingPoint(Record):
    """Error rates at a threshold that was chosen on other people.

    `true_positive` and `false_positive` are None where `negatives` is below `negatives_needed`: the smallest number
    of non-members with which zero false positives would support this rate (one-sided 95 %).
    """

    nominal_fpr: float
    positives: int
    negatives: int
    negatives_needed: int
    true_positive: Share | None
    false_positive: Share | None


class Measurement(Record):
    """How well scores tell members from non-members, per image or per person.

    `out_of_scope_` counts images that the attack is not about: photos that are too few for a set of k.
    auc is None where there are too few people; `reason` says how many are needed. `smallest_effect` is the smallest
    AUC that this audit would have shown with 80 % power; where it lies beyond the audit's bound, `growth_needed` is by
    how many times both sides have to grow, in people. `effective_` counts people where they are weighted.
    permutations: how many are behind the p-value; None in older runs, and where there is none.
    """

    unit: Unit
    members: int
    nonmembers: int
    abstained_members: int
    abstained_nonmembers: int
    out_of_scope_members: int = 0
    out_of_scope_nonmembers: int = 0
    member_people: int
    nonmember_people: int
    effective_members: float | None = None
    effective_nonmembers: float | None = None
    auc: float | None
    auc_interval: Interval | None
    p_value: float | None
    p_value_holm: float | None
    smallest_effect: float | None
    operating_points: tuple[OperatingPoint, ...]
    roc_fpr: tuple[float, ...]
    roc_tpr: tuple[float, ...]
    reason: str = ""
    growth_needed: float | None = None
    permutations: int | None = None

    @property
    def at_resolution(self) -> bool:
        """Whether no permutation reached the AUC: then the p-values are bounds, and more permutations lower them."""
        return _at_resolution(self.p_value, self.permutations)


class Control(Record):
    """The same attack where there is nothing to find, or with one thing changed.

    kind: `blind` never touches any network; `who` reads blind features and everything that a trained foreign network
    says of the people, the most that anybody can tell without the target; `foreign` is the attack on a backbone that
    never saw the members; `bn-swap` is the target with its running statistics re-estimated on public faces.
    difference = AUC of the attack on the target − AUC of the control, over the same images. p_value: of the control's
    own AUC under permuted membership, p_value_holm adjusted over all controls of the audit that decide something;
    permutations: how many are behind it; None in older runs.
    decides: whether a verdict may rest on it; a foreign network that was never trained cannot see people and does not.
    """

    kind: ControlKind
    status: Literal["done", "skipped"]
    what: str
    auc: float | None
    auc_interval: Interval | None
    difference: float | None
    difference_interval: Interval | None
    reason: str = ""
    p_value: float | None = None
    p_value_holm: float | None = None
    decides: bool = True
    permutations: int | None = None

    @property
    def at_resolution(self) -> bool:
        """Whether no permutation reached the AUC, so that the p-values are bounds."""
        return _at_resolution(self.p_value, self.permutations)


def _at_resolution(p_value: float | None, permutations: int | None) -> bool:
    return p_value is not None and permutations is not None and p_value * (1 + permutations) < 1.5


class Matched(Record):
    """One attack on people who are weighted until both sides are alike to anybody without the target.

    measurement: on the weighted people; it has no operating points. foreign: the same attack on the foreign network,
    with the same weights. smallest_effect: that a verdict needs, with what matching may leave; at most 1.
    """

    measurement: Measurement
    foreign: Control
    smallest_effect: float | None = None


class Balance(Record):
    """Whether the two sides of a game are the same kind of people, before and after they are matched.

    alone: AUC of each group of features by itself (`pictures`, `embedding`, `scalars`), per person.
    auc: of all of them together (`who`), with p-value and the Holm-adjusted one.
    matched_auc, matched_interval: what a second `who`, fitted on other folds of the weighted people, still tells.
    effective_members, effective_nonmembers: how many equally weighted people the weighted ones amount to.
    overlap: empty, or why the weighted sides cannot be compared.
    """

    game: Game
    status: Literal["done", "skipped"]
    reason: str = ""
    alone: dict[str, float] = Field(default_factory=dict)
    auc: float | None = None
    auc_interval: Interval | None = None
    p_value: float | None = None
    p_value_holm: float | None = None
    matched_auc: float | None = None
    matched_interval: Interval | None = None
    member_people: int = 0
    nonmember_people: int = 0
    effective_members: float | None = None
    effective_nonmembers: float | None = None
    overlap: str = ""


class Direction(Record):
    """Which way a signal points before anything is fitted: above .5 as memory would have it, below .5 the other way.

    auc: of the unfitted signal, its sign as memory predicts it. reversed: significantly the other way.
    """

    auc: float
    p_value: float
    reversed: bool
