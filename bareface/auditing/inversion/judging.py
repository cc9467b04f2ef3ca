"""What the judges see: embeddings of galleries, strangers and generated faces, and from them the judgements."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from bareface.auditing.inversion.judges import Judge, disturbed
from bareface.auditing.inversion.judges import cosines as to_templates
from bareface.auditing.inversion.photos import Galleries
from bareface.auditing.inversion.settings import InversionSettings
from bareface.faces.images import RosterImages
from bareface.records.inversion import ArmName, Consensus, Distribution, Judgement, Threshold
from bareface.stats.inversion.claims import Cosines, above, cosines
from bareface.stats.inversion.hits import consensus, hits
from bareface.stats.inversion.judgement import Ruler, distribution, judgements
from bareface.stats.inversion.thresholds import FPIRS, calibrate, strangers
from bareface.stats.rates import negatives_needed
from bareface.streams import seed_for, stream

BATCH = 64


@dataclass(frozen=True, eq=False)
class ArmImages:
    """The images of one arm.

    Attributes:
        pixels: (n, 3, h, w) RGB in [0, 1], in 256 steps as in a file, cut to the face.
        start: n row numbers in the pool.
    """

    pixels: Tensor
    start: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Ruling:
    """Everything that one judge says.

    Attributes:
        judge: who.
        thresholds: for hits.
        judgements: by arm, before Holm.
        seen: cosines of each arm to both galleries.
    """

    judge: Judge
    thresholds: tuple[Threshold, ...]
    judgements: Mapping[ArmName, Judgement]
    seen: Mapping[ArmName, Cosines]


def rule(
    judge: Judge, arms: Mapping[ArmName, ArmImages], galleries: Galleries, terms: InversionSettings, judges: int
) -> Ruling:
    """Let one judge look at all arms."""
    room = _JudgedGalleries.of(judge, galleries, next(iter(arms.values())).pixels.shape[-1])
    thresholds = room.thresholds(terms)
    embedded = {name: room.embed(faces.pixels) for name, faces in arms.items()}
    seen = {name: room.compared(embedded[name], faces.start) for name, faces in arms.items()}
    rng = stream(terms.seed, "judgement", judge.name)
    made = judgements(
        Ruler(judge.name, thresholds, judges),
        seen,
        rng,
        views={name: room.disturbed(faces, terms.seed) for name, faces in arms.items()},
        distributions={name: room.distributions(values, rng) for name, values in embedded.items()},
        random_split=terms.split == "random",
        draws=terms.draws,
    )
    return Ruling(judge, thresholds, made, seen)


def agreed(rulings: tuple[Ruling, ...]) -> tuple[Consensus, ...]:
    """Hits on which two judges agree, for each arm and threshold; none with one judge."""
    if len(rulings) < 2:
        return ()
    return tuple(
        _agreed(arm, column, rulings)
        for arm in rulings[0].seen
        for column in zip(*(ruling.thresholds for ruling in rulings), strict=True)
        if all(threshold.value is not None for threshold in column)
    )


def _agreed(arm: ArmName, thresholds: tuple[Threshold, ...], rulings: tuple[Ruling, ...]) -> Consensus:
    seen = [ruling.seen[arm] for ruling in rulings]
    claimed = [above(one, t.value).claimed for one, t in zip(seen, thresholds, strict=True) if t.value is not None]
    mean = Cosines(np.mean([one.values for one in seen], axis=0), seen[0].start)
    counted = hits(mean, consensus(claimed), thresholds[0].fpir, "consensus")
    return Consensus(arm=arm, judges=tuple(ruling.judge.name for ruling in rulings), hits=counted)


@dataclass(frozen=True, eq=False)
class _JudgedGalleries:
    """A judge with the galleries in its own space; photos come at the size of the generated faces."""

    judge: Judge
    galleries: Galleries
    photos: RosterImages
    training: Tensor  # (people, m, d)
    decoy: Tensor

    @classmethod
    def of(cls, judge: Judge, galleries: Galleries, side: int) -> "_JudgedGalleries":
        spec = judge.target.spec
        # Small faces are enlarged for the judge, so photos are made as small first: equal sharpness.
        height, width = (spec.height, spec.width) if side >= max(spec.height, spec.width) else (side, side)
        photos = RosterImages(galleries.roster, height, width)
        rows = galleries.rows
        training, decoy = (
            judge.embed_rows(photos, side.ravel()).reshape(*side.shape, -1) for side in (rows.training, rows.decoy)
        )
        return cls(judge, galleries, photos, training, decoy)

    @torch.inference_mode()
    def embed(self, pixels: Tensor) -> Tensor:
        return torch.cat([self.judge.embed(part).cpu() for part in torch.split(pixels, BATCH)])

    def compared(self, embedded: Tensor, start: tuple[int, ...]) -> Cosines:
        templates = (normalize(side.mean(1), dim=1) for side in (self.training, self.decoy))
        inside, outside = (to_templates(embedded, side) for side in templates)
        return cosines(inside, outside, np.array(start))

    def disturbed(self, faces: ArmImages, seed: int) -> list[Cosines]:
        noise = torch.Generator().manual_seed(seed_for(seed, "disturbed"))
        views = disturbed(faces.pixels, noise).values()
        return [self.compared(self.embed(view), faces.start) for view in views]

    def distributions(self, embedded: Tensor, rng: np.random.Generator) -> tuple[Distribution, ...]:
        made = embedded.double().numpy()
        training, decoy = (side.flatten(0, 1).double().numpy() for side in (self.training, self.decoy))
        return distribution("training", training, made, rng), distribution("decoy", decoy, made, rng)

    def thresholds(self, terms: InversionSettings) -> tuple[Threshold, ...]:
        known, galleries = self.galleries.calibration, self.galleries
        if known is None:
            return tuple(_no_threshold(fpir, galleries) for fpir in FPIRS)
        rng = stream(terms.seed, "thresholds", self.judge.name)
        templates = self.judge.templates(self.photos, known.templates)
        matrix: NDArray[np.float64] = to_templates(self.judge.embed_rows(self.photos, known.probes), templates)
        return calibrate(strangers(matrix, known.person, galleries.people, rng), rng, draws=terms.draws)


def _no_threshold(fpir: float, galleries: Galleries) -> Threshold:
    return Threshold(
        fpir=fpir,
        gallery=galleries.people,
        value=None,
        interval=None,
        probes=0,
        probe_people=0,
        probes_needed=negatives_needed(fpir),
        fmr=None,
        reason=galleries.reason,
    )
