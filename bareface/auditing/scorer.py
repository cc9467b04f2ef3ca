"""The attacks of a finished audit that can score anybody: the most telling ones that showed a leak."""

import hashlib
import json
from dataclasses import dataclass

import numpy as np

from bareface.auditing.calibration import PERSONAL, Calibration, ShownLeak
from bareface.auditing.finished import looks
from bareface.auditing.run_folder import CONFIG
from bareface.auditing.yardstick import Yardstick
from bareface.membership.base import FeatureAttack
from bareface.rosters.roster import Roster
from bareface.storage.files import sha256_of
from bareface.vocabulary import GAMES, Game


@dataclass(frozen=True, eq=False)
class Scorer:
    """What images and people are scored by.

    Attributes:
        calibration: the audit.
        by_image, by_person: None where no attack that can be asked so showed a leak.
        game: the only one that counts; None = all of them.
    """

    calibration: Calibration
    by_image: Yardstick | None
    by_person: Yardstick | None
    game: Game | None = None

    @property
    def yardsticks(self) -> tuple[Yardstick, ...]:
        """Those that there are."""
        return tuple(one for one in (self.by_image, self.by_person) if one is not None)

    def key(self, roster: Roster) -> str:
        """Digest of all that the scores of some images depend on; files are told by size and date."""
        leaks = [(one.leak.finding.label, one.leak.finding.game, one.leak.finding.knowledge) for one in self.yardsticks]
        facts = [sha256_of(self.calibration.run / CONFIG), self.calibration.target.sha256, leaks, looks(roster.paths)]
        digest = hashlib.sha256(json.dumps(facts).encode())
        digest.update("\n".join(roster.subject.tolist()).encode("utf-8", "surrogateescape"))
        return digest.hexdigest()[:24]


def scorer_of(calibration: Calibration, game: Game | None = None) -> Scorer | None:
    """The most telling attacks of an audit that showed a leak: one about images, one about people.

    Args:
        calibration: the audit.
        game: the only one that counts; None = all of them.

    Returns:
        None where no leak is shown, so that scores would tell nobody apart.
    """
    leaks = list(calibration.leaks((game,) if game else tuple(GAMES)))
    single = [leak for leak in leaks if leak.finding.image is not None and looks_at_one(leak.attack)]
    personal = [leak for leak in leaks if leak.finding.game in PERSONAL]
    if not single and not personal:
        return None
    by_image = max(single, key=image_auc, default=None)
    by_person = max(personal, key=person_auc, default=None)
    image, person = (None if leak is None else Yardstick.of(leak, calibration) for leak in (by_image, by_person))
    return Scorer(calibration, image, person, game)


def looks_at_one(attack: FeatureAttack) -> bool:
    """Whether an attack says something of a single image, whatever lies beside it."""
    return attack.by_itself and "k" not in attack.parameters()


def image_auc(leak: ShownLeak) -> float:
    """The AUC per image that the audit measured; 0 where there is none."""
    image = leak.finding.image
    return 0.0 if image is None or image.auc is None else image.auc


def person_auc(leak: ShownLeak) -> float:
    """The AUC per person that the audit measured; 0 where there is none."""
    return leak.reached(np.zeros(len(leak.arena.rows), dtype=bool))
