"""The judges in the box: small, two different networks, and they know strangers apart whom neither has seen."""

import numpy as np
import pytest
import torch

from bareface.auditing.inversion.judges import SHIPPED_JUDGES, WEIGHTS, JudgeBench, open_judge
from bareface.stats.roc import auc
from bareface.synthetic import SyntheticFaces
from bareface.targets.build import build
from bareface.targets.target import Target

STRANGERS = np.arange(6_000_000, 6_000_080)


@pytest.fixture(scope="module")
def photos() -> tuple[torch.Tensor, torch.Tensor]:
    """Two photos of each stranger, in [0, 1]."""
    faces = SyntheticFaces(11, 48)
    first, second = (faces.render(STRANGERS, np.full(len(STRANGERS), shot)).float() / 255 for shot in (0, 1))
    return first, second


@pytest.mark.parametrize("name", SHIPPED_JUDGES)
@torch.inference_mode()
def test_two_photos_of_a_stranger_are_told_from_photos_of_two(
    name: str, photos: tuple[torch.Tensor, torch.Tensor]
) -> None:
    judge = open_judge(name)
    assert (judge.name, judge.trained_on) == (name, "other rendered people")
    first, second = (judge.embed(one) for one in photos)
    own = np.eye(len(STRANGERS), dtype=bool)
    assert auc((first @ second.T).double().numpy().ravel(), own.ravel()) > 0.97


def test_they_are_two_networks_and_small_files() -> None:
    spec = open_judge(SHIPPED_JUDGES[0]).target.spec
    target = Target("fresh", "ir-tiny", build("ir-tiny", spec=spec, embedding_size=16), spec)
    assert len(JudgeBench(tuple(map(open_judge, SHIPPED_JUDGES)), target)) == 2
    for name in SHIPPED_JUDGES:
        files = list((WEIGHTS / name).iterdir())
        assert {file.suffix for file in files} == {".safetensors", ".json"}
        assert sum(file.stat().st_size for file in files) < 4_000_000


def test_what_is_said_of_a_judge_goes_before_what_is_known() -> None:
    assert open_judge(SHIPPED_JUDGES[0], "people of my own").trained_on == "people of my own"
