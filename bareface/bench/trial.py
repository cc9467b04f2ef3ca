"""One defence on trial: a defended target, a shadow with the same defence, an audit, and verification."""

import time
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

import bareface
from bareface.auditing.audit import AuditInputs, conduct
from bareface.auditing.images import images_for
from bareface.auditing.own_models import Shadow, progress_of, train_backbone, training_set
from bareface.auditing.progress import Progress
from bareface.auditing.settings import AuditSettings, attacks_named
from bareface.auditing.verifying import PairedImages, verify
from bareface.bench.empirical import epsilon_at_least
from bareface.bench.record import SCHEMA_VERSION, UNDEFENDED, DefenceTrial, Leak, Utility
from bareface.bench.world import World
from bareface.faces.contents import Contents
from bareface.faces.drawn_pairs import draw_pairs
from bareface.faces.images import RosterImages
from bareface.probing.kinds import lacks_running_statistics, prober_of
from bareface.records.evidence import Evidence, Finding
from bareface.rosters.roster import Roster
from bareface.settings.recipe import Recipe, ShadowSettings
from bareface.streams import seed_for
from bareface.targets.target import Target
from bareface.training.defence import Defence, Public, TrainingDefence
from bareface.training.defended import train_defended
from bareface.vocabulary import Role

OUTSIDE_ATTACKS = ("embedding-norm", "flip-agreement", "subject-compactness:k=3")
"""They need answers alone."""
FARS = (0.01, 0.001)


@dataclass(frozen=True)
class TrialContext:
    """Where defences are tried: a world, a seed, and a folder for what is trained without a defence.

    Attributes:
        world: the people.
        seed: of the target, its shadow and the audit.
        folder: of this seed.
        progress: called with (stage, done, total).
        attacks: asked beside those that suit the defence.
    """

    world: World
    seed: int
    folder: Path
    progress: Progress
    attacks: tuple[str, ...] = ()

    @cached_property
    def public(self) -> Public:
        """The public people."""
        return self.world.public()

    @cached_property
    def shadow_roster(self) -> Roster:
        """Who trains the shadow."""
        return self.world.shadow_roster(self.seed)

    def undefended(self, name: str) -> Target:
        """The target, or the shadow, as training without a defence leaves it; kept in the folder."""
        report = progress_of(self.progress, f"training the {name}")
        return train_backbone(self._people(name), self._recipe(name), self.folder / name, report)

    def defended(self, name: str, defence: TrainingDefence) -> Target:
        """The same people and recipe, trained with a defence."""
        members = self._people(name)
        members = members.take(members.rows(Role.MEMBER))
        images, labels = training_set(members, self.world.training.spec)
        report = progress_of(self.progress, f"training the {name} with {defence.name}")
        return train_defended(images, labels, self._recipe(name), defence, self.public, report)

    def guarantee(self, defence: Defence | None) -> dict[str, float]:
        """What is proven about the target under this defence."""
        if defence is None:
            return {}
        members = self.world.roster.take(self.world.roster.rows(Role.MEMBER))
        return defence.guarantee(
            training_set(members, self.world.training.spec)[1], defence.recipe(self._recipe("target"))
        )

    def _people(self, name: str) -> Roster:
        return self.world.roster if name == "target" else self.shadow_roster

    def _recipe(self, name: str) -> Recipe:
        return replace(self.world.training, seed=seed_for(self.seed, name))


def run_trial(stand: TrialContext, defence: Defence | None, folder: Path) -> DefenceTrial:
    """Train or treat, audit, verify.

    Raises:
        BarefaceError: the defence does not suit the architecture, lacks a package, or the people cannot be audited.
    """
    clock = time.monotonic()
    guarantee = stand.guarantee(defence)
    target, shadow = (made(stand, name, defence) for name in ("target", "shadow"))
    evidence = _audit(stand, defence, target, shadow, folder)
    leaks = tuple(_leak(finding) for finding in evidence.findings)
    return DefenceTrial(
        schema_version=SCHEMA_VERSION,
        bareface=bareface.__version__,
        defence=UNDEFENDED if defence is None else defence.title(),
        sort="none" if defence is None else defence.sort,
        reach="nothing" if defence is None else defence.reach,
        seed=stand.seed,
        utility=verified(target.without_head(), stand.world.strangers, stand.seed),
        leaks=leaks,
        guarantee=guarantee,
        epsilon_at_least=epsilon_at_least(evidence.findings, delta=guarantee.get("delta", 0.0)),
        seconds=time.monotonic() - clock,
    )


def made(stand: TrialContext, name: str, defence: Defence | None) -> Target:
    """The target, or the shadow, as its users meet it under a defence."""
    if defence is None:
        return stand.undefended(name)
    stand.progress(f"{defence.name} of the {name}", 0, 1)
    return defence.met(stand, name, seed_for(stand.seed, name, "defence"))


def attacks_on(defence: Defence | None, target: Target, more: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The attacks that suit what is released: with the weights, with answers alone, with the head."""
    chosen = [*OUTSIDE_ATTACKS, *more]
    if defence is None or defence.reach != "answers":
        chosen.insert(0, "bn-distance")
        if lacks_running_statistics(target):
            chosen.insert(0, "estimated-distance")
    if target.centres is not None:
        chosen.append("class-centre")
    return tuple(dict.fromkeys(chosen))


def verified(target: Target, strangers: Roster, seed: int) -> Utility:
    """Verification on pairs drawn from people whom the target never saw.

    Raises:
        RosterError: they are too few.
    """
    pairs = draw_pairs(strangers, seed_for(seed, "verification"))
    number = {image: row for row, image in enumerate(strangers.image)}
    asked = strangers.take(np.array([number[image] for image in pairs.image], dtype=np.intp))
    reader = Contents()
    digest = np.array([f"{row:08d}" for row in range(len(asked))])
    paired = PairedImages(pairs, digest, lambda h, w: RosterImages(asked, h, w, reader), "")
    prober = prober_of(target, asked.image, digest.tolist())
    result = verify(prober, images_for(target, asked), paired, fars=FARS).result
    return Utility(
        auc=result.auc, auc_interval=result.auc_interval, same=result.same, different=result.different, tar=result.tar
    )


def _audit(stand: TrialContext, defence: Defence | None, target: Target, shadow: Target, folder: Path) -> Evidence:
    """The dataset game with a shadow that has the same defence, by somebody who knows it."""
    if defence is not None:
        target, shadow = defence.asked(target), defence.asked(shadow)
    wanted = attacks_named(*attacks_on(defence, target, stand.attacks))
    settings = AuditSettings(
        attacks=wanted, games=("dataset",), shadow=ShadowSettings(count=1, train=stand.world.training), seed=stand.seed,
        title=UNDEFENDED if defence is None else defence.title(), selfcheck="skip", max_shared_rate=0.05,
    )  # fmt: skip
    brought = AuditInputs(target, stand.world.roster, shadows=(Shadow(shadow, stand.shadow_roster),))
    return conduct(brought, settings, folder, fresh=True, progress=stand.progress)


def _leak(finding: Finding) -> Leak:
    image, person, control = finding.image, finding.person, Leak.stronger(finding.controls)
    points = image.operating_points if image else ()
    point = next((one for one in points if one.nominal_fpr == 0.01), None)
    return Leak(
        attack=finding.label,
        knowledge=finding.knowledge,
        auc=image.auc if image else None,
        auc_interval=image.auc_interval if image else None,
        person_auc=person.auc if person else None,
        person_auc_interval=person.auc_interval if person else None,
        control=control.kind if control else None,
        control_auc=control.auc if control else None,
        excess=control.difference if control else None,
        excess_interval=control.difference_interval if control else None,
        tpr=point.true_positive if point else None,
        fpr=point.false_positive if point else None,
        verdict=finding.verdict,
        reason=finding.reason,
    )
