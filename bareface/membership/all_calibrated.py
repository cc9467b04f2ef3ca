"""Everything that one image gives, beside what models give of it that never saw it.

What it tests:
Whether the image was in training, by all signals of a single image together, when how easy the picture is for any model
has been taken out of each of them.

What the attacker needs:
As all-one-image, and reference models of the target's architecture that were not trained on the image, as an audit's
shadows. Some true members (partial), the shadows' own (shadow), or people who are known not to be members (nonmembers).

How it works:
The numbers of all-one-image, and the same less their mean over the references that did not see the image: lengths,
artanh of cosines, log distances and log gradient norms, which mean the same in every network of one architecture. One
attack model reads both; how strongly it is held back is chosen by cross-validation within what is known, in folds that
share no person (`choose`).

Known limits:
With one or two references the mean is noisy. References of another recipe differ by more than membership; the fit on
what is known takes out what is common to all images. Costs some forty passes of each model for each image.

Reference:
Difficulty calibration: Watson et al., ICLR 2022, arXiv 2111.08440, here for many signals at once; the single signals'
references.
"""

from typing import ClassVar

import numpy as np
from pydantic.dataclasses import dataclass

from bareface.errors import Abstained
from bareface.membership.base import PARAMETERS, Beside, Features
from bareface.membership.engine.arrays import Array
from bareface.membership.engine.features import mean_of
from bareface.membership.families.one_image import OneImageAttack, numbers
from bareface.trace import Trace


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class AllCalibrated(OneImageAttack):
    """All signals of one image, as they are and above what other models say."""

    name: ClassVar[str] = "all-calibrated"
    beside: ClassVar[frozenset[Beside]] = frozenset({"references"})

    def features(self, trace: Trace) -> Features:
        """(n, 2 f) all numbers, then what is left of them; NaN where every reference was trained on the image."""
        own = numbers(trace)
        return np.concatenate([own, own - self._of_references(trace, own.shape[1])], axis=1)

    def _of_references(self, trace: Trace, width: int) -> Array:
        if not trace.references:
            raise Abstained(
                self.name, got="no reference model", expected="other models beside the target", hint="shadow settings"
            )
        told = [np.where(one.member[:, None], np.nan, numbers(one.trace)) for one in trace.references]
        for others in told:
            if others.shape[1] != width:
                got = f"a reference that gives {others.shape[1]} numbers of an image"
                raise Abstained(self.name, got=got, expected=f"{width}, as the target does: the same architecture")
        return mean_of(np.stack(told))
