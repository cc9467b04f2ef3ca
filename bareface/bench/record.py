"""What is kept of one defence in one trial, and of a bench."""

from typing import Literal

from bareface.records.evidence import Control, Interval, OperatingPoint, Record, Share
from bareface.training.defence import Reach, Sort
from bareface.vocabulary import Verdict

SCHEMA_VERSION = "1.0"
UNDEFENDED = "none"


class Leak(Record):
    """What one attack, which knows the defence, found in the dataset game.

    auc: over images; person_auc: over people by the mean of their images' scores. control: the stronger of blind and
    foreign, the latter trained and treated like the target, on other people. excess: of the AUC over that control's.
    tpr: true positive rate at a nominal false positive rate of 1 %; None where there are too few non-members. Whatever
    is None has its `reason`.
    """

    attack: str
    knowledge: Literal["partial", "shadow", "nonmembers"]
    auc: float | None
    auc_interval: Interval | None
    person_auc: float | None
    person_auc_interval: Interval | None
    control: Literal["blind", "who", "foreign", "bn-swap"] | None
    control_auc: float | None
    excess: float | None
    excess_interval: Interval | None
    tpr: Share | None
    fpr: Share | None
    verdict: Verdict | None
    reason: str = ""

    @staticmethod
    def stronger(controls: tuple[Control, ...]) -> Control | None:
        """The control with the largest AUC of those that nothing of the target can reach."""
        done = [one for one in controls if one.kind in ("blind", "foreign") and one.auc is not None]
        return max(done, key=lambda one: one.auc or 0.0, default=None)


class Utility(Record):
    """Verification of people whom the target never saw, as users of the defended target meet it."""

    auc: float
    auc_interval: Interval
    same: int
    different: int
    tar: tuple[OperatingPoint, ...]


class DefenceTrial(Record):
    """One defence, one seed.

    defence: name and changed parameters; `none` without one. guarantee: what is proven, by name. epsilon_at_least: the
    ε that the attacks' errors rule out from below at 95 % if images were independent; 0 where they rule out nothing.
    """

    schema_version: str
    bareface: str
    defence: str
    sort: Sort | Literal["none"]
    reach: Reach | Literal["nothing"]
    seed: int
    utility: Utility
    leaks: tuple[Leak, ...]
    guarantee: dict[str, float]
    epsilon_at_least: float
    seconds: float


class BenchRecord(Record):
    """All trials of a bench in one world."""

    schema_version: str
    bareface: str
    world: str
    trials: tuple[DefenceTrial, ...]
