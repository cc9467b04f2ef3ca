"""What an inversion is asked."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from bareface.errors import UsageError
from bareface.records.inversion import ArmName
from bareface.vocabulary import Knowledge

SKIPPABLE: tuple[ArmName, ...] = ("select", "placebo", "oracle")
Split = Literal["random", "not random", "unknown"]
Search = Literal["gradient", "evolution"]
Starts = Literal["selected", "random"]

_WORDS: dict[str, tuple[str, ...]] = {
    "split": get_args(Split), "search": get_args(Search), "starts": get_args(Starts),
    "knowledge": ("partial", "shadow"),
}  # fmt: skip
_BOUNDS: dict[str, tuple[float, float]] = {
    "restarts": (1, 100_000),
    "steps": (1, 1_000_000),
    "candidates": (1, 10_000_000),
    "rate": (1e-6, 10),
    "queries": (1, 1_000_000_000),
    "pairs": (1, 64),
    "siblings": (0, 64),
    "upto": (4, 4096),
    "views": (2, 1024),
    "seed": (0, 2**63 - 1),
    "draws": (10, 1_000_000),
}


@dataclass(frozen=True)
class InversionSettings:
    """Everything that is asked of an inversion, apart from the audit, the generator and the judges.

    Attributes:
        objective: what the search makes larger: names joined by `+`, each perhaps `weight*name`.
        attack, knowledge: which stage-1 attack's models the objective `membership` uses.
        restarts: images of each arm.
        steps: moves of each restart.
        candidates: latents that the restarts are selected from.
        rate: learning rate, in standard deviations of the latents' prior.
        search: `gradient`, or `evolution`, which needs scores alone.
        queries: images that the target is asked about for each restart of an evolution; `steps` and `rate` are
            those of gradients.
        starts: where a search begins: at the candidates that the objective likes best, or at the first ones.
        augment: whether views are cropped and shifted at random; without, each is the image as it is.
        pairs: views of an image at each step, each with its mirror image.
        siblings: further images of each restart, one person under other details, that the objective looks at, too;
            None = as many as it compares.
        upto: side of the partial images that searches and selections look at, where the generator can stop early:
            quicker, and an approximation; None = whole images. Judges always see whole ones.
        views: fixed views of the last selection.
        space: latent space that is searched; empty = z where its first numbers are the
            person, else whitened w where the generator has it, else its first.
        photos: photos of each person in the galleries; None = as many as most people have, at most 4.
        split: whether chance decided who was trained on.
        skip: arms that are not made: select, placebo, oracle.
        seed: root of every random stream.
        draws: of each permutation test and bootstrap.
        title: of the report.

    Raises:
        UsageError: a value is out of its bounds.
    """

    objective: str = "membership"
    attack: str = "bn-distance"
    knowledge: Knowledge = "partial"
    restarts: int = 64
    steps: int = 150
    candidates: int = 4096
    rate: float = 0.02
    search: Search = "gradient"
    queries: int = 10_000
    starts: Starts = "selected"
    augment: bool = True
    pairs: int = 2
    siblings: int | None = None
    upto: int | None = None
    views: int = 32
    space: str = ""
    photos: int | None = None
    split: Split = "unknown"
    skip: tuple[ArmName, ...] = ()
    seed: int = 7
    draws: int = 2000
    title: str = "inversion"

    def __post_init__(self) -> None:
        for name, (low, high) in _BOUNDS.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise UsageError(f"inversion, {name}", got=f"{value!r}", expected=f"{low:g} to {high:g}")
        if self.candidates < self.restarts:
            raise UsageError(
                "inversion, candidates",
                got=f"{self.candidates} for {self.restarts} restarts",
                expected="at least as many as restarts",
                hint="4096, the default",
            )
        for name, words in _WORDS.items():
            if getattr(self, name) not in words:
                expected = f"{', '.join(words[:-1])} or {words[-1]}"
                raise UsageError(f"inversion, {name}", got=repr(getattr(self, name)), expected=expected)
        if strange := [name for name in self.skip if name not in SKIPPABLE]:
            raise UsageError("inversion, skip", got=repr(strange[0]), expected=f"one of {', '.join(SKIPPABLE)}")
        weighted_names(self.objective)

    @property
    def weighted(self) -> tuple[tuple[float, str], ...]:
        """The objective as (weight, name) pairs."""
        return weighted_names(self.objective)

    def settings(self) -> dict[str, Any]:
        """All of it as plain values, for the run folder."""
        return asdict(self)


def weighted_names(objective: str) -> tuple[tuple[float, str], ...]:
    """`membership+0.5*agreement` as (weight, name) pairs.

    Raises:
        UsageError: a term has no name, or its weight is no number.
    """
    return tuple(_weighted(term.strip(), objective) for term in objective.split("+"))


def _weighted(term: str, objective: str) -> tuple[float, str]:
    weight, star, name = term.rpartition("*")
    try:
        number = float(weight) if star else 1.0
    except ValueError:
        number = float("nan")
    if number != number or not name.strip():
        raise UsageError(
            "objective", got=repr(objective), expected="names joined by +, such as membership+0.5*agreement"
        )
    return number, name.strip()
