"""The kinds of plug-ins that an audit, and an inversion, may use."""

from typing import Any, Final

from bareface.faces.packs.pack import FORMATS
from bareface.inversion.generators import GENERATORS
from bareface.inversion.objectives import OBJECTIVES
from bareface.membership import ATTACKS
from bareface.registry import Registry
from bareface.targets.families import BACKBONES

OF_AUDITS: Final[tuple[Registry[Any], ...]] = (ATTACKS, BACKBONES, FORMATS)
OF_INVERSIONS: Final[tuple[Registry[Any], ...]] = (*OF_AUDITS, OBJECTIVES, GENERATORS)
