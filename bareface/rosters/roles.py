"""Roles that an audit knows."""

import numpy as np

from bareface.errors import RosterError, meant
from bareface.rosters.roster import Roster
from bareface.vocabulary import Role


def refuse_unused_roles(roster: Roster, where: str) -> None:
    """Stop at a role that no game and no model uses: a misspelt one would take its people out in silence.

    Raises:
        RosterError: with the role that may have been meant.
    """
    unused = sorted(set(roster.role.tolist()) - set(Role))
    if unused:
        raise RosterError(
            where,
            got=f"the role {unused[0]} for {int(np.count_nonzero(roster.role == unused[0])):,} images",
            expected=f"one of {', '.join(Role)}",
            hint=meant(unused[0], Role) or "--allow-roles if they are there for something else",
        )


def refuse_shadows_of_nobody(roster: Roster) -> None:
    """Say before anything runs that there is nobody to train shadows on.

    Raises:
        RosterError: nobody has the role auxiliary.
    """
    if not len(roster.rows(Role.AUXILIARY)):
        raise RosterError(
            f"the roster in {roster.called}",
            got="nobody in the role auxiliary",
            expected="auxiliary people, on whom shadows are trained",
            hint="--auxiliary with a folder of your own people, or leaving the shadows out",
        )
