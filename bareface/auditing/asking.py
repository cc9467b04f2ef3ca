"""Asking models about images: each model about each lot of images once, and what stands beside the answers."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bareface.auditing.images import PublicFaces, images_for, refuse_familiar_public
from bareface.auditing.progress import Progress
from bareface.faces.examine import Examination
from bareface.faces.source import Images
from bareface.membership.base import Attack, Beside
from bareface.probing.estimated import Estimate
from bareface.probing.kinds import estimate_of, prober_of, strangers_of
from bareface.probing.negative_classes import PublicDirections
from bareface.probing.probe import ProbePlan, load_trace, plan, probe
from bareface.probing.prober import Prober
from bareface.shards.executor import Workshop
from bareface.shards.listing import Listing, ShardsLeft
from bareface.storage.cache import Cache
from bareface.storage.folders import subfolder
from bareface.streams import stream
from bareface.targets.endpoint import Endpoint
from bareface.targets.kinds import Auditable
from bareface.trace import Channel, Reference, Trace
from bareface.untrusted.code import names_code
from bareface.vocabulary import Role

Rows = NDArray[np.intp]

# The gallery stands for strangers in general; more of them change no quantile that an attack reads.
MOST_GALLERY_IMAGES = 2000
STRANGERS = (Role.PUBLIC, Role.AUXILIARY)


@dataclass(frozen=True, eq=False)
class ReferenceModel:
    """A model that the attacker holds beside the one in question.

    Attributes:
        model: the model.
        trained_on: (accepted,) which of the usable images it was trained on.
        what: what progress reports call it.
    """

    model: Auditable
    trained_on: NDArray[np.bool_]
    what: str


@dataclass(frozen=True, eq=False)
class Asking:
    """Everything that is asked of models in one audit; answers lie in a folder and are kept in memory.

    Attributes:
        examination: the usable images.
        references: models that stand beside every other model.
        wanted: what some attack looks at beside a model's own answers.
        channels: what some attack reads of a model's own answers.
        batch_size, progress: as in the audit.
        faces: of the public, and the seed of the audit.
        shop: the folder, the cache of answers that it shares, and who asks.
    """

    examination: Examination
    references: tuple[ReferenceModel, ...]
    wanted: frozenset[Beside]
    channels: frozenset[Channel]
    batch_size: int | None
    faces: PublicFaces
    shop: Workshop
    progress: Progress
    _known: dict[tuple[int, bytes], Trace] = field(default_factory=dict)
    _public: dict[int, "_Public"] = field(default_factory=dict)

    def about(self, model: Auditable, rows: Rows, what: str) -> Trace:
        """What a model answers about some usable images, by row; references and gallery beside it where wanted."""
        trace = self._with_gallery(model, rows, what)
        if "references" not in self.wanted:
            return trace
        return replace(trace, references=tuple(self._references(model, rows)))

    def leave(self, asked: Iterable[tuple[Auditable, Rows, str]]) -> None:
        """Leave all answers that are missing to workers of another time, where the executor does that."""
        if not isinstance(self.shop.executor, Listing):
            return
        for model, rows, what in asked:
            for one, some in self._lots(model, rows):
                with suppress(ShardsLeft):
                    self._answers(one, some, what)

    def _lots(self, model: Auditable, rows: Rows) -> Iterable[tuple[Auditable, Rows]]:
        """Who is asked about which rows, for `about`."""
        others = [one.model for one in self.references] if "references" in self.wanted else []
        for one in (model, *others):
            yield one, rows
            if "gallery" in self.wanted and len(self.gallery_rows):
                yield one, self.gallery_rows

    def strangers(self, model: Auditable, what: str) -> Trace | None:
        """What a model answers about everybody who is known not to be in the target's training; None if nobody is."""
        rows = self.examination.accepted.rows(*STRANGERS)
        if not len(rows):
            return None
        return self.about(model, rows, what).with_photo_set(self._numbers(rows))

    @cached_property
    def gallery_rows(self) -> Rows:
        """Images of public people, whole people at a time."""
        roster = self.examination.accepted
        rows = roster.rows(Role.PUBLIC)
        people = stream(self.faces.seed, "gallery").permutation(np.unique(roster.subject[rows]))
        rank = {person: number for number, person in enumerate(people.tolist())}
        order = np.argsort([rank[person] for person in roster.subject[rows].tolist()], kind="stable")
        return np.sort(rows[order][:MOST_GALLERY_IMAGES])

    def _references(self, model: Auditable, rows: Rows) -> Iterable[Reference]:
        for other in self.references:
            if other.model is not model:
                trace = self._with_gallery(other.model, rows, other.what)
                yield Reference(trace, other.trained_on[rows], self._known_to(other)[rows])

    def _known_to(self, other: ReferenceModel) -> NDArray[np.bool_]:
        """(accepted,) images of people of whom a model saw at least one image in training."""
        subject = self.examination.accepted.subject
        return np.isin(subject, subject[other.trained_on])

    def _with_gallery(self, model: Auditable, rows: Rows, what: str) -> Trace:
        trace = self._answers(model, rows, what)
        if "gallery" not in self.wanted or not len(self.gallery_rows):
            return trace
        return replace(trace, gallery=self._gallery(model, what))

    def _gallery(self, model: Auditable, what: str) -> Trace:
        trace = self._answers(model, self.gallery_rows, what)
        return trace.with_photo_set(self._numbers(self.gallery_rows))

    def _numbers(self, rows: Rows) -> NDArray[np.int64]:
        """A number below zero for each person: no photo set of an arena has it."""
        _, person = np.unique(self.examination.accepted.subject, return_inverse=True)
        return -1 - person[rows].astype(np.int64)

    def _answers(self, model: Auditable, rows: Rows, what: str) -> Trace:
        key = id(model), rows.tobytes()
        if key not in self._known:
            self._known[key] = self._probe(model, rows, what)
        return self._known[key]

    def _probe(self, model: Auditable, rows: Rows, what: str) -> Trace:
        seen = self.examination
        names = [seen.accepted.image[row] for row in rows]
        public = self._beside(model)
        digests = seen.digest[rows].tolist()
        prober = prober_of(model, names, digests, self.channels, public.estimate, public.strangers)
        todo = plan(prober, seen.digest[rows], batch_size=self.batch_size)
        images = images_for(model, seen.accepted.take(rows))
        report: Callable[[int, int], None] = lambda *at: self.progress(what, *at)  # noqa: E731
        trace = load_trace(probed(model, prober, images, todo, self.shop, report))
        pictures = {Channel.BLIND: seen.blind[rows], Channel.PICTURE: seen.thumbnail[rows]}
        return replace(trace, channels={**trace.channels, **pictures})

    def compared_with(self, model: Auditable) -> str:
        """The public images that a model's answers were compared with, in words; empty where nobody asked."""
        return self._public[id(model)].what if id(model) in self._public else ""

    def _beside(self, model: Auditable) -> "_Public":
        """What a model makes of public images, where some attack compares with that."""
        if not self.channels & COMPARED:
            return _Public()
        if id(model) not in self._public:
            refuse_familiar_public(self.examination.accepted)
            self._public[id(model)] = self._shown_public(model)
        return self._public[id(model)]

    def _shown_public(self, model: Auditable) -> "_Public":
        images, what = self.faces.of(model)
        report: Callable[[int, int], None] = lambda *at: self.progress(f"estimating on {what}", *at)  # noqa: E731
        estimate, others = None, None
        if Channel.ESTIMATED_DISTANCE in self.channels:
            estimate = estimate_of(model, images, batch_size=self.batch_size, report=report)
        if Channel.MARGIN_GRADIENT in self.channels:
            others = strangers_of(model, images)
        return _Public(estimate, others, what)


@dataclass(frozen=True)
class _Public:
    """What a model makes of public images: statistics of features, directions of embeddings, and what they are."""

    estimate: Estimate | None = None
    strangers: PublicDirections | None = None
    what: str = ""


def _is_known_by_content(model: Auditable) -> bool:
    """Whether the fingerprint of a model tells what it will answer, so that other runs may have its answers.

    What runs behind an address, or in a module of the user's own, may change under the same name.
    """
    return not isinstance(model, Endpoint) and not names_code(model.source)


def probed(
    model: Auditable,
    prober: Prober,
    images: Images,
    todo: ProbePlan,
    shop: Workshop,
    report: Callable[[int, int], None],
) -> Path:
    """As `probe`, in the folder `trace` of a room; what the cache has is not asked again, and what was asked is kept.

    Answers of a model that is not known by its content stay in the room's own folder.

    Raises:
        TargetError: an embedding is not finite.
        RunError: the folder cannot be written, or the one around it is gone.
    """
    room = shop.room
    folder, cache = subfolder(room.folder / "trace"), room.cache if _is_known_by_content(model) else Cache()
    cache.lend("trace", todo.key, folder / todo.key)
    home = probe(prober, images, todo, folder, report, shop.executor)
    cache.keep("trace", todo.key, home)
    return home


COMPARED = frozenset({Channel.ESTIMATED_DISTANCE, Channel.MARGIN_GRADIENT})


def read_by(attacks: Iterable[Attack]) -> frozenset[Channel]:
    """Every channel that any of these attacks reads."""
    return frozenset().union(*(attack.reads() for attack in attacks))


def wanted_by(attacks: Iterable[Attack]) -> frozenset[Beside]:
    """What any of these attacks looks at beside a model's own answers."""
    return frozenset().union(*(attack.beside for attack in attacks))
