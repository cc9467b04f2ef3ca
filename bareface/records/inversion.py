"""The record of an inversion: what reconstructions give away about training people, beside everything it could be
confused with.

`inversion.json` in the run folder is one `InversionRecord`. As in `bareface.records.evidence`: integers and intervals,
from which every report is derived; a value that could not be had is `None` beside its reason, never zero. No images.
"""

from typing import Literal

from bareface.records.evidence import Interval, Provenance, Record, Share, TargetCard
from bareface.vocabulary import Verdict

SCHEMA_VERSION = "1.0"

ArmName = Literal["optimised", "base", "select", "placebo", "oracle"]
Gallery = Literal["training", "decoy"]
Reading = Literal[
    "oracle not detected",
    "pipeline bias",
    "confounded",
    "too few",
    "attack model fooled",
    "one judge only",
    "not beyond controls",
    "few identities",
    "many identities",
    "nothing seen",
]


class WinRate(Record):
    """How often an image is nearer to a training person than to any decoy: .5 where nothing leaks.

    wins, ties, losses: images; one without a face is a tie. p_value: one-sided, by permuting who was in training; None
    where the split was not random. null_error: standard error if nothing leaks. smallest_effect: the win rate that this
    run would have shown with 80 % power. effective_identities: equally common nearest identities with as much variance.
    training_shares: for the training people that are nearest to some image, their shares of the wins, largest first.
    """

    wins: int
    ties: int
    losses: int
    interval: Interval | None
    p_value: float | None
    p_value_holm: float | None
    null_error: float | None
    smallest_effect: float | None
    effective_identities: float | None
    training_shares: tuple[float, ...]
    reason: str = ""

    @property
    def images(self) -> int:
        """All images of the arm, those without a face too."""
        return self.wins + self.ties + self.losses

    @property
    def rate(self) -> float:
        """The observed win rate, ties one half; the caller made sure that there were images."""
        return (self.wins + self.ties / 2) / self.images


class Excess(Record):
    """The win rate of one arm minus that of another, from the same starts. p_value: two-sided, by permutation."""

    over: ArmName
    difference: float
    interval: Interval
    p_value: float | None


class Threshold(Record):
    """A cosine above which strangers rarely lie, chosen on other people against galleries of this size.

    fpir: asked for, the share of strangers for whom anybody in the gallery is above. value is None where there are
    fewer strangers than `probes_needed`. fmr: the share of single comparisons above it. interval: probe people drawn.
    """

    fpir: float
    gallery: int
    value: float | None
    interval: Interval | None
    probes: int
    probe_people: int
    probes_needed: int
    fmr: float | None
    reason: str = ""


class NamedPeople(Record):
    """Who is named by the hits of one arm in one gallery: the best match of each hit.

    identities: distinct ones. rarefied: distinct ones expected among as many hits as the poorer gallery has.
    effective: exp(entropy) of the shares. largest_share: of the identity with most hits (a hub).
    """

    identities: int
    rarefied: float | None
    effective: float | None
    largest_share: float | None


class Hits(Record):
    """Images above the threshold in either gallery; `rule` says what counts as a hit."""

    fpir: float
    rule: Literal["plain", "robust", "consensus"]
    training: Share | None
    decoy: Share | None
    training_named: NamedPeople | None
    decoy_named: NamedPeople | None
    reason: str = ""


class Lift(Record):
    """(training hits - decoy hits) of an arm minus the same of the base arm, as shares of images.

    ratio: of (training + ½) / (decoy + ½), arm over base. p_value: one-sided, by permutation.
    """

    fpir: float
    difference: float | None
    interval: Interval | None
    ratio: float | None
    p_value: float | None
    smallest_effect: float | None
    reason: str = ""


class Distribution(Record):
    """Images of an arm against the photos of one gallery, in a judge's space, equally many of each.

    knn: mean squared distance to the nearest photo. frechet_floor: what two samples of one law of these sizes show.
    """

    gallery: Gallery
    real: int
    generated: int
    k: int
    precision: float | None
    recall: float | None
    density: float | None
    coverage: float | None
    knn: float | None
    kid: float | None
    kid_spread: float | None
    frechet: float | None
    frechet_floor: float | None
    reason: str = ""


class CosineSpread(Record):
    """Where the best cosines of an arm's images to one gallery lie: 0, 5, ..., 100 % points."""

    gallery: Gallery
    quantiles: tuple[float, ...]


class Judgement(Record):
    """One arm before one judge."""

    judge: str
    win_rate: WinRate
    excesses: tuple[Excess, ...]
    hits: tuple[Hits, ...]
    lifts: tuple[Lift, ...]
    distributions: tuple[Distribution, ...]
    cosines: tuple[CosineSpread, ...]


class Rise(Record):
    """How far a membership logit rises over the base arm, in standard deviations of the base; same starts."""

    value: float
    interval: Interval
    starts: int


class Transfer(Record):
    """Does the score that was pushed up also rise on an attack model that never took part?

    own: on the attack models of the search. held_out: on the other one. position: of the mean on the held-out model, 0
    = real non-members, 1 = real members. None, with the reason, where there is no held-out model.
    """

    own: Rise | None
    held_out: Rise | None
    ratio: float | None
    position: float | None
    reason: str = ""


class Trajectory(Record):
    """Scores along the search, thinned. passes: forward and backward passes of one start up to that step."""

    step: tuple[int, ...]
    passes: tuple[int, ...]
    low: tuple[float, ...]
    median: tuple[float, ...]
    high: tuple[float, ...]


class Arm(Record):
    """One arm: what it did, what it cost, and what the judges say. Skipped and failed ones stay, with the reason."""

    arm: ArmName
    status: Literal["done", "skipped", "failed"]
    reason: str
    objective: str
    images: int
    faceless: int
    passes: int
    score: float | None
    transfer: Transfer | None
    trajectory: Trajectory | None
    judgements: tuple[Judgement, ...]


class Consensus(Record):
    """Hits on which at least two judges agree, naming the same person."""

    arm: ArmName
    judges: tuple[str, ...]
    hits: Hits


class JudgeCard(Record):
    """A face model that judges. It took no part in the search."""

    name: str
    architecture: str
    sha256: str
    input: str
    trained_on: str
    thresholds: tuple[Threshold, ...]


class GeneratorCard(Record):
    """What proposed the faces."""

    name: str
    fingerprint: str
    size: int
    space: str
    licence: str
    source: str


class GalleryCard(Record):
    """The training people and decoys, equally many with equally many photos each.

    split: `random` if chance decided who was trained on; only then is the permutation test exact. blind: how well
    features that never touch a model tell the galleries apart (AUC), with its interval.
    """

    people: int
    images_per_person: int
    split: Literal["random", "not random", "unknown"]
    blind: float | None
    blind_interval: Interval | None


class InversionRecord(Record):
    """The record of one inversion. The first judge is the primary one."""

    schema_version: str
    status: Literal["complete"]
    title: str
    verdict: Verdict
    reading: Reading
    sentence: str
    target: TargetCard
    generator: GeneratorCard
    judges: tuple[JudgeCard, ...]
    galleries: GalleryCard
    arms: tuple[Arm, ...]
    consensus: tuple[Consensus, ...]
    limits: tuple[str, ...]
    notes: tuple[str, ...]
    command: str
    provenance: Provenance
