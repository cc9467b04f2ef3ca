"""The finished audit and inversion that the tests of this folder share."""

import pytest
from small_audit import TERMS, SmallAudit, small_audit

from bareface.auditing.inversion.conduct import Inversion, conduct_inversion


@pytest.fixture(scope="session")
def audit(tmp_path_factory: pytest.TempPathFactory) -> SmallAudit:
    """12 members, 12 strangers, 16 auxiliary people."""
    return small_audit(tmp_path_factory.mktemp("audited"))


@pytest.fixture(scope="session")
def inversion(audit: SmallAudit) -> Inversion:
    """A finished inversion with the objective of the paper."""
    return conduct_inversion(audit.brought(), TERMS, audit.run)
