"""What every attack must keep to, whoever wrote it; a new file in the folder is tested here by itself."""

from collections.abc import Callable

import pytest

from bareface.membership import attacks
from bareface.membership.base import Attack
from bareface.testing.attacks import ATTACK_CHECKS


@pytest.mark.parametrize("attack", [pytest.param(attack, id=name) for name, attack in attacks().items()])
@pytest.mark.parametrize("check", ATTACK_CHECKS, ids=lambda check: check.__name__)
def test_every_attack_keeps_to_the_contract(check: Callable[[type[Attack]], None], attack: type[Attack]) -> None:
    check(attack)
