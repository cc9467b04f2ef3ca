"""The benchmark at the paper's scale, at toy size: who is who, and a call whose time is up is gone on with."""

import re
from pathlib import Path

import numpy as np
import pytest
from torch import nn

from bareface.rosters.roster import Roster
from bareface.settings.spec import ImageSpec
from bareface.targets.target import Target
from bareface.vocabulary import Role
from benchmarks.attacks import at_scale as attacks_at_scale
from benchmarks.attacks.at_scale import AGAIN, main
from benchmarks.attacks.population import Population

SMALL = ["--people", "24", "--images", "4", "--judged", "12", "--size", "16", "--architecture", "ir-tiny"]
QUICK = ["--epochs", "1", "--batch", "24", "--shadows", "1", "--attack", "flip-agreement", "--minutes", "1000"]


def _names(roster: Roster, role: str) -> set[str]:
    return {roster.image[row] for row in roster.rows(role)}


def test_everybody_has_one_part(tmp_path: Path) -> None:
    people = Population(tmp_path, 16, people=200, images=6, judged=30)
    trained, audited = people.trained(), people.audited()
    assert trained.head_count() == {"member": (200, 1200)}
    assert audited.head_count() == {
        "member": (30, 150), "heldout": (30, 150), "outside": (30, 150), "auxiliary": (30, 300), "public": (30, 150)
    }  # fmt: skip
    assert _names(audited, Role.MEMBER) < _names(trained, Role.MEMBER)
    strangers = [row for row in range(len(audited)) if audited.role[row] not in (Role.MEMBER, Role.HELDOUT)]
    assert not np.isin(audited.subject[strangers], trained.subject).any()
    assert not _names(audited, Role.HELDOUT) & set(trained.image)


def test_a_shadow_s_roles_are_what_it_learned(tmp_path: Path) -> None:
    people = Population(tmp_path, 16, people=200, images=6, judged=60)
    net = Target("none", "custom", nn.Sequential(nn.Flatten(), nn.Linear(768, 4)), ImageSpec(16, 16))
    for number in (0, 1):
        learned, shadow = people.shadow_trained(number), people.shadow(net, number, people.audited())
        own = shadow.roster
        assert [image in set(learned.image) for image in own.image] == (own.role == Role.MEMBER).tolist()
        assert (np.isin(own.subject, learned.subject) == (own.role != Role.OUTSIDE)).all()
        assert set(own.role.tolist()) == {"member", "heldout", "outside"}
    assert set(people.shadow_trained(0).image) != set(people.shadow_trained(1).image)


def test_when_time_is_up_it_says_so_and_goes_on_the_next_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attacks_at_scale, "ORDER", ("dataset", "person"))
    monkeypatch.setattr(attacks_at_scale, "KNOWLEDGE", ("shadow",))
    words = [*SMALL, *QUICK, "--run", str(tmp_path)]
    with pytest.raises(SystemExit) as over:
        main([*words, "--minutes", "0"])
    assert over.value.code == AGAIN
    assert "0 minutes are over at rendering blocks of people: 1 of 2; run it again" in capsys.readouterr().err
    main(words)
    summary, table = (text.splitlines() for text in capsys.readouterr().out.strip().split("\n\n"))
    assert summary[0] == "| attack | dataset shadow | person shadow | passes |"
    (line,) = summary[2:]
    assert re.fullmatch(r"\| flip-agreement( \| 0\.\d{3} \(-\)){2} \| \d+ \|", line)
    assert [line.split(" | ")[:3] for line in table[2:]] == [
        [f"| {game}", "shadow", "flip-agreement"] for game in ("dataset", "person")
    ]

    def nothing(*_: object, **__: object) -> None:
        raise AssertionError("audited again")

    monkeypatch.setattr(attacks_at_scale, "conduct", nothing)
    main(words)
    after = capsys.readouterr().out.split("\n\n")[1].splitlines()
    assert [line.split(" | ")[:-1] for line in after] == [line.split(" | ")[:-1] for line in table]
    with pytest.raises(AssertionError, match="audited again"):
        main([*words, "--attack", "embedding-norm"])
