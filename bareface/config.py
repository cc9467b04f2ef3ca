"""Configuration as it is read from YAML and the command line: strict, closed, saved resolved in the run folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from bareface.errors import UnsafeFileError, UsageError
from bareface.measurement_record import AssignmentWay as AssignmentWay
from bareface.untrusted.code import names_code
from bareface.untrusted.regular import content_of, is_file, is_there, what_lies_at
from bareface.untrusted.shown import gist
from bareface.untrusted.yaml_text import read_yaml

Knowledge = Literal["partial", "shadow", "nonmembers"]
Game = Literal["record", "person", "dataset"]
Gate = Literal["refuse", "report", "skip"]
MAX_SHARED_RATE = 0.01
LARGEST_SIDE = 4096
Parameter = str | int | float | bool


class Closed(BaseModel):
    """A misspelt key is an error, not a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _attack(value: Any) -> Any:
    """`name` or `name:key=value,key=value` or a mapping with the key `name`."""
    if isinstance(value, str):
        name, _, rest = value.partition(":")
        pairs = [pair.partition("=") for pair in rest.split(",") if pair]
        return {"name": name, "parameters": {key.strip(): read_yaml(text, value) for key, _, text in pairs}}
    if isinstance(value, dict) and "parameters" not in value:
        return {"name": value.get("name"), "parameters": {k: v for k, v in value.items() if k != "name"}}
    return value


class AttackConfig(Closed):
    """An attack and its parameters."""

    name: str
    parameters: dict[str, Parameter] = {}


AnyAttack = Annotated[AttackConfig, BeforeValidator(_attack)]


class SpecConfig(Closed):
    """What pixels a backbone expects, where its file does not say: x -> (x - mean) / std with x in 0..255."""

    height: int = Field(gt=0, le=LARGEST_SIDE)
    width: int = Field(gt=0, le=LARGEST_SIDE)
    order: Literal["RGB", "BGR", "GRAY"] = "RGB"
    mean: tuple[Annotated[float, Field(allow_inf_nan=False)], ...] = (127.5,)
    std: tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...] = (127.5,)

    @model_validator(mode="after")
    def _one_number_or_one_for_each_channel(self) -> "SpecConfig":
        channels = 1 if self.order == "GRAY" else 3
        if not {len(self.mean), len(self.std)} <= {1, channels}:
            raise ValueError(f"mean and std: give one number, or {channels} of them for {self.order}")
        return self


class EndpointConfig(Closed):
    """How an endpoint is asked: the fields of `bareface.targets.post.Courtesy`."""

    images: int = Field(default=16, ge=1, le=1024)
    per_second: float = Field(default=10.0, ge=0.01, le=10_000)
    timeout: float = Field(default=30.0, gt=0, le=3600)
    retries: int = Field(default=5, ge=0, le=100)
    first_wait: float = Field(default=0.5, ge=0, le=3600)
    total_timeout: float = Field(default=300.0, gt=0, le=86_400)


class TrainConfig(Closed):
    """How a backbone is trained: the fields of `bareface.training.recipe.Recipe`, which checks their bounds."""

    architecture: str = "ir-tiny"
    embedding_size: int = 128
    spec: SpecConfig = SpecConfig(height=48, width=48)
    head: Literal["arcface", "cosface"] = "arcface"
    scale: float = 32.0
    margin: float = 0.5
    epochs: int = 60
    batch_size: int = 64
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warmup_epochs: int = 2
    flip: bool = True
    shift: int = 0
    brightness: float = 0.0
    contrast: float = 0.0
    seed: int = 0


class ShadowConfig(Closed):
    """Shadow backbones, trained on the auxiliary people by the same code as any backbone.

    people_in_training: share of the auxiliary people that a shadow is trained on; the others are its strangers.
    """

    count: int = Field(default=2, ge=1, le=64)
    people_in_training: float = Field(default=0.7, gt=0, lt=1)
    train: TrainConfig = TrainConfig()


class ReferenceConfig(Closed):
    """Reference backbones that are trained on images in question: half of the people, with half of each one's images.

    Every four of them share out all images: each was in the training of one, its person in that of two. Attacks that
    compare the target with models that saw an image and models that did not (`mode=online`) live on them.
    """

    count: int = Field(default=4, ge=2, le=256)
    train: TrainConfig = TrainConfig()


def make_attack_configs(attacks: Sequence[str]) -> tuple[AttackConfig, ...]:
    """Attacks written as words, as in `subject-compactness:k=5`."""
    return tuple(AttackConfig(**_attack(text)) for text in attacks)


DEFAULT_ATTACKS = make_attack_configs(
    (
        "bn-distance",
        "bn-distance-variance",
        "embedding-norm",
        "flip-agreement",
        "subject-compactness:k=2",
        "subject-compactness:k=3",
        "class-centre",
    )
)


class AuditConfig(Closed):
    """One audit: a model, the people, what is asked.

    `knowledge` defaults to partial, and shadow where there are shadow settings. `references` are backbones of other
    origin that never saw the members, `trained_references` say how to train some that saw a part of the images.

    The people come either as one manifest (`roster`) or as folders, one for each role. `games` defaults to those
    that the roles allow. `foreign` is a backbone that never saw the members; where there is none, the first shadow
    takes its place, and where there is no shadow, an untrained copy of the target. `device` is where torch backbones
    compute and shadows are trained. `selfcheck` says what follows if
    the running statistics do not fit the declared input: `refuse`, `report` it and go on, or `skip` the check.
    `assignment` says how membership came about: `randomised` where members were drawn by lot from one pool before
    training, which makes permutation tests exact; anything else is `observational`, and people are matched. Where it is
    not given, a seal decides (`bareface split` writes it beside the roster; `seal` names it where it lies elsewhere).
    `recogniser` is an independent network that finds people who are outside under one name and trained on under
    another; more than `max_shared_rate` of images or people on two sides are refused, fewer are left out.
    """

    title: str = "audit"
    model: str
    spec: SpecConfig | None = None
    endpoint: EndpointConfig = EndpointConfig()
    ignore_head: bool = False
    roster: Path | None = None
    members: Path | None = None
    heldout: Path | None = None
    nonmembers: Path | None = None
    auxiliary: Path | None = None
    public: Path | None = None
    attacks: tuple[AnyAttack, ...] = Field(default=DEFAULT_ATTACKS, min_length=1)
    games: tuple[Game, ...] | None = None
    shadow: ShadowConfig | None = None
    foreign: str | None = None
    knowledge: tuple[Knowledge, ...] | None = Field(default=None, min_length=1)
    references: tuple[str, ...] = ()
    trained_references: ReferenceConfig | None = None
    seed: int = Field(default=7, ge=0)
    device: str = "cpu"
    folds: int = Field(default=5, ge=2, le=50)
    batch_size: int | None = Field(default=None, ge=1)
    max_reject_rate: float = Field(default=0.01, ge=0, le=1)
    max_shared_rate: float = Field(default=MAX_SHARED_RATE, ge=0, le=1)
    recogniser: str | None = None
    selfcheck: Gate = "refuse"
    assignment: AssignmentWay | None = None
    seal: Path | None = None

    @model_validator(mode="after")
    def _people(self) -> "AuditConfig":
        folders = (self.members, self.heldout, self.nonmembers, self.auxiliary, self.public)
        if self.roster is not None and any(folder is not None for folder in folders):
            raise ValueError("give the people as one roster or as folders, not both")
        if self.roster is None and (self.members is None or (self.nonmembers is None and self.heldout is None)):
            raise ValueError("give a roster, or members and nonmembers (or heldout) folders")
        names = [(attack.name, tuple(sorted(attack.parameters.items()))) for attack in self.attacks]
        if len(set(names)) < len(names):
            raise ValueError("an attack with the same parameters is listed twice")
        return self


def read_config(path: Path, overrides: dict[str, Any] | None = None, *, allow_code: bool = False) -> AuditConfig:
    """The configuration in a YAML file; paths in it are relative to the file.

    Args:
        path: of the file.
        overrides: fields that stand above it, as a person typed them.
        allow_code: whether a model in the file may be `package.module:callable`, which runs that code.

    Raises:
        UsageError: the file is missing, is no YAML mapping, or has a wrong field.
        UnsafeFileError: it names code, and nobody allowed that.
    """
    values = _relative_to(path.parent, read_mapping(path))
    if not allow_code:
        _refuse_code(path, {name: value for name, value in values.items() if name not in (overrides or {})})
    return make_config(values | (overrides or {}), str(path))


def read_mapping(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        UsageError: the file is missing, is no YAML mapping, or holds more than a configuration does.
    """
    if not is_file(path):
        raise UsageError(str(path), got=what_lies_at(path), expected="a YAML configuration")
    try:
        values = read_yaml(content_of(path), str(path))
    except OSError as error:
        raise UsageError(str(path), got=error.strerror or str(error), expected="a readable configuration") from error
    if not isinstance(values, dict):
        raise UsageError(str(path), got=f"a {type(values).__name__}", expected="a YAML mapping")
    return values


def _refuse_code(path: Path, values: dict[str, Any]) -> None:
    """Stop if a reference in a file names code: who brings a file has not said that it may run something."""
    listed = values.get("references")
    named = [(name, values.get(name)) for name in _MODELS]
    named += [("references", one) for one in (listed if isinstance(listed, list) else [])]
    found = next(((name, value) for name, value in named if names_code(value)), None)
    if found is not None:
        raise UnsafeFileError(
            f"{path}, {found[0]}",
            got=f"{gist(found[1])}, which is code to run",
            expected="the path of a file, or an address",
            hint="--allow-code if you know what that module does, or naming it on the command line",
        )


def make_config(values: dict[str, Any], where: str) -> AuditConfig:
    """A checked configuration from plain values.

    Raises:
        UsageError: a field is unknown, missing or out of range; the message names it.
    """
    try:
        return AuditConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the whole"
        got = gist(first["input"]) if first["type"] not in ("missing", "value_error") else "something else"
        raise UsageError(f"{where}, {field}", got=got, expected=_lower(first["msg"])) from error


_MODELS = ("model", "foreign", "recogniser")
_PATHS = ("roster", "seal", "members", "heldout", "nonmembers", "auxiliary", "public")


def _relative_to(folder: Path, values: dict[str, Any]) -> dict[str, Any]:
    paths = {key: str(folder / values[key]) for key in _PATHS if isinstance(values.get(key), str)}
    paths |= {key: _here(folder, values[key]) for key in _MODELS if key in values}
    others = values.get("references")
    if isinstance(others, list):
        values = values | {"references": [_here(folder, one) for one in others]}
    return values | paths


def _here(folder: Path, reference: Any) -> Any:
    """A path in a file is relative to the file, one that names a net in it too; a factory's name is left as it is."""
    if not isinstance(reference, str):
        return reference
    ways = (reference, reference.rpartition("#")[0])
    return str(folder / reference) if any(way and is_there(folder / way) for way in ways) else reference


def _lower(message: str) -> str:
    text = message.removeprefix("Value error, ")
    return text[:1].lower() + text[1:]
