from pathlib import Path

import numpy as np

from bareface.auditing.audit import roster_digest
from bareface.rosters.roster import Roster


def test_file_names_in_no_encoding_have_a_digest_too() -> None:
    def digest(name: str) -> str:
        return roster_digest(Roster(Path("/faces"), (f"ada/{name}.jpg",), np.array([name]), np.array(["member"])))

    assert len({digest("1"), digest("\udce9"), digest("\udcea")}) == 3
