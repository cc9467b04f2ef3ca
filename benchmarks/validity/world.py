"""Real people, probed once by three public checkpoints that never saw them; audits are then draws of rows.

casia-068 is audited, casia-scratch (another training run) is the foreign network, and casia-micro, which the audits
never see, says who is alike: what is tilted is not defined by what has to notice it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter

from bareface.auditing.answers import run_game
from bareface.auditing.blind import blind_trace
from bareface.auditing.findings import FoundLeaks, findings
from bareface.auditing.games import arena
from bareface.auditing.images import images_for
from bareface.auditing.progress import silent
from bareface.auditing.settings import AuditSettings, attacks_named
from bareface.auditing.traces import Traces
from bareface.faces.examine import Examination, examine
from bareface.faces.source import Images
from bareface.membership.engine.features import direction, flip_agreement
from bareface.probing.kinds import prober_of
from bareface.probing.probe import load_trace, plan, probe
from bareface.records.evidence import apart_from_head
from bareface.rosters.roster import Roster
from bareface.stats.overall import overall, verdicts_by_game
from bareface.storage.files import write_bytes
from bareface.targets.kinds import load_any
from bareface.trace import Channel, Trace
from bareface.vocabulary import AssignmentWay, Game, Verdict
from benchmarks.shared_data import checkpoint, lfw

TARGET, FOREIGN, DEFINING = "casia-068", "casia-scratch-001", "casia-micro-070"
CHANNELS = frozenset({Channel.EMBEDDING, Channel.BN_DISTANCE, Channel.BN_DISTANCE_VARIANCE})
ATTACKS = ("bn-distance-variance", "embedding-norm", "flip-agreement", "subject-compactness:k=2")
MOST_PHOTOS, PART = 3, 256
PROCESSED_PEOPLE = 260
FloatArray = NDArray[np.float64]

PROCESSINGS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "sharper": lambda image: image.filter(ImageFilter.UnsharpMask(1.5, 80)),
    "JPEG": lambda image: Image.open(_again(image, 60)).copy(),
    "brightness": lambda image: ImageEnhance.Brightness(image).enhance(1.15),
    "gamma": lambda image: image.point([round(255 * (value / 255) ** 0.85) for value in range(256)]),
    "camera": lambda image: image.filter(ImageFilter.GaussianBlur(0.6)),
}


@dataclass(frozen=True)
class Pool:
    """Images that every network was asked about.

    Attributes:
        seen: the examined images.
        traces: the answers of each network, by its name.
    """

    seen: Examination
    traces: dict[str, Trace]

    @cached_property
    def people(self) -> tuple[NDArray[np.str_], NDArray[np.intp]]:
        """Names of people, and (n,) the number of the person on each image."""
        names, person = np.unique(self.seen.accepted.subject, return_inverse=True)
        return names, person

    def of_person(self, values: FloatArray) -> FloatArray:
        """(p, ...) means over each person's images."""
        names, person = self.people
        total = np.zeros((len(names), *values.shape[1:]))
        np.add.at(total, person, values)
        return total / np.bincount(person).reshape(-1, *(1 for _ in values.shape[1:]))

    @cached_property
    def traits(self) -> dict[str, FloatArray]:
        """(p,) in standard deviations: what people may be picked by, seen by the network that no audit sees."""
        other = self.traces[DEFINING]
        templates = self.of_person(direction(other))
        templates -= templates.mean(axis=0)
        axis = np.linalg.svd(templates, full_matrices=False)[2][0]
        sharp = self.seen.blind[:, self.seen.blind_names.index("native_sharpness")].astype(np.float64)
        found = {
            "people": templates @ axis,
            "frontal": self.of_person(flip_agreement(other, "traits")),
            "sharpness": self.of_person(sharp),
        }
        return {name: (values - values.mean()) / values.std() for name, values in found.items()}


@dataclass(frozen=True)
class Draw:
    """Who stands where in one audit.

    Attributes:
        rows: (n,) images of the pool.
        role: (n,) their roles.
        games: what is played.
        member_traces, leak: answers in which members' rows are replaced (processed pictures), and how far the members'
            signals are lifted, in deviations; below 0 the others' are.
    """

    rows: NDArray[np.intp]
    role: NDArray[np.str_]
    games: tuple[Game, ...] = ("dataset",)
    member_pool: Pool | None = None
    leak: float = 0.0


@dataclass(frozen=True)
class Audited:
    """What came of it."""

    verdict: Verdict
    found: FoundLeaks


def pool(home: Path) -> Pool:
    """Everybody in LFW with two photos or more, up to three of each."""
    home.mkdir(parents=True, exist_ok=True)
    roster = lfw()
    kept, seen = [], dict[str, int]()
    names, counts = np.unique(roster.subject, return_counts=True)
    several = set(names[counts >= 2].tolist())
    for row, name in enumerate(roster.subject.tolist()):
        seen[name] = seen.get(name, 0) + 1
        if name in several and seen[name] <= MOST_PHOTOS:
            kept.append(row)
    return _probed(examine(roster.take(np.array(kept))), home)


def processed(whole: Pool, how: str, home: Path) -> Pool:
    """The first photos of some people after a change of the picture, as another camera or archive would make it."""
    rows = np.flatnonzero(whole.people[1] < PROCESSED_PEOPLE)
    assert (rows == np.arange(len(rows))).all(), "the first people are the first rows, so that row numbers stay"
    some = whole.seen.accepted.take(rows)
    folder = home / how.lower()
    for image in some.image:
        if not (folder / image).exists():
            with Image.open(some.root / image) as opened:
                changed = PROCESSINGS[how](opened.convert("L"))
            write_bytes((folder / image).with_suffix(".jpg"), _again(changed, 95).getvalue())
    roster = Roster(folder, some.image, some.subject, some.role)
    return _probed(examine(roster), home)


def audit(whole: Pool, draw: Draw, how: AssignmentWay, seed: int, attacks: tuple[str, ...] = ATTACKS) -> Audited:
    """One audit, from answers to the verdict, by the code that every audit runs."""
    asked = AuditSettings(attacks=attacks_named(*attacks), seed=seed)
    people = whole.seen.accepted.take(draw.rows)
    roster = Roster(people.root, people.image, people.subject, draw.role)
    inside = draw.role == "member"
    target, foreign = (_answers(whole, draw, name, inside) for name in (TARGET, FOREIGN))
    target = _planted(target, inside, draw.leak)
    traces = Traces(target, foreign, None, (), None, FOREIGN, "nothing")  # type: ignore[arg-type]
    blind = _pictures(whole, draw, inside)
    arenas = [arena(roster, game, folds=5, seed=seed) for game in draw.games]
    answers = [one for game in arenas for one in run_game(game, traces, blind, asked, silent, (0, 1))]
    found = findings(answers, traces, asked, blind, how)
    return Audited(overall(verdicts_by_game(apart_from_head(found.findings))), found)


def _answers(whole: Pool, draw: Draw, name: str, inside: NDArray[np.bool_]) -> Trace:
    trace = whole.traces[name].take(draw.rows)
    if draw.member_pool is None:
        return trace
    other = draw.member_pool.traces[name].take(draw.rows)
    return replace(trace, channels={key: _mixed(inside, other.channels[key], values) for key, values in
                                    trace.channels.items()})  # fmt: skip


def _pictures(whole: Pool, draw: Draw, inside: NDArray[np.bool_]) -> Trace:
    blind, thumbnail = whole.seen.blind[draw.rows], whole.seen.thumbnail[draw.rows]
    if draw.member_pool is not None:
        other = draw.member_pool.seen
        blind, thumbnail = _mixed(inside, other.blind[draw.rows], blind), _mixed(
            inside, other.thumbnail[draw.rows], thumbnail)  # fmt: skip
    return blind_trace(whole.seen.digest[draw.rows], blind, thumbnail)


def _mixed(inside: NDArray[np.bool_], one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.where(inside.reshape(-1, *(1 for _ in one.shape[1:])), one, other)


def _planted(trace: Trace, inside: NDArray[np.bool_], leak: float) -> Trace:
    """The trace in which one side's embeddings are longer and its distances smaller, in deviations of the log."""
    if not leak:
        return trace
    lifted, channels = inside if leak > 0 else ~inside, dict(trace.channels)
    size = abs(leak)
    for name, sign in ((Channel.EMBEDDING, 1.0), (Channel.BN_DISTANCE, -1.0), (Channel.BN_DISTANCE_VARIANCE, -1.0)):
        values = channels[name]
        length = np.linalg.norm(values, axis=-1) if name is Channel.EMBEDDING else values
        factor = np.exp(sign * size * np.log(np.maximum(length, 1e-12)).std(axis=0))
        factor = factor[:, None] if name is Channel.EMBEDDING else factor
        channels[name] = np.where(lifted[:, None, None], values * factor, values).astype(np.float32)
    return replace(trace, channels=channels)


def _probed(seen: Examination, home: Path) -> Pool:
    return Pool(seen, {name: _trace(name, seen, home) for name in (TARGET, FOREIGN, DEFINING)})


def _trace(name: str, seen: Examination, home: Path) -> Trace:
    net = load_any(str(checkpoint(f"{name}.ckpt")))
    prober = prober_of(net, list(seen.accepted.image), seen.digest.tolist(), CHANNELS)
    images: Images = images_for(net, seen.accepted)
    return load_trace(probe(prober, images, plan(prober, seen.digest, part_size=PART), home / "trace"))


def _again(image: Image.Image, quality: int) -> BytesIO:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    buffer.seek(0)
    return buffer
