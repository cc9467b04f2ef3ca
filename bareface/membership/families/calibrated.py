"""A signal of the target beside the same signal of models that saw the image, and of models that did not."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass as checked_dataclass

from bareface.errors import Abstained
from bareface.membership.base import PARAMETERS, Beside, FeatureAttack, Features
from bareface.membership.engine.features import mean_of
from bareface.membership.families.signals import Signal, channels_of, scalar
from bareface.trace import Channel, Trace

Array = NDArray[np.float64]
Mode = Literal["offline", "online"]
Positive = Annotated[float, Field(gt=0)]


@dataclass(frozen=True)
class ReferenceSignals:
    """One signal of n images on the target and on K references.

    Attributes:
        target: (n,).
        out: (K, n); NaN where the reference was trained on the image.
        within: (K, n); NaN where it was not.
    """

    target: Array
    out: Array
    within: Array


@checked_dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class CalibratedAttack(FeatureAttack):
    """An abstract attack that judges a signal by what other models say of the same image.

    Attributes:
        signal: which one.
        mode: `offline` reads only references that were not trained on the image; `online` also those that were, and
            abstains on images that none was trained on. Shadows never saw the images in question; references that
            the audit trains did.
    """

    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.EMBEDDING})
    beside: ClassVar[frozenset[Beside]] = frozenset({"references", "gallery"})

    signal: Signal = "flip-agreement"
    mode: Mode = "offline"

    @abstractmethod
    def evidence(self, seen: ReferenceSignals) -> Array:
        """(n,) how much the target's signal speaks for (or, where the signal points the other way, against)
        membership; NaN where references are lacking."""

    @final
    def features(self, trace: Trace) -> Features:
        """(n, 1) the evidence."""
        return self.evidence(calibration(trace, self.signal, self.mode, self.name))[:, None]

    @final
    def reads(self) -> frozenset[Channel]:
        """The embedding, and what the signal is made of."""
        return self.needs | self.uses | channels_of(self.signal)


def calibration(trace: Trace, signal: Signal, mode: Mode, name: str) -> ReferenceSignals:
    """A signal on the target and on the references beside it.

    Raises:
        Abstained: there are no references, none that did not see the images, or online none that did.
    """
    if not trace.references:
        raise Abstained(
            name, got="no reference model", expected="other models beside the target", hint="shadow settings"
        )
    told = np.stack([scalar(one.trace, signal, name, "reference") for one in trace.references])
    member = np.stack([one.member for one in trace.references])
    sides = {"out": ~member, "in": member} if mode == "online" else {"out": ~member}
    for side, seen in sides.items():
        if len(trace) and not seen.any():
            which = "was trained on" if side == "in" else "was not trained on"
            hint = "trained_references in the configuration"
            raise Abstained(name, got=f"no reference that {which} an image", expected="some of both kinds", hint=hint)
    return ReferenceSignals(scalar(trace, signal, name), np.where(member, np.nan, told), np.where(member, told, np.nan))


def variance_within(values: Array, beside: Array) -> float:
    """The variance between references on one image, pooled over images.

    Where no image has two references it is half the variance of what lies beside them, less their common shift.

    Args:
        values: (K, n) of the references; NaN where unknown.
        beside: (n,) of the target.
    """
    mean = mean_of(values)
    freedom = np.maximum((~np.isnan(values)).sum(0) - 1, 0).sum()
    if freedom:
        return float(np.nansum((values - mean) ** 2) / freedom)
    return float(np.nanvar(beside - mean) / 2)
