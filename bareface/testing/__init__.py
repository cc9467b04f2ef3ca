"""For authors of plug-ins: contract checks, one for each kind of plug-in, and the toy worlds that they are made in.

    from bareface.testing import check_attack

    def test_my_attack_keeps_to_the_contract():
        check_attack(MyAttack)

The same checks are made of every plug-in in this package. Each raises an AssertionError that says what was expected.
"""

from bareface.testing.attacks import ATTACK_CHECKS, check_attack
from bareface.testing.backbones import check_backbone_family
from bareface.testing.defences import check_defence
from bareface.testing.formats import check_format
from bareface.testing.generators import check_generator, check_generator_kind
from bareface.testing.images import LinearGenerator, noise_images, small_target
from bareface.testing.objectives import OBJECTIVE_CHECKS, check_objective
from bareface.testing.traces import Toy, known_from, nonmembers_known, split_in_halves, toy_world

__all__ = [
    "ATTACK_CHECKS",
    "OBJECTIVE_CHECKS",
    "LinearGenerator",
    "Toy",
    "check_attack",
    "check_backbone_family",
    "check_defence",
    "check_format",
    "check_generator",
    "check_generator_kind",
    "check_objective",
    "known_from",
    "noise_images",
    "nonmembers_known",
    "small_target",
    "split_in_halves",
    "toy_world",
]
