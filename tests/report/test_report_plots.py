"""Figures: honest about what can be resolved, and without traces in the process."""

import re
from typing import Any

import matplotlib
import numpy as np
import pytest

from bareface.records.evidence import Interval, LayerSeparation
from bareface.report import plots
from bareface.report.exposures import exposure_blocks
from bareface.report.layers import layer_blocks
from bareface.report.plots.canvas import label
from bareface.report.plots.roc import Curve, _thinned, resolvable


@pytest.mark.parametrize(("rate", "needed"), [(0.1, 29), (0.01, 299), (0.001, 2995)])
def test_what_can_be_resolved_agrees_with_what_is_needed(rate: float, needed: int) -> None:
    assert resolvable(needed) <= rate < resolvable(needed - 1)


def test_thinning_keeps_the_small_rates_and_the_end() -> None:
    side = np.arange(100_000) / 100_000
    kept = _thinned(side.tolist(), 300)
    assert len(kept) <= 300
    assert kept[:10].tolist() == side[:10].tolist()
    assert kept[-1] == side[-1]


def test_a_curve_of_one_point_is_drawn() -> None:
    curve = Curve("record", "a", "partial", (0.0,), (0.0,), 5)
    assert plots.roc([curve], "salt").startswith("<svg")


def test_drawing_leaves_the_settings_of_the_process_alone(samples: Any) -> None:
    before = dict(matplotlib.rcParams)
    plots.forest(samples.one_game.findings, "salt")
    assert dict(matplotlib.rcParams) == before


def test_settings_of_the_process_leave_the_drawing_alone(samples: Any) -> None:
    findings = samples.one_game.findings[-3:]
    plain = plots.forest(findings, "salt")
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9, "svg.fonttype": "path"}):
        assert plots.forest(findings, "salt") == plain


def test_figures_on_one_page_share_no_ids(samples: Any) -> None:
    findings = samples.one_game.findings
    first, second = (set(re.findall(r' id="([^"]*)"', plots.forest(findings, salt))) for salt in ("a", "b"))
    assert first
    assert not first & second


def test_layers_without_distances_or_at_zero_are_drawn() -> None:
    layers = tuple(
        LayerSeparation(
            game="record", layer=f"l{i}", channels=1, view="image", auc=0.5, member_deciles=d, nonmember_deciles=d
        )
        for i, d in enumerate([(), (0.0,) * 11, (1.0, 2.0, 3.0)])
    )
    (block,) = layer_blocks(layers)
    assert plots.separation(block, "salt").startswith("<svg")
    assert block.rows[0].members == ("not measured",) * 3
    assert block.rows[1].members == ("0.00", "0.00", "0.00")


def test_deep_networks_stay_small(samples: Any) -> None:
    one = samples.full.layers[0]
    layers = tuple(one.model_copy(update={"layer": f"layer{i}"}) for i in range(400))
    (block,) = layer_blocks(layers)
    assert len(plots.separation(block, "salt")) < 100_000


def test_a_finding_without_interval_is_drawn(samples: Any) -> None:
    finding = samples.one_game.findings[0]
    image = finding.image.model_copy(update={"auc_interval": None})
    assert plots.forest([finding.model_copy(update={"image": image})], "salt").startswith("<svg")


def test_one_attack_has_one_panel(samples: Any) -> None:
    only = tuple(e for e in samples.full.exposures if e.attack == "bn-distance" and e.game == "person")
    (block,) = exposure_blocks(only, samples.full.findings)
    assert "bn-distance" in plots.ranks(block, "salt")


def test_a_label_is_short_and_plain() -> None:
    assert label("bn-distance") == "bn-distance"
    assert label("漢字" + "x" * 60) == "??" + "x" * 21 + "..."


def test_wide_intervals_stay_inside_the_axes(samples: Any) -> None:
    finding = samples.one_game.findings[0]
    image = finding.image.model_copy(update={"auc": 0.01, "auc_interval": Interval(low=0.0, high=1.0)})
    drawn = plots.forest([finding.model_copy(update={"image": image})], "salt")
    numbers = [float(x) for x in re.findall(r"[ML] (-?[\d.]+) ", drawn)]
    assert min(numbers) >= -10
    assert max(numbers) <= 1134


def test_of_many_attacks_the_most_telling_are_drawn_and_what_reads_the_head_last(samples: Any) -> None:
    one = next(f for f in samples.full.findings if f.attack == "own-centroid" and f.game == "record")

    def with_low(number: int, access: str = "answers") -> Any:
        interval = Interval(low=0.5 + number / 100, high=0.99)
        image = one.image.model_copy(update={"auc_interval": interval})
        return one.model_copy(update={"title": f"a{number}", "image": image, "access": access})

    many = [with_low(number) for number in range(12)] + [with_low(40, "head")]
    assert [curve.attack for curve in plots.curves(many, "image")] == [f"a{number}" for number in range(4, 12)]
    assert [curve.attack for curve in plots.curves(many[-3:], "image")] == ["a10", "a11", "a40"]


def test_many_attacks_make_no_large_figure(samples: Any) -> None:
    many = [f.model_copy(update={"title": f"{n}"}) for n, f in enumerate(samples.full.findings * 3)]
    assert len(plots.forest(many, "salt")) < 1000 * len(many)
