"""Are the p-values of `bareface query` what they say? python -m benchmarks.validity.query

Simulated: 500 people who were never trained on, each beside strangers of their own, scored by five models that differ.
Rendered: a backbone of 32 pixels that remembers 100 people, audited beside 300 strangers; then 500 new strangers ask,
the 100 training people with their training photos, and the same 100 with photos that were kept back. Everything but the
simulation stays in runs/query, and a second call goes on from there.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bareface.auditing.audit import AuditInputs, conduct
from bareface.auditing.calibration import Calibration, ShownLeak, read_calibration
from bareface.auditing.own_models import train_backbone
from bareface.auditing.query import asked_trace
from bareface.auditing.settings import AuditSettings, attacks_named
from bareface.auditing.standing import Standing, stand
from bareface.bench.world import TRAINING
from bareface.faces.examine import examine
from bareface.rosters.roster import Roster, join
from bareface.stats.conformal import at_or_above
from bareface.streams import stream
from bareface.targets.target import Target
from bareface.vocabulary import Role
from benchmarks.growth.crowd import Crowd

HOME = Path("runs/query")
PEOPLE, STRANGERS, ASKING, PHOTOS, FOLDS, SEED = 100, 300, 500, 4, 5, 20261130
ATTACKS = ("bn-distance-variance", "embedding-norm", "flip-agreement", "subject-compactness:k=2")
LEVELS = (0.01, 0.05, 0.1, 0.5)
Floats = NDArray[np.float64]


def simulated(strangers: int) -> Floats:
    """(500,) p-values of people like all others; the models of the folds shift and stretch what they say."""
    found = []
    for number in range(ASKING):
        rng = stream(SEED, "simulated", strangers, number)
        shift, stretch = rng.normal(0, 0.3, FOLDS), np.exp(rng.normal(0, 0.2, FOLDS))
        fold, scores, own = np.arange(strangers) % FOLDS, rng.normal(size=strangers), rng.normal()
        asked = (shift + stretch * own)[:, None]
        found.append(p_values(asked, shift[fold] + stretch[fold] * scores, fold)[0])
    return np.array(found)


def p_values(asked: Floats, strangers: Floats, fold: NDArray[np.intp]) -> Floats:
    """(q,) p-values of q people who ask."""
    return (1 + at_or_above(asked, strangers, fold)) / (len(strangers) + 1)


def said(name: str, p: Floats, against: float | None = None) -> list[str]:
    """A row: how many, Kolmogorov and Smirnov's test against uniform p-values, and the share up to each level."""
    from scipy.stats import kstest

    test = kstest(p, "uniform")
    beside = "" if against is None else f"{against:.2f}"
    shares = [f"{(p <= level).mean():.3f}" for level in LEVELS]
    return [name, str(len(p)), f"{test.statistic:.3f}", f"{test.pvalue:.2f}", beside, f"{np.median(p):.3f}", *shares]


def audited(crowd: Crowd) -> tuple[Target, Path]:
    """The target and the folder of its finished audit."""
    members = crowd.audited(PEOPLE, PHOTOS)
    members = members.take(members.rows(Role.MEMBER, Role.HELDOUT))
    target = train_backbone(members, TRAINING, HOME / "target")
    roster = join(members, crowd.others("calibration", STRANGERS, PHOTOS, 400_000, Role.OUTSIDE))
    asked = AuditSettings(attacks=attacks_named(*ATTACKS), assignment="randomised", games=("person", "dataset"))
    evidence = conduct(AuditInputs(target, roster), asked, HOME / "run")
    print(f"{evidence.verdict}: {evidence.sentence}\n", flush=True)
    return target, HOME / "run"


def answers(calibration: Calibration, leak: ShownLeak, roster: Roster) -> Standing:
    """How some people stand, each asking with all of their photos."""
    seen = examine(roster)
    _, person = np.unique(seen.accepted.subject, return_inverse=True)
    return stand(leak, calibration, asked_trace(calibration, leak, seen).with_photo_set(person), PHOTOS)


def rendered(crowd: Crowd) -> list[list[str]]:
    """Rows of the rendered world, for the attack that `query` takes in each game that shows a leak."""
    from scipy.stats import ks_2samp

    target, run = audited(crowd)
    calibration, rows = read_calibration(run, target), []
    newcomers = crowd.others("asking", ASKING, PHOTOS, 500_000, Role.PUBLIC)
    people = calibration.people.take(calibration.people.rows(Role.HELDOUT))
    kept_back = Roster(Path("/"), people.image, people.subject, people.role)
    for game in ("person", "dataset"):
        leaks = list(calibration.leaks((game,)))
        if not leaks:
            continue
        best = max(leaks, key=lambda leak: leak.reached(np.zeros(len(leak.scores), dtype=bool)))
        name = f"{game}, {best.finding.label} ({best.finding.knowledge})"
        new = answers(calibration, best, newcomers)
        against = np.mean([ks_2samp(new.asked[fold], new.strangers[new.fold == fold]).pvalue
                           for fold in np.unique(new.fold)])  # fmt: skip
        rows.append(said(f"{name}: new strangers", p_values(new.asked, new.strangers, new.fold), float(against)))
        whole = np.zeros(len(new.strangers), np.intp)
        rows.append(said(f"{name}: training people, as audited", p_values(new.members[None], new.strangers, whole)))
        if game == "dataset":
            others = answers(calibration, best, kept_back)
            p = p_values(others.asked, others.strangers, others.fold)
            rows.append(said(f"{name}: the same people, unseen photos", p))
    return rows


def main() -> None:
    """Print the table."""
    heads = (
        "who asks",
        "people",
        "KS D",
        "KS p",
        "KS p, two samples",
        "median p",
        *(f"p <= {level}" for level in LEVELS),
    )
    rows = [said(f"simulated, {n} strangers", simulated(n)) for n in (100, 1000)]
    rows += rendered(Crowd(HOME / "people", TRAINING.spec.height, PEOPLE, lambda *_: None, PHOTOS))
    for cells in (heads, ["---"] * len(heads), *rows):
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
