"""One hypothesis profile for every test, however busy the machine is; a small backbone, and the real checkpoints.

How long an example took says nothing about the software, so there is no deadline and no check of speed. Examples may
share a function's `tmp_path`: each writes its own file over the last one's.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, settings

from bareface.settings.spec import ImageSpec
from bareface.targets.build import build
from bareface.targets.target import Target

settings.register_profile(
    "bareface",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("bareface")

SHARED = Path(__file__).resolve().parents[2] / "shared" / "checkpoints"


@pytest.fixture(autouse=True)
def gradients_stay_on() -> Iterator[None]:
    """A block without gradients that is never left takes them from every later test: it fails the one that did it."""
    yield
    on = torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
    torch.set_grad_enabled(True)
    assert on, "gradients are off after this test"


@pytest.fixture
def spec() -> ImageSpec:
    return ImageSpec(32, 32, "GRAY")


@pytest.fixture
def target(spec: ImageSpec) -> Target:
    """A net that has seen two batches, with the centres of five people."""
    torch.manual_seed(3)
    module = build("ir-tiny", spec=spec, embedding_size=24)
    for _ in range(2):
        module(torch.randn(4, 1, 32, 32))
    return Target("small", "ir-tiny", module, spec, centres=torch.randn(5, 24))


@pytest.fixture(scope="session")
def checkpoints() -> Path:
    if not SHARED.is_dir():
        pytest.skip(f"the real checkpoints are not present ({SHARED.name})")
    return SHARED
