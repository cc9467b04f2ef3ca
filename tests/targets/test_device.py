"""Where backbones compute: what this machine has is named, and what it has not is refused."""

import re

import pytest
import torch

from bareface.errors import UsageError
from bareface.targets.device import CPU, device_of, devices
from bareface.targets.target import Target


def _there(monkeypatch: pytest.MonkeyPatch, kind: str | None, count: int) -> None:
    found = None if kind is None else torch.device(kind)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available: found)
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: count)


def test_without_an_accelerator_there_is_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    _there(monkeypatch, None, 0)
    assert device_of("cpu") == CPU
    sentence = r"device: got 'cuda'; expected one that torch \S+ sees here: cpu\. Try: a torch build for"
    with pytest.raises(UsageError, match=sentence):
        device_of("cuda")


def test_accelerators_are_there_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    _there(monkeypatch, "cuda", 2)
    assert devices() == ("cpu", "cuda", "cuda:0", "cuda:1")
    assert device_of("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(UsageError, match=r"got 'cuda:2'; expected .*: cpu, cuda, cuda:0, cuda:1\."):
        device_of("cuda:2")


@pytest.mark.parametrize("name", ["meta", "nonsense", "", "cpu:0"])
def test_other_names_are_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    _there(monkeypatch, None, 0)
    with pytest.raises(UsageError, match=re.escape(f"got {name!r}")):
        device_of(name)


def test_weights_and_head_move_together(target: Target) -> None:
    moved = target.on(torch.device("meta"))
    assert moved.centres is not None
    assert {moved.device.type, moved.centres.device.type} == {"meta"}
