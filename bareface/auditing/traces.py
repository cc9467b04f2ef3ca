"""Probing everybody that an audit needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from bareface.auditing.asking import STRANGERS, Asking, ReferenceModel, read_by, wanted_by
from bareface.auditing.controls import STAND_IN, bn_swap, stand_in, untrained
from bareface.auditing.games import GameSplit, arena
from bareface.auditing.images import PublicFaces
from bareface.auditing.own_models import Kept, Report, Shadow, train_references, train_shadows
from bareface.auditing.progress import Progress
from bareface.auditing.settings import AuditSettings
from bareface.errors import UsageError
from bareface.faces.examine import Examination
from bareface.membership.base import Labelled
from bareface.membership.engine.features import direction
from bareface.rosters.roster import Roster
from bareface.shards.executor import Workshop
from bareface.stats.roc import auc
from bareface.streams import stream
from bareface.targets.kinds import Auditable, device_under
from bareface.targets.same_network import same_network
from bareface.targets.table import EmbeddingTable
from bareface.targets.target import Target
from bareface.trace import Trace, Trained
from bareface.training.train import TrainStep
from bareface.vocabulary import CANDIDATES, Game, Role

Model = Literal["target", "foreign", "swapped"]


@dataclass(frozen=True)
class Traces:
    """What every model answered about the candidates, and what the shadows answered about their own people.

    Attributes:
        target, foreign, swapped: traces of the candidates in the order of the candidates' roster; there is no
            `swapped` where the target has no BatchNorm.
        shadows: each shadow's trace with its own roster.
        foreign_model: the model behind the foreign control, and what it is.
        foreign_unfit: why the foreign model cannot see people, so that its control decides nothing; empty where it can.
        swapped_on: what the running statistics of the BN-swap were estimated on.
        compared_with: the public images that some channels compare the target's answers with; empty where nobody asked.
        strangers: what target, foreign and swapped answered about people who are known not to be members; empty
            where nobody asked or there are none.
    """

    target: Trace
    foreign: Trace
    swapped: Trace | None
    shadows: tuple[tuple[Trace, Roster], ...]
    foreign_model: Auditable
    foreign_is: str
    swapped_on: str
    foreign_unfit: str = ""
    compared_with: str = ""
    strangers: Mapping[Model, Trace] = field(default_factory=dict)


UNCHECKED = (
    "nothing says whether the foreign model recognises anybody: fewer than 20 pairs of photos show one person "
    "(a second photo of 20 people, in any role, would say)"
)
UNTRAINED = "the foreign model was never trained, so nothing that was run can see who the people are"
# On LFW a copy with fresh weights reaches .66 and a checkpoint after one epoch .97 (docs/results.md).
LEAST_RECOGNITION, FEWEST_PAIRS, MOST_COMPARED = 0.75, 20, 1500
NO_BATCHNORM = "nothing: the target has no BatchNorm layer whose running statistics could be exchanged"


def candidates(examination: Examination) -> tuple[Roster, NDArray[np.intp]]:
    """The images whose membership is in question, and their rows among the accepted ones."""
    rows = examination.accepted.rows(*CANDIDATES)
    return examination.accepted.take(rows), rows


def gather(
    target: Auditable,
    foreign: Auditable | None,
    references: tuple[Auditable, ...],
    brought: tuple[Shadow, ...],
    examination: Examination,
    settings: AuditSettings,
    shop: Workshop,
    progress: Progress,
) -> Traces:
    """Train the shadows and probe the target, its controls and the shadows; everything is kept in a shop.

    Raises:
        UsageError: a shadow that was brought is not about the usable auxiliary images, in their order.
    """
    everyone, (_, rows) = examination.accepted, candidates(examination)
    digests = dict(zip(everyone.image, examination.digest.tolist(), strict=True))
    made, saw_some = _train(brought, everyone, settings, Kept(shop.room, digests), progress, device_under(target))
    public = PublicFaces(everyone, settings.seed)
    foreign_model, foreign_is = _foreign(target, foreign, made, public)
    swap = bn_swap(target, public)
    others = references if foreign is None else (foreign, *references)
    asking = Asking(
        examination, _reference_models(made, saw_some, others, everyone), wanted_by(settings.attacks),
        read_by(settings.attacks), settings.batch_size, public, shop, progress,
    )  # fmt: skip
    models: dict[Model, tuple[Auditable, str]] = {
        "target": (target, "probing the target"),
        "foreign": (foreign_model, "probing the foreign model"),
    }
    if swap is not None:
        models["swapped"] = (swap[0], "probing with swapped statistics")
    auxiliary, strangers = everyone.rows(Role.AUXILIARY), everyone.rows(*STRANGERS)
    asking.leave((model, rows, what) for model, what in models.values())
    asking.leave((shadow.target, auxiliary, f"probing shadow {n}") for n, shadow in enumerate(made))
    if "nonmembers" in settings.knowledges and len(strangers):
        asking.leave((model, strangers, what) for model, what in models.values())
    asked = {name: asking.about(model, rows, what) for name, (model, what) in models.items()}
    return Traces(
        target=asked["target"],
        foreign=asked["foreign"],
        swapped=asked.get("swapped"),
        shadows=tuple(
            (asking.about(shadow.target, auxiliary, f"probing shadow {n}"), shadow.roster)
            for n, shadow in enumerate(made)
        ),
        foreign_model=foreign_model,
        foreign_is=foreign_is,
        swapped_on=swap[1] if swap else NO_BATCHNORM,
        foreign_unfit=_unfit(target, foreign, made, rows, asking),
        compared_with=asking.compared_with(target),
        strangers=_strangers(asking, models) if "nonmembers" in settings.knowledges else {},
    )


def _strangers(asking: Asking, models: Mapping[Model, tuple[Auditable, str]]) -> dict[Model, Trace]:
    said = {name: asking.strangers(model, what) for name, (model, what) in models.items()}
    return {name: trace for name, trace in said.items() if trace is not None}


def _reference_models(
    made: tuple[Shadow, ...], saw_some: tuple[Shadow, ...], brought: tuple[Auditable, ...], roster: Roster
) -> tuple[ReferenceModel, ...]:
    """The shadows, the references that were trained, and the models that were brought, which saw nobody."""
    trained = [
        ReferenceModel(one.target, np.isin(roster.image, _trained_on(one)), f"probing {kind} {n}")
        for kind, models in (("shadow", made), ("reference", saw_some))
        for n, one in enumerate(models)
    ]
    nobody = np.zeros(len(roster), dtype=bool)
    return (*trained, *(ReferenceModel(one, nobody, f"probing {one.name}") for one in brought))


def _trained_on(shadow: Shadow) -> list[str]:
    return [shadow.roster.image[row] for row in shadow.roster.rows(Role.MEMBER)]


def in_arena(trace: Trace, game: GameSplit) -> Trace:
    """The rows of a game, the images grouped as people bring them."""
    return trace.take(game.rows).with_photo_set(game.photo_set)


def with_trained(asked: Trace, trace: Trace, game: GameSplit) -> Trace:
    """The rows of a game beside the training images of its people; who of them is known is up to each lesson.

    Args:
        asked: those rows, as `in_arena` gives them.
        trace: all candidates.
        game: the game.
    """
    known = trace.take(game.trained).with_photo_set(game.trained_subject)
    return replace(asked, trained=Trained(known, game.subject))


def shadow_lessons(traces: Traces, game: Game, settings: AuditSettings) -> tuple[Labelled, ...]:
    """What the shadows teach about a game."""
    lessons = []
    for number, (trace, roster) in enumerate(traces.shadows):
        own = arena(roster, game, folds=2, seed=settings.seed + number)
        lessons.append(Labelled(in_arena(trace, own), own.member))
    return tuple(lessons)


def _fitting(brought: tuple[Shadow, ...], roster: Roster) -> tuple[Shadow, ...]:
    """The shadows that were brought, each with the rows in which the auxiliary images are probed."""
    auxiliary = roster.take(roster.rows(Role.AUXILIARY)).image
    if any(shadow.roster.image != auxiliary for shadow in brought):
        raise UsageError(
            "shadows",
            got="a shadow of other images than the usable auxiliary ones",
            expected=f"a roster of those {len(auxiliary)}, in their order",
            hint="shadows that are trained by the audit: it knows which images are usable",
        )
    return brought


def _train(
    brought: tuple[Shadow, ...],
    roster: Roster,
    settings: AuditSettings,
    kept: Kept,
    progress: Progress,
    device: torch.device,
) -> tuple[tuple[Shadow, ...], tuple[Shadow, ...]]:
    """The shadows, unless they were brought, and the references, where they are asked for."""
    made, saw_some = _fitting(brought, roster), tuple[Shadow, ...]()
    if settings.shadow is not None and not made:
        told = _told(progress, "training shadows", settings.shadow.count)
        made = train_shadows(roster, settings.shadow, kept.inside("shadows"), settings.seed, told, device)
    if settings.trained_references is not None:
        told = _told(progress, "training references", settings.trained_references.count)
        saw_some = train_references(
            roster, settings.trained_references, kept.inside("references"), settings.seed, told, device
        )
    return made, saw_some


def _told(progress: Progress, stage: str, count: int) -> Report:
    """Progress of training some backbones one after the other, in epochs."""

    def report(number: int, step: TrainStep) -> None:
        epochs = number * step.epochs + step.epoch - 1 + step.step / step.steps
        progress(stage, int(epochs), count * step.epochs)

    return report


def _unfit(
    target: Auditable, brought: Auditable | None, shadows: tuple[Shadow, ...], rows: NDArray[np.intp], asking: Asking
) -> str:
    """Why the foreign model cannot see people, as far as anybody knows; empty where it can."""
    if brought is None:
        return "" if shadows else UNTRAINED
    if same_network(target, brought):
        return "the foreign model is the audited target itself, which would be its own control"
    people = asking.examination.accepted
    reached = recognition(asking.about(brought, rows, "probing the foreign model"), people.subject[rows])
    if reached is None and len(others := _of_others(people, brought)):
        reached = recognition(asking.about(brought, others, "probing the foreign model"), people.subject[others])
    if reached is None:
        return UNCHECKED
    if reached >= LEAST_RECOGNITION:
        return ""
    return f"the foreign model hardly recognises these people (two photos of one person or of two: AUC {reached:.2f})"


def _of_others(people: Roster, model: Auditable) -> NDArray[np.intp]:
    """Some images of people out of question who have several photos; none for a table, which need not know them."""
    if isinstance(model, EmbeddingTable):
        return np.empty(0, np.intp)
    rows = people.rows(Role.AUXILIARY, Role.PUBLIC)
    _, person, photos = np.unique(people.subject[rows], return_inverse=True, return_counts=True)
    return rows[photos[person] > 1][:MOST_COMPARED]


def recognition(trace: Trace, subject: NDArray[np.str_]) -> float | None:
    """AUC with which a network tells two photos of one person from photos of two; None with fewer than 20 such pairs.

    Args:
        trace: its answers about n images.
        subject: (n,) who is on them.
    """
    some = np.sort(stream(0, "recognition").permutation(len(trace))[:MOST_COMPARED])
    towards, who = direction(trace.take(some)), subject[some]
    first, second = np.triu_indices(len(some), 1)
    same = who[first] == who[second]
    if same.sum() < FEWEST_PAIRS or same.all():
        return None
    return auc((towards @ towards.T)[first, second], same)


def _foreign(
    target: Auditable, foreign: Auditable | None, made: tuple[Shadow, ...], public: PublicFaces
) -> tuple[Auditable, str]:
    if foreign is not None:
        return foreign, "a backbone trained elsewhere, brought for this control"
    if made:
        return made[0].target, "the first shadow, trained on auxiliary people"
    if isinstance(target, Target):
        return untrained(target, public), "a copy of the target with fresh weights"
    return stand_in(target, public), f"an {STAND_IN} with fresh weights, since no copy of the target can be drawn"
