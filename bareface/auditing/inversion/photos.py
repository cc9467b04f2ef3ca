"""Who stands in the galleries, who calibrates the thresholds, and what the target says of the known members."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from bareface.auditing.images import images_for
from bareface.auditing.inversion.galleries import CalibrationRows, GalleryRows, calibration_rows, matched_galleries
from bareface.errors import UsageError
from bareface.rosters.roster import Roster
from bareface.streams import stream
from bareface.targets.target import Target
from bareface.vocabulary import Role

MOST_PHOTOS = 4
BATCH = 64


@dataclass(frozen=True, eq=False)
class Galleries:
    """Two galleries of one size, and strangers to both.

    Attributes:
        roster: the usable images, which the row numbers belong to.
        rows: the photos of training people and decoys.
        calibration: photos of other people; None, with the reason, where there are too few.
        reason: why there is no calibration.
    """

    roster: Roster
    rows: GalleryRows
    calibration: CalibrationRows | None
    reason: str = ""

    @property
    def people(self) -> int:
        """How many on each side."""
        return len(self.rows.training)


def draw_galleries(roster: Roster, photos: int | None, seed: int) -> Galleries:
    """Galleries from members and strangers, calibration people from everybody else.

    Galleries are cut to fewer people than there are calibration people, unless that would halve them.

    Raises:
        UsageError: fewer than two people of a side have enough photos.
    """
    of_both = roster.rows(Role.MEMBER, Role.OUTSIDE)
    subject, training = roster.subject[of_both], roster.role[of_both] == Role.MEMBER
    others = roster.rows(Role.AUXILIARY, Role.PUBLIC)
    others = others[~np.isin(roster.subject[others], subject)]
    each = photos or _usual_photos(subject[training], subject[~training], roster.subject[others])
    found = matched_galleries(subject, training, each, stream(seed, "galleries"))
    calibration, reason = _calibration(roster, others, each, seed)
    size = len(found.training)
    if calibration is not None:
        strangers = len(calibration.templates) - 1
        if strangers < size / 2:
            calibration, reason = None, f"{strangers + 1} calibration people for galleries of {size}"
        size = size if calibration is None else min(size, strangers)
    # The galleries' people were drawn in random order.
    rows = GalleryRows(of_both[found.training[:size]], of_both[found.decoy[:size]])
    return Galleries(roster, rows, calibration, reason)


@torch.no_grad()
def member_templates(target: Target, galleries: Galleries) -> Tensor:
    """(people, d) what the target itself makes of the training people's photos: normalised means."""
    images, rows = images_for(target, galleries.roster), galleries.rows.training
    flat = rows.ravel()
    parts = [target.embed(images.load(flat[i : i + BATCH]).to(target.device)) for i in range(0, len(flat), BATCH)]
    embedded = normalize(torch.cat(parts).float().cpu(), dim=1)
    return normalize(embedded.reshape(*rows.shape, -1).mean(1), dim=1)


def _usual_photos(training: NDArray[np.str_], decoys: NDArray[np.str_], others: NDArray[np.str_]) -> int:
    """What half of the people of each side have, and one less than the others have: a photo is left to be searched."""
    counts = [np.unique(side, return_counts=True)[1] for side in (training, decoys)]
    spare = np.unique(others, return_counts=True)[1] - 1
    counts += [spare[spare > 0]] if (spare > 0).any() else []
    return max(1, min(MOST_PHOTOS, *(int(np.median(each)) for each in counts)))


def _calibration(roster: Roster, rows: NDArray[np.intp], photos: int, seed: int) -> tuple[CalibrationRows | None, str]:
    if not len(rows):
        return None, "nobody in the roles auxiliary or public"
    try:
        found = calibration_rows(roster.subject[rows], photos, stream(seed, "calibration"))
    except UsageError as error:
        return None, f"{error.got} in the roles auxiliary and public"
    return CalibrationRows(rows[found.templates], rows[found.probes], found.person), ""
