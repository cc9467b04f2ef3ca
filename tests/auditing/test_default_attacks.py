"""The usual attacks, suited to what can be seen of a target."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from exported import exported
from torch import nn

from bareface.auditing.default_attacks import with_default_attacks
from bareface.auditing.settings import AuditSettings, attacks_named
from bareface.settings.spec import ImageSpec
from bareface.targets.kinds import Auditable, load_any
from bareface.targets.target import Target

USUAL = AuditSettings()


def asked(net: nn.Module | Auditable, settings: AuditSettings = USUAL) -> bool:
    target = Target("net", "custom", net, ImageSpec(8, 8)) if isinstance(net, nn.Module) else net
    return "estimated-distance" in [attack.name for attack in with_default_attacks(settings, target).attacks]


def test_estimated_distances_are_asked_for_where_running_statistics_are_missing() -> None:
    plain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 3))
    assert asked(plain)
    assert asked(nn.Sequential(plain, nn.LayerNorm(3), nn.BatchNorm1d(3)))
    assert asked(nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4)))
    assert not asked(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)))


def test_nothing_is_added_to_what_was_asked_for_by_name() -> None:
    named = AuditSettings(attacks=attacks_named("bn-distance"))
    assert not asked(nn.Linear(3, 3), named)


def test_a_graph_has_lost_some_in_export() -> None:
    pytest.importorskip("onnx", reason="the extra bareface[onnx] is not installed")
    assert asked(load_any(exported("script")))


def test_a_black_box_has_nothing_to_look_into(tmp_path: Path) -> None:
    table = pa.table({"image": ["a"], "embedding": np.ones((1, 4)).tolist()})
    pq.write_table(table, tmp_path / "t.parquet")
    assert not asked(load_any(tmp_path / "t.parquet"))
    assert not asked(load_any("http://localhost:1/"))
