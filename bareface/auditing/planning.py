"""What an audit would take, before anything of it runs: measured for some seconds on its own images, then multiplied.

The times of what grows with the images (decoding, asking, training) are measured and multiplied. Attacks are tried on
some hundred people, with answers that the target gave about a few images, and statistics on scores drawn at random;
both grow with the images of a game. What cannot be tried is said to be unknown.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from bareface.auditing.asking import MOST_GALLERY_IMAGES, read_by, wanted_by
from bareface.auditing.audit import AuditInputs
from bareface.auditing.controls import ENOUGH_FOR_FRESH, STAND_IN
from bareface.auditing.default_attacks import with_default_attacks
from bareface.auditing.games import GameSplit, arena, possible_games
from bareface.auditing.images import MOST_PUBLIC_IMAGES
from bareface.auditing.own_models import reference_roster, shadow_roster
from bareface.auditing.progress import silent
from bareface.auditing.settings import AuditSettings
from bareface.auditing.speeds import (
    ModelSpeed,
    attack_seconds,
    libraries_seconds,
    model_speed,
    rendering_speed,
    seconds_of,
    statistics_seconds,
    tiled,
    training_speed,
)
from bareface.auditing.usable import examined
from bareface.errors import BarefaceError, RosterError
from bareface.faces.examine import Examination, examine
from bareface.inspecting.feedings import feedings
from bareface.inspecting.selfcheck import ENOUGH_IMAGES
from bareface.membership.base import Attack
from bareface.probing.taps import batchnorm_layers
from bareface.records.planning import PlannedAttack, PlannedStage, PlanRecord, Visible
from bareface.rosters.roster import Roster
from bareface.rosters.sampling import drawn, usual_sample
from bareface.settings.recipe import Recipe
from bareface.settings.spec import USUAL_INPUT
from bareface.stats.power import smallest_effect
from bareface.streams import stream
from bareface.targets.build import build
from bareface.targets.kinds import device_under
from bareface.targets.target import Target
from bareface.vocabulary import CANDIDATES, Game, Role

LOOKED_AT, TRIED_ON = 64, 1500
"""Images that are decoded and asked about, and rows on which attacks are tried."""
# Measured on audits of 175 to 3,000 images: a pass of one view without folding, and all that is computed of a finding
# beside its own measurement (controls, matching).
_PLAIN, _BESIDE = 1.6, 3.0
_BASE_MEMORY, _EXAMINED, _COPIES = 700 << 20, 5_000, 3.0
_ENOUGH_PEOPLE = 2_000


@dataclass(frozen=True, eq=False)
class _Counts:
    """How many images each part of the work is about."""

    all: int
    asked: int
    auxiliary: int
    public: int

    @classmethod
    def of(cls, roster: Roster) -> "_Counts":
        sizes = (len(roster.rows(*roles)) for roles in (CANDIDATES, (Role.AUXILIARY,), (Role.PUBLIC,)))
        return cls(len(roster), *sizes)


def plan_audit(brought: AuditInputs, settings: AuditSettings) -> PlanRecord:
    """What an audit of these people would take on this machine.

    Raises:
        BarefaceError: the target cannot be asked, or the people cannot be audited; as the audit itself would say.
    """
    libraries = PlannedStage(stage="loading libraries", seconds=libraries_seconds(), what="when they are needed first")
    settings = with_default_attacks(settings, brought.target)
    everybody = brought.roster
    roster = drawn(everybody, usual_sample(everybody, settings.sample), settings.seed).roster
    games = settings.games or possible_games(roster)
    with TemporaryDirectory() as faces:
        seen, per_second = _examined(roster, settings, Path(faces))
        speed, foreign = _speeds(brought, seen, settings)
    counts, tried = _Counts.of(roster), _tried(roster, games, settings)
    prices, statistics = _prices(settings, speed, tried), _statistics(tried, settings)
    training = tuple(_training(brought, roster, settings))
    stages = (
        libraries,
        PlannedStage(stage="examining images", seconds=counts.all / per_second, what=f"{per_second:,.0f} images/s"),
        *_before(brought, roster, speed),
        *training,
        _probing(brought, settings, counts, speed, foreign),
        PlannedStage(stage="attacks", seconds=sum(one.seconds or 0 for one in prices), what="see the prices"),
        PlannedStage(stage="statistics", seconds=statistics, what=f"{_findings(settings, games)} findings"),
    )
    models = _models_asked(brought, settings)
    size = counts.asked * speed.bytes_per_image
    return PlanRecord(
        title=settings.title, images=len(roster), people=len(np.unique(roster.subject)), stages=stages, attacks=prices,
        visible=tuple(_visible(roster, games, settings)), disk=int(size * models),
        memory=int(_BASE_MEMORY + _COPIES * size * models + _EXAMINED * counts.all),
        advice=tuple(_advice(stages, roster, settings)),
    )  # fmt: skip


def _examined(roster: Roster, settings: AuditSettings, folder: Path) -> tuple[Examination, float]:
    """Some images of people in question, and how many are examined in a second; faces go into the folder."""
    rows = roster.rows(*CANDIDATES)
    if not len(rows):
        raise RosterError(roster.called, got="nobody in question", expected="images in the roles of a game")
    some = roster.take(np.sort(stream(settings.seed, "plan").permutation(rows)[:LOOKED_AT]))
    start = time.perf_counter()
    seen = examined(some, folder, silent, detect=settings.detect, face=settings.face)
    took = time.perf_counter() - start
    if not len(seen.digest):
        raise RosterError(roster.called, got=f"{len(some)} images, none of them usable", expected="images")
    # A second look at raw photos would find the faces cut out.
    return seen, len(some) / (took if settings.detect else seconds_of(lambda: examine(some)))


def _speeds(brought: AuditInputs, seen: Examination, settings: AuditSettings) -> tuple[ModelSpeed, float]:
    """The speed of the target, which stands for references and shadows, too, and that of the foreign model."""
    reads = read_by(settings.attacks)
    target = model_speed(brought.target, seen, reads)
    if brought.foreign is not None:
        return target, model_speed(brought.foreign, seen, reads).images_per_second
    if isinstance(brought.target, Target):
        return target, target.images_per_second
    small = build(STAND_IN, spec=USUAL_INPUT, embedding_size=brought.target.embedding_size)
    return target, model_speed(Target(STAND_IN, STAND_IN, small, USUAL_INPUT), seen, reads).images_per_second


def _tried(roster: Roster, games: Sequence[Game], settings: AuditSettings) -> dict[Game, tuple[GameSplit, float]]:
    """Each game with some of its people, and how many times as many images the whole game has."""
    asked = roster.take(roster.rows(*CANDIDATES))
    found: dict[Game, tuple[GameSplit, float]] = {}
    for game in games:
        whole = arena(asked, game, folds=settings.folds, seed=settings.seed)
        people = stream(settings.seed, "plan", game).permutation(np.unique(whole.subject))
        share = min(1.0, TRIED_ON / len(whole.rows))
        some = np.isin(whole.subject, people[: max(20, ceil(share * len(people)))])
        kept = asked.take(whole.rows[some])
        found[game] = (arena(kept, game, folds=settings.folds, seed=settings.seed), len(whole.rows) / some.sum())
    return found


def _prices(
    settings: AuditSettings, speed: ModelSpeed, tried: dict[Game, tuple[GameSplit, float]]
) -> tuple[PlannedAttack, ...]:
    """Each attack on the target and two controls, with all prior knowledge, in all games."""
    return tuple(_price(attack, settings, speed, tried) for attack in settings.attacks)


def _price(
    attack: Attack, settings: AuditSettings, speed: ModelSpeed, tried: dict[Game, tuple[GameSplit, float]]
) -> PlannedAttack:
    total = 0.0
    for split, times in tried.values():
        trace = tiled(speed.trace, int(split.rows.max()) + 1)
        try:
            total += times * attack_seconds(attack, trace, split, settings.seed)
        except BarefaceError as error:
            return PlannedAttack(attack=attack.title(), seconds=None, why=str(error))
    return PlannedAttack(attack=attack.title(), seconds=3 * len(settings.knowledges) * total)


def _statistics(tried: dict[Game, tuple[GameSplit, float]], settings: AuditSettings) -> float:
    each = sum(times * statistics_seconds(split) for split, times in tried.values())
    return _BESIDE * each * len(settings.attacks) * len(settings.knowledges)


def _findings(settings: AuditSettings, games: Sequence[Game]) -> int:
    return len(games) * len(settings.attacks) * len(settings.knowledges)


def _before(brought: AuditInputs, roster: Roster, speed: ModelSpeed) -> Iterator[PlannedStage]:
    """The self-check, and the statistics that controls are made of."""
    if not isinstance(brought.target, Target) or not batchnorm_layers(brought.target.module):
        return
    views = 2 * speed.images_per_second / _PLAIN
    ways = len(feedings(brought.target.spec, orders=(brought.target.spec.order,)))
    strangers = min(ENOUGH_IMAGES, len(roster) - len(roster.rows(Role.MEMBER)))
    yield PlannedStage(stage="self-check", seconds=ways * strangers / views, what=f"{ways} ways of feeding")
    lots = [len(roster.rows(role)) for role in (Role.PUBLIC, Role.AUXILIARY)]
    public = next((min(size, MOST_PUBLIC_IMAGES) for size in lots if size), 0)
    rendered = 0 if public else MOST_PUBLIC_IMAGES // 2
    spec = brought.target.spec
    fresh = 0 if brought.foreign is not None else min(ENOUGH_FOR_FRESH, public or rendered)
    seconds = ((public or rendered) + fresh) / views
    if rendered:
        seconds += rendered / rendering_speed(max(spec.height, spec.width))
    what = f"on {public or rendered} {'images' if public else 'rendered faces'}"
    yield PlannedStage(stage="estimating statistics", seconds=seconds, what=what)


def _training(brought: AuditInputs, roster: Roster, settings: AuditSettings) -> Iterator[PlannedStage]:
    """Shadows and references, one after the other."""
    device = device_under(brought.target)
    if settings.shadow is not None and not brought.shadows:
        own = shadow_roster(roster, settings.shadow.people_in_training, stream(settings.seed, "plan"))
        yield _trained("shadows", settings.shadow.count, settings.shadow.train, own, device)
    if settings.trained_references is not None:
        own = reference_roster(roster, 0, settings.seed)
        yield _trained("references", settings.trained_references.count, settings.trained_references.train, own, device)


def _trained(name: str, count: int, recipe: Recipe, own: Roster, device: torch.device) -> PlannedStage:
    members = own.take(own.rows(Role.MEMBER))
    speed = training_speed(recipe, len(np.unique(members.subject)), device)
    one = recipe.epochs * len(members) / speed
    what = f"{count} of {one:,.0f} s each: {recipe.epochs} epochs of {len(members):,} images at {speed:,.0f}/s"
    return PlannedStage(stage=f"training {name}", seconds=count * one, what=what)


def _models_asked(brought: AuditInputs, settings: AuditSettings) -> float:
    """How many models answer about everybody in question."""
    target = brought.target
    swapped = isinstance(target, Target) and bool(batchnorm_layers(target.module))
    others = len(brought.references) + (settings.shadow.count if settings.shadow else 0)
    others += settings.trained_references.count if settings.trained_references else 0
    return 2 + swapped + (others if "references" in wanted_by(settings.attacks) else 0)


def _probing(
    brought: AuditInputs, settings: AuditSettings, counts: _Counts, speed: ModelSpeed, foreign: float
) -> PlannedStage:
    """Every model about everybody whom it is asked about."""
    models = _models_asked(brought, settings)
    images = counts.asked * models + (settings.shadow.count * counts.auxiliary if settings.shadow else 0)
    if "nonmembers" in settings.knowledges:
        images += 3 * (counts.auxiliary + counts.public)
    if "gallery" in wanted_by(settings.attacks):
        images += models * min(counts.public, MOST_GALLERY_IMAGES)
    what = f"{images:,.0f} answers, both views, at {speed.images_per_second:,.0f}/s (foreign model {foreign:,.0f}/s)"
    seconds = (images - counts.asked) / speed.images_per_second + counts.asked / foreign
    return PlannedStage(stage="probing", seconds=seconds, what=what)


def _visible(roster: Roster, games: Sequence[Game], settings: AuditSettings) -> Iterator[Visible]:
    """The smallest effects, with the standard error of an AUC of so many unrelated people."""
    attacks = _findings(settings, games)
    for game in games:
        split = arena(roster.take(roster.rows(*CANDIDATES)), game, folds=settings.folds, seed=settings.seed)
        inside, outside = (len(np.unique(split.subject[split.member == side])) for side in (True, False))
        yield Visible(game=game, inside=inside, outside=outside, smallest_effect=_smallest(inside, outside, attacks))


def _smallest(inside: int, outside: int, attacks: int) -> float | None:
    error = sqrt((inside + outside + 1) / (12 * inside * outside))
    found = smallest_effect(error, attacks, crossfit=True)
    return found if found < 1 else None


def _advice(stages: Sequence[PlannedStage], roster: Roster, settings: AuditSettings) -> Iterator[str]:
    """What to cut, the dearest first."""
    total = sum(one.seconds for one in stages)
    dearest = max(stages, key=lambda one: one.seconds)
    yield f"{dearest.stage} takes {100 * dearest.seconds / total:.0f} % of the time"
    most = max(people for people, _ in roster.head_count().values())
    if most > _ENOUGH_PEOPLE:
        few, many = (_smallest(n, n, len(settings.attacks)) or 1.0 for n in (_ENOUGH_PEOPLE, most))
        share = _ENOUGH_PEOPLE / most
        yield (
            f"--people {_ENOUGH_PEOPLE} asks about {100 * share:.0f} % of the people; the smallest AUC that shows in a "
            f"game of as many people on both sides becomes {few:.3f} in place of {many:.3f}"
        )
    if settings.shadow is not None and dearest.stage == "training shadows" and settings.shadow.count > 1:
        yield f"--shadow 1 trains one shadow in place of {settings.shadow.count}; more can be added to the finished run"
    if settings.shadow is not None and dearest.stage.startswith("training"):
        yield "fewer epochs (`train: {epochs: 20}`), or a smaller architecture for shadows; a weak shadow teaches less"
