"""A rich evidence, once for all pages."""

import pytest
from rich_evidence import Samples, samples_of_all

from bareface.report import render_html


@pytest.fixture(scope="session")
def samples() -> Samples:
    return samples_of_all()


@pytest.fixture(scope="session")
def full_html(samples: Samples) -> str:
    return render_html(samples.full)
