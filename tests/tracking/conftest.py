"""A rich evidence to pass on."""

import pytest
from rich_evidence import Samples, samples_of_all


@pytest.fixture(scope="session")
def samples() -> Samples:
    return samples_of_all()
