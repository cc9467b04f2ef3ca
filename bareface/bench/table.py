"""A bench as Markdown."""

from collections.abc import Iterable

from bareface.bench.record import BenchRecord
from bareface.bench.summary import HEAD, LENGTH, PERSON, STATISTICS, VIEWS, Line, Mean, lines

REACHES = {
    "nothing": "No defence",
    "head": "Defined on the head",
    "statistics": "Changes of a statistic",
    "answers": "Changes of answers: for a service that keeps the weights",
    "weights": "Changes of the weights",
}
_HEAD = (
    "| defence | verification AUC | TAR at FAR 1 % | statistics | length | views | person (k=3) | with head "
    "| TPR at 1 %: views, person | headless leak left |\n|---|---|---|---|---|---|---|---|---|---|"
)


def markdown(bench: BenchRecord) -> str:
    """A table for each prior knowledge, the defences grouped by what they change."""
    known = sorted({leak.knowledge for trial in bench.trials for leak in trial.leaks})
    return "\n\n".join([_preface(bench), *(_table(bench, knowledge) for knowledge in known), *_proofs(bench)])


def _preface(bench: BenchRecord) -> str:
    seeds = len({trial.seed for trial in bench.trials})
    return (
        f"{bench.world}; {seeds} seed{'s' * (seeds > 1)} of target and shadow. Leaks are excesses of the AUC (dataset "
        "game, images) over the stronger of two controls, the picture alone and a model of other people with the same "
        "defence; the attacker knows the defence. Intervals: 95 %."
    )


def _table(bench: BenchRecord, knowledge: str) -> str:
    told = lines(bench, knowledge)
    body = "\n".join(row for reach, title in REACHES.items() for row in _group(title, told, reach))
    return f"### {knowledge} knowledge\n\n{_HEAD}\n{body}"


def _group(title: str, told: Iterable[Line], reach: str) -> list[str]:
    rows = [_row(line) for line in told if line.reach == reach]
    return [f"| **{title}** " + "| " * 9 + "|", *rows] if rows else []


def _row(line: Line) -> str:
    kinds = (STATISTICS, LENGTH, VIEWS, PERSON, HEAD)
    rates = ", ".join(f"{line.tpr[kind].value:.2f}" if kind in line.tpr else "-" for kind in (VIEWS, PERSON))
    left = "-" if line.left is None else f"{100 * line.left:.0f} %"
    cells = [
        line.defence,
        _mean(line.utility),
        _mean(line.tar),
        *(_mean(line.excess.get(k)) for k in kinds),
        rates,
        left,
    ]
    return "| " + " | ".join(cells) + " |"


def _mean(mean: Mean | None) -> str:
    return "-" if mean is None else f"{mean.value:.3f} [{mean.low:.3f}, {mean.high:.3f}]"


def _proofs(bench: BenchRecord) -> list[str]:
    """What is proven of a defence beside what the attacks rule out."""
    rows = [
        f"| {trial.defence} | {trial.seed} | {trial.guarantee['epsilon']:.3g} | {trial.guarantee['delta']:g} "
        f"| {trial.epsilon_at_least:.2f} |"
        for trial in bench.trials
        if "epsilon" in trial.guarantee
    ]
    head = "| defence | seed | ε proven | at δ | ε at least (attacks) |\n|---|---|---|---|---|"
    return ["### Differential privacy\n\n" + "\n".join([head, *rows])] if rows else []
