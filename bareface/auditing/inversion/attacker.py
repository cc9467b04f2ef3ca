"""The attack's side: the network that is asked, the attack models, and what they are standardised on."""

from dataclasses import dataclass, field, replace

import torch

from bareface.auditing.attack_models import FittedAttack
from bareface.auditing.controls import stand_in, untrained
from bareface.auditing.images import PublicFaces, public_images
from bareface.auditing.inversion.audited import GAME, Audited
from bareface.auditing.inversion.settings import InversionSettings
from bareface.errors import UsageError
from bareface.inversion.alignment import WHOLE
from bareface.inversion.answers import Answers, ask
from bareface.inversion.generator import Latents
from bareface.inversion.objectives import objective_class
from bareface.inversion.objectives.base import Given, Objective, Stage1
from bareface.inversion.objectives.membership import Membership
from bareface.inversion.objectives.sum import Sum
from bareface.inversion.priors import Diversity, FeatureRange, PNorm, Restraint
from bareface.inversion.stage1 import features, logit, steered_by
from bareface.inversion.view_batch import ViewBatch
from bareface.inversion.view_sampler import ViewSampler
from bareface.inversion.views import STILL
from bareface.streams import seed_for
from bareface.targets.answering import AnsweringTarget
from bareface.targets.target import Target

MOST_REFERENCES = 256
MEMORY = 1 << 30  # bytes for what enters the BatchNorm layers in one pass
SAME_FACE = 0.5


@dataclass(frozen=True, eq=False)
class Attacker:
    """Who searches, and with what.

    Attributes:
        network: the backbone that is asked.
        kept: attack models, if the objective needs any.
        public: photos of anybody, as they are.
        ordinary: un-optimised images of the generator, as they are.
        restandardise: whether the attack models were fitted on another network's answers.
        apart: when two images count as one face: a cosine above .5, and above what most strangers have.
    """

    network: Target
    kept: FittedAttack | None
    public: ViewBatch
    ordinary: ViewBatch
    restandardise: bool = False
    apart: Diversity = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "apart", Diversity(self.network, _margin(self.network, self.ordinary)))

    @property
    def priors(self) -> tuple[Restraint, ...]:
        """What keeps the search among ordinary faces."""
        return PNorm(), FeatureRange.of(self.network, self.public)

    def objective(self, weighted: tuple[tuple[float, str], ...]) -> Objective:
        """The objective of that name, or the sum of several.

        In a sum each term is divided by its standard deviation over un-optimised images: logits and cosines have
        units of their own.
        """
        made = [(weight, self._term(name)) for weight, name in weighted]
        if len(made) == 1 and made[0][0] == 1:
            return made[0][1]
        return Sum(tuple((weight / self._spread(term), term) for weight, term in made))

    def membership(self, kept: FittedAttack) -> Membership:
        """The logit of stage-1 attack models."""
        return Membership.made_of(self._given(kept))

    def _term(self, name: str) -> Objective:
        return objective_class(name).made_of(self._given(self.kept))

    def _given(self, kept: FittedAttack | None) -> Given:
        return Given(self.network, self.public, self.ordinary, None if kept is None else self._stage1(kept))

    def _stage1(self, kept: FittedAttack) -> Stage1:
        return Stage1(steered_by(kept.made), kept.models, self.restandardise or kept.knowledge == "shadow")

    @torch.no_grad()
    def _spread(self, term: Objective) -> float:
        return float(term.score(self.ordinary).std().clamp(min=1e-6))


def attacker_of(audited: Audited, scene: ViewSampler, pool: Latents, terms: InversionSettings) -> Attacker:
    """The attacker that the terms describe.

    Raises:
        UsageError: the audit kept no attack models for the objective.
    """
    wanted = any(kind.reads_models for kind in _objectives(terms))
    kept = audited.models(terms.attack, terms.knowledge) if wanted else None
    count = rows_in_memory(audited.target, 2 * scene.siblings, min(MOST_REFERENCES, len(pool)))
    ordinary = _as_they_are(scene, pool, count)
    return Attacker(audited.target, kept, _public(audited, scene, count, terms.seed), ordinary)


def placebo_of(
    real: Attacker, audited: Audited, scene: ViewSampler, pool: Latents, terms: InversionSettings
) -> Attacker:
    """An attacker with nothing to find.

    If the objective reads attack models alone, they are fitted on permuted membership. Whatever else asks the target
    asks a copy with fresh weights instead, or a small network with fresh weights where no copy can be made: there is
    no label to permute.
    """
    kept = None if real.kept is None else audited.permuted(real.kept, terms.seed)
    if all(kind.reads_models for kind in _objectives(terms)):
        return replace(real, kept=kept)
    faces = PublicFaces(audited.examination.accepted, seed_for(terms.seed, "placebo"))
    answering = isinstance(audited.target, AnsweringTarget)
    twin = stand_in(audited.target, faces) if answering else untrained(audited.target, faces)
    if audited.target.centres is not None:
        drawn = torch.randn(audited.target.centres.shape, generator=torch.Generator().manual_seed(terms.seed))
        twin = replace(twin, centres=drawn)
    count = len(real.ordinary.images)
    return Attacker(twin, kept, _public(audited, scene, count, terms.seed), _as_they_are(scene, pool, count), True)


@torch.no_grad()
def held_out_models(audited: Audited, terms: InversionSettings) -> FittedAttack | None:
    """Attack models that take no part in the search; None where the audit kept no others.

    Of an objective that reads no attack models, those that the terms name; else the first by file name that images
    can be scored by.
    """
    there = [kept for kept in audited.kept if (kept.game, kept.knowledge) == (GAME, terms.knowledge)]
    answers = _about_grey(audited.target)
    readable = [kept for kept in there if _scores_images(kept, answers)]
    named, others = (tuple(k for k in readable if (k.attack == terms.attack) == same) for same in (True, False))
    used = any(kind.reads_models for kind in _objectives(terms))
    return next(iter(others if used else named + others), None)


def _objectives(terms: InversionSettings) -> list[type[Objective]]:
    return [objective_class(name) for _, name in terms.weighted]


def _scores_images(kept: FittedAttack, answers: Answers) -> bool:
    """Whether images can be scored by these models; not so where the package of that attack is not here."""
    try:
        attack = steered_by(kept.made)
        logit(kept.models[0], features(attack, answers))
    except UsageError:
        return False
    return True


def _about_grey(target: Target) -> Answers:
    """What a target answers about one grey image and its mirror image."""
    return ask(target, torch.full((1, 1, 2, 3, target.spec.height, target.spec.width), 0.5))


@torch.no_grad()
def rows_in_memory(target: Target, views: int, most: int) -> int:
    """How many images, each seen in so many views, fit into memory at once; `most` at most, one at least."""
    entering = _about_grey(target).entering.values()
    numbers = sum(one.values.numel() * one.values.element_size() for one in entering) // 2
    return max(1, min(most, MEMORY // max(1, numbers * views)))


@torch.no_grad()
def _margin(network: Target, ordinary: ViewBatch) -> float:
    """Some networks call all faces alike: there two are apart as soon as they are no nearer than most strangers."""
    directions = Diversity(network).directions(ordinary)
    above = torch.ones(len(directions), len(directions), dtype=torch.bool).triu(1)
    cosine = (directions @ directions.T).cpu()[above]
    return min(1.0, max(SAME_FACE, float(cosine.quantile(0.95)))) if len(cosine) else SAME_FACE


@torch.no_grad()
def _as_they_are(scene: ViewSampler, pool: Latents, count: int) -> ViewBatch:
    return scene.plainly(pool[:count], range(count))


def _public(audited: Audited, scene: ViewSampler, count: int, seed: int) -> ViewBatch:
    images, _ = public_images(audited.target, audited.examination.accepted, seed)
    few = torch.arange(min(max(count, 2), len(images))).numpy()
    photos = images.load(few).float() / 255
    still = torch.tensor(STILL).expand(len(photos), 1, 1, -1)
    return replace(scene, window=WHOLE).through(photos[:, None], still, range(len(photos)))
