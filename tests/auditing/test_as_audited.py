"""A finished audit is gone on with as it was made."""

from pathlib import Path

import needs_detect  # noqa: F401
import numpy as np
import pytest

from bareface.auditing.as_audited import examined_as_audited
from bareface.errors import UsageError
from bareface.faces.detection.finder import finder_of
from bareface.rosters.roster import Roster
from bareface.synthetic import write_folder


def test_photos_are_cut_by_the_networks_of_the_audit_or_not_at_all(tmp_path: Path) -> None:
    write_folder(tmp_path / "photos", people=1, images=1, size=160, seed=5)
    roster = Roster(tmp_path / "photos", ("p00000/000.png",), np.array(["p0"]), np.array(["public"]))
    ours = finder_of(None).networks.sha256
    told = "detector: got other networks to find faces with; expected those of the audit.*Try: the version of bareface"
    with pytest.raises(UsageError, match=told):
        examined_as_audited(roster, {"detect": True, "detector": ours[::-1]}, tmp_path)
    seen = examined_as_audited(roster, {"detect": True, "detector": ours}, tmp_path)
    assert len(seen.accepted) + len(seen.rejects) == 1
