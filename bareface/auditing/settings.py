"""What an audit is asked, and where its model and people lie: read from YAML and the command line, used throughout."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)

from bareface.errors import UsageError
from bareface.membership import attack_class
from bareface.membership.base import Attack
from bareface.settings.closed import Closed, with_parameters
from bareface.settings.notation import name_and_parameters
from bareface.settings.rate_limit import RateLimit
from bareface.settings.recipe import ReferenceSettings, ShadowSettings
from bareface.settings.sampling import SampleSettings
from bareface.settings.spec import ImageSpec
from bareface.stats.power import MAX_SMALLEST_EFFECT
from bareface.storage.places import real_path
from bareface.vocabulary import AssignmentWay, ExecutorKind, FaceChoice, Game, Knowledge

Gate = Literal["refuse", "report", "skip"]
MAX_SHARED_RATE = 0.01
PLANTED_LEAKS = 20


def make_attack(name: str, parameters: dict[str, Any]) -> Attack:
    """An attack with its parameters.

    Raises:
        UsageError: the attack is unknown, or a parameter is unknown or out of range.
    """
    return with_parameters(attack_class(name), parameters, f"attack {name}", f"bareface attacks {name}")


def attacks_named(*texts: str) -> tuple[Attack, ...]:
    """Attacks written as words, as in `subject-compactness:k=5`.

    Raises:
        UsageError: an attack is unknown, or a parameter is unknown or out of range.
    """
    return tuple(map(_attack, texts))


def _attack(value: Any) -> Any:
    """`name` or `name:key=value,key=value` or a mapping with the key `name`, as an attack."""
    if isinstance(value, str):
        return make_attack(*name_and_parameters(value))
    if isinstance(value, dict) and isinstance(value.get("name"), str):
        return make_attack(value["name"], {key: one for key, one in value.items() if key != "name"})
    if isinstance(value, Attack):
        return value
    raise ValueError("write an attack as name:key=value or as a mapping with its name")


def _written(attack: Attack) -> dict[str, Any]:
    return {"name": attack.name, **attack.parameters()}


_SCHEMA = {
    "anyOf": [
        {"type": "string", "description": "name, or name:key=value,key=value"},
        {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
    ]
}
AnyAttack = Annotated[Attack, PlainValidator(_attack), PlainSerializer(_written), WithJsonSchema(_SCHEMA)]

DEFAULT_ATTACKS = (
    "bn-distance",
    "bn-distance-variance",
    "embedding-norm",
    "flip-agreement",
    "subject-compactness:k=2",
    "subject-compactness:k=3",
    "class-centre",
)


class AuditSettings(Closed):
    """Everything that is asked of an audit, apart from the target and the people.

    Attributes:
        attacks: with their parameters, as words, mappings or attacks.
        games: None = all that the roster allows.
        shadow: how shadows are trained; None = no shadow knowledge.
        foreign: reference to a backbone that never saw the members; None = the first shadow, or an untrained copy.
        knowledge: settings of prior knowledge; None = partial, and shadow where shadows are trained.
        seed: root of every random stream.
        folds: for partial knowledge.
        batch_size: images in one forward pass, each with its mirror image; None = as many as suit their size.
        max_reject_rate: more unusable images than this share are refused.
        max_shared_rate: more images or people than this share in two roles are refused; fewer are left out.
        trained_references: how references are trained that saw a part of the images in question; None = there are none.
        assignment: how membership came about: `randomised` where members were drawn by lot from one pool before
            training, which makes permutation tests exact, else `observational`, and people are matched; None = a seal
            decides, which `bareface split` writes beside the roster.
        max_smallest_effect: an audit that could have shown no smaller AUC with 80 % power, and shows none, is NOT
            ESTIMABLE instead of NOT SHOWN.
        planted_leaks: how many audits of drawn scores with a leak of the smallest visible size, and as many without,
            show in each game whether this audit would have seen it; 0 = none.
        selfcheck: what follows if the running statistics do not fit the declared input: `refuse`, `report` it and go
            on, or `skip` the check; it changes no number, so a run folder may be gone on with under another one.
        detect: the images are raw photos, of which faces are cut out first, all of them in one way.
        face: which of several faces that is, the `central` or the `largest` one; None = the central one.
        sample: at most how many people of each role are asked about, with how many photos, drawn by lot; None =
            everybody, and at most 10,000 people of a role with 20 photos where there are more than 200,000 images.
    """

    title: str = "audit"
    attacks: tuple[AnyAttack, ...] = Field(default_factory=lambda: attacks_named(*DEFAULT_ATTACKS), min_length=1)
    games: tuple[Game, ...] | None = None
    shadow: ShadowSettings | None = None
    foreign: str | None = None
    knowledge: tuple[Knowledge, ...] | None = Field(default=None, min_length=1)
    trained_references: ReferenceSettings | None = None
    seed: int = Field(default=7, ge=0)
    folds: int = Field(default=5, ge=2, le=50)
    batch_size: int | None = Field(default=None, ge=1)
    max_reject_rate: float = Field(default=0.01, ge=0, le=1)
    max_shared_rate: float = Field(default=MAX_SHARED_RATE, ge=0, le=1)
    max_smallest_effect: float = Field(default=MAX_SMALLEST_EFFECT, gt=0.5, le=1)
    planted_leaks: int = Field(default=PLANTED_LEAKS, ge=0, le=1000)
    selfcheck: Gate = "refuse"
    assignment: AssignmentWay | None = None
    detect: bool = False
    face: FaceChoice | None = None
    sample: SampleSettings | None = None

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.face is not None and not self.detect:
            expected = "raw photos, of which faces are cut out"
            raise UsageError(
                "face", got=f"{self.face}, but no faces are looked for", expected=expected, hint="--detect"
            )
        if self.shadow is None and "shadow" in (self.knowledge or ()):
            raise UsageError(
                "knowledge",
                got="shadow, but no shadow settings",
                expected="how to train shadows",
                hint="--shadow 1, or `shadow: {}` in a configuration",
            )
        names = [(attack.name, tuple(sorted(attack.parameters().items()))) for attack in self.attacks]
        if len(set(names)) < len(names):
            raise ValueError("an attack with the same parameters is listed twice")
        return self

    @property
    def knowledges(self) -> tuple[Knowledge, ...]:
        """The settings of prior knowledge that are played."""
        if self.knowledge is not None:
            return tuple(dict.fromkeys(self.knowledge))
        return ("partial", "shadow") if self.shadow is not None else ("partial",)

    def as_plain(self) -> dict[str, Any]:
        """What decides the numbers, as plain values: a run folder is gone on with under the same ones only.

        Models are no part of it: whoever knows them names them by their fingerprints.
        """
        always = {"seed", "folds", "batch_size", "title", "attacks", "games", "shadow", "max_reject_rate"}
        more = {"knowledge": None, "max_shared_rate": MAX_SHARED_RATE, "assignment": None, "trained_references": None}
        more |= {
            "max_smallest_effect": MAX_SMALLEST_EFFECT,
            "detect": False,
            "face": None,
            "sample": None,
            "planted_leaks": PLANTED_LEAKS,
        }
        changed = {name for name, usual in more.items() if getattr(self, name) != usual}
        return self.model_dump(mode="json", include=always | changed)


class AuditConfig(AuditSettings):
    """One audit as a file or a command line states it: a model, the people, what is asked.

    The people come either as one manifest (`roster`) or as folders, one for each role. `references` are backbones of
    other origin that never saw the members. `device` is where torch backbones compute and shadows are trained.
    `recogniser` is an independent network that finds people who are outside under one name and trained on under
    another. `seal` names the seal of the draw where it does not lie beside the roster. `workers` is how many processes
    ask models at the same time, and `executor` where they are; neither changes a number.
    """

    model: str
    spec: ImageSpec | None = None
    endpoint: RateLimit = RateLimit()
    ignore_head: bool = False
    roster: Path | None = None
    members: Path | None = None
    heldout: Path | None = None
    nonmembers: Path | None = None
    auxiliary: Path | None = None
    public: Path | None = None
    references: tuple[str, ...] = ()
    device: str = "cpu"
    recogniser: str | None = None
    seal: Path | None = None
    workers: int = Field(default=1, ge=1, le=10_000)
    executor: ExecutorKind | None = None

    @model_validator(mode="after")
    def _people(self) -> Self:
        folders = (self.members, self.heldout, self.nonmembers, self.auxiliary, self.public)
        if self.roster is not None and any(folder is not None for folder in folders):
            raise UsageError(
                "the people", got="both a roster and folders", expected="one roster, or a folder for each role",
                hint="leaving out one of the two",
            )  # fmt: skip
        if self.roster is None and (self.members is None or (self.nonmembers is None and self.heldout is None)):
            brought = "members and nobody beside them" if self.members else "no members"
            raise UsageError(
                "the people", got=brought, expected="a roster, or members and nonmembers (or heldout)",
                hint="--nonmembers with a folder of people who were never trained on" if self.members else "--members",
            )  # fmt: skip
        lying = [real_path(folder) for folder in folders if folder is not None]
        if len(set(lying)) < len(lying):
            raise UsageError(
                "the people", got="one folder in two roles", expected="both sides to be different pictures",
                hint="the folder of people who were never trained on for --nonmembers",
            )  # fmt: skip
        return self
