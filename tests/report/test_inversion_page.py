"""The inversion page: complete, inert, readable, honest about what is missing; the contact sheet apart from it."""

import re
import stat
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from pages import Reader, map_text

from bareface.errors import RunError, UsageError
from bareface.records.evidence import Interval, Provenance, Share, TargetCard
from bareface.records.inversion import (
    Arm,
    ArmName,
    Consensus,
    CosineSpread,
    Distribution,
    Excess,
    GalleryCard,
    GeneratorCard,
    Hits,
    InversionRecord,
    JudgeCard,
    Judgement,
    Lift,
    NamedPeople,
    Reading,
    Rise,
    Threshold,
    Trajectory,
    Transfer,
    WinRate,
)
from bareface.records.inversion_file import read_inversion, write_inversion
from bareface.report.contact_sheet import SHEET_FILE, Match, Reconstruction, contact_sheet
from bareface.report.inversion import render_inversion_html, render_inversion_section
from bareface.vocabulary import Verdict

HASH = "9f2c" * 16
HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\u202esafe {{ 7 * 7 }} {% raw %} {# x #}",
    "漢字 $x_{1$ \"'><svg onload=alert(1)>",
    "</svg></style><style>*{display:none}</style><!--",
)
FIXED = frozenset({"status", "verdict", "reading", "arm", "gallery", "over", "rule", "split", "schema_version"})


def around(value: float, width: float = 0.1) -> Interval:
    return Interval(low=value - width, high=value + width)


def win(wins: int, reason: str = "") -> WinRate:
    known = not reason
    return WinRate(
        wins=wins,
        ties=1,
        losses=63 - wins,
        interval=around((wins + 0.5) / 64) if known else None,
        p_value=0.012 if known else None,
        p_value_holm=0.024 if known else None,
        null_error=0.07 if known else None,
        smallest_effect=0.74 if known else None,
        effective_identities=31.5 if known else None,
        training_shares=(0.5, 0.5),
        reason=reason,
    )


def hits(rule: Any = "plain", known: bool = True) -> Hits:
    named = NamedPeople(identities=5, rarefied=3.2, effective=4.1, largest_share=0.4)
    nobody = NamedPeople(identities=0, rarefied=None, effective=None, largest_share=None)
    share = Share(events=7, trials=64, interval=Interval(low=0.05, high=0.2))
    return Hits(
        fpir=0.01,
        rule=rule,
        training=share if known else None,
        decoy=share if known else None,
        training_named=named if known else None,
        decoy_named=nobody if known else None,
        reason="" if known else "200 photos of strangers, 299 are needed",
    )


def lift(known: bool) -> Lift:
    return Lift(
        fpir=0.01,
        difference=0.05 if known else None,
        interval=around(0.05) if known else None,
        ratio=1.4 if known else None,
        p_value=0.2 if known else None,
        smallest_effect=0.12 if known else None,
        reason="" if known else "200 photos of strangers, 299 are needed",
    )


def distribution(known: bool) -> Distribution:
    value = 0.25 if known else None
    return Distribution(
        gallery="decoy",
        real=64,
        generated=64,
        k=5,
        precision=value,
        recall=value,
        density=value,
        coverage=value,
        knn=value,
        kid=-0.002 if known else None,
        kid_spread=value,
        frechet=None,
        frechet_floor=None,
        reason="" if known else "2 images with a face in the smaller set, more than 5 are needed",
    )


def judgement(judge: str, name: str, wins: int, known: bool = True) -> Judgement:
    over = (Excess(over="base", difference=0.1, interval=around(0.1), p_value=0.03),) if name != "base" else ()
    points = tuple(np.linspace(-0.1, 0.6, 21).tolist())
    return Judgement(
        judge=judge,
        win_rate=win(wins, "" if known else "9 people in a gallery, 10 are needed"),
        excesses=over,
        hits=(hits(known=known), hits("robust")),
        lifts=(lift(known),) if name != "base" else (),
        distributions=(distribution(known),),
        cosines=(CosineSpread(gallery="training", quantiles=points), CosineSpread(gallery="decoy", quantiles=points)),
    )


def arm(name: ArmName, wins: int, judges: tuple[str, ...]) -> Arm:
    moved = Rise(value=2.5, interval=around(2.5), starts=64)
    steps = (0, 50, 100)
    path = Trajectory(
        step=steps,
        passes=steps,
        low=(-2.0, 0.0, 1.0),
        median=(-1.0, 1.0, 2.0),
        high=(0.0, 2.0, 3.0),
    )
    done = name != "select"
    return Arm(
        arm=name,
        status="done" if done else "failed",
        reason="" if done else "the disk was full",
        objective="membership",
        images=64,
        faceless=2,
        passes=300,
        score=1.2,
        transfer=Transfer(own=moved, held_out=None, ratio=None, position=0.4, reason="no attack model was held out"),
        trajectory=path if name in ("optimised", "placebo") else None,
        judgements=tuple(judgement(j, name, wins, known=name != "oracle") for j in judges) if done else (),
    )


def build() -> InversionRecord:
    judges = ("casia-r18", "public-r34")
    wins: dict[ArmName, int] = {"oracle": 63, "base": 33, "optimised": 50, "select": 0, "placebo": 30}
    threshold = Threshold(
        fpir=0.01,
        gallery=100,
        value=0.41,
        interval=around(0.41),
        probes=400,
        probe_people=120,
        probes_needed=299,
        fmr=1e-4,
    )
    missing = threshold.model_copy(update={"value": None, "interval": None, "fmr": None, "reason": "too few photos"})
    card = JudgeCard(
        name="casia-r18",
        architecture="ir",
        sha256=HASH,
        input="112x112",
        trained_on="CASIA",
        thresholds=(threshold, missing),
    )
    return InversionRecord(
        schema_version="1.0",
        status="complete",
        title="Gatehouse, inverted",
        verdict=Verdict.LEAK_SHOWN,
        reading="many identities",
        sentence="Win rate 0.789 [0.689, 0.889] before casia-r18.",
        target=TargetCard(
            name="gatehouse",
            source="/srv/models/gatehouse.safetensors",
            sha256=HASH,
            architecture="ir18",
            parameters=1,
            embedding_size=128,
            input="64x64 RGB",
            batchnorm_layers=20,
            degenerate_layers=(),
            head_identities=None,
        ),
        generator=GeneratorCard(
            name="synthetic-64", fingerprint=HASH, size=64, space="w", licence="Apache-2.0", source="/srv/g.safetensors"
        ),
        judges=(card, card.model_copy(update={"name": "public-r34"})),
        galleries=GalleryCard(people=100, images_per_person=3, split="random", blind=0.52, blind_interval=around(0.52)),
        arms=tuple(arm(name, count, judges) for name, count in wins.items()),
        consensus=(Consensus(arm="optimised", judges=judges, hits=hits("consensus")),),
        limits=("One seed.",),
        notes=("a note",),
        command="bareface invert /srv/run --judge j",
        provenance=Provenance(
            bareface="0.1.0",
            python="3.11",
            packages={},
            platform="Linux",
            device="cpu",
            threads=2,
            seed=7,
            started="2025-11-23T16:50:00Z",
            seconds=99.0,
            roster_sha256=HASH,
            config_sha256=HASH,
            files={},
        ),
    )


def assert_inert(page: str, allowed: frozenset[str] = frozenset()) -> None:
    read = Reader(page)
    assert read.open == []
    assert not {"script", "img", "link", "iframe", "object", "form", "base"} - allowed & {t for t, _ in read.tags}
    assert all(not name.startswith("on") for _, attributes in read.tags for name in attributes)
    loads = [a[n] or "" for _, a in read.tags for n in ("src", "href", "action", "data", "poster") if n in a]
    assert all(target.startswith("#") or (allowed and target.startswith("data:image/png;")) for target in loads)
    assert "url(" not in page


@pytest.fixture(scope="module")
def record() -> InversionRecord:
    return build()


@pytest.fixture(scope="module")
def page(record: InversionRecord) -> str:
    return render_inversion_html(record)


def test_everything_that_was_asked_for_is_on_the_page(record: InversionRecord, page: str) -> None:
    read = Reader(page)
    words = (record.sentence, "LEAK SHOWN", "Many identities.", "failed: the disk was full", "One seed.", "a note")
    numbers = (
        "50 won, 1 tied, 13 lost",
        "62",
        "0.789",
        "7/64",
        "200 photos of strangers",
        "Apache-2.0",
        "drawn by lot",
    )
    missing = ("9 people in a gallery, 10 are needed", "no attack model was held out", "nobody", "not adjusted")
    for text in (*words, *numbers, *missing[:3]):
        assert text in read.text, text
    for name in get_args(ArmName):
        assert name in read.text
    assert "−0.00200" in read.text  # KID may be negative


def test_no_cell_is_blank_and_every_figure_can_be_read_out(page: str) -> None:
    read = Reader(page)
    assert len(read.cells) > 150
    assert all(cell.strip() for cell in read.cells)
    pictures = [a for a in read.all("div") if a.get("role") == "img"]
    assert len(pictures) == len(list(read.all("figure"))) == 3
    assert all(re.search(r"\d", picture["aria-label"] or "") for picture in pictures)
    ids = [a["id"] for _, a in read.tags if "id" in a]
    assert len(ids) == len(set(ids))


def test_the_page_loads_nothing_and_shows_no_folder(page: str) -> None:
    assert_inert(page)
    assert not re.search(r"https?:|data:", page)
    assert "/srv" not in page
    assert len(page.encode()) < 400_000
    assert not re.search(r"#0[01]0[12][0-9a-f]{2}\b", page)


def test_equal_records_give_equal_bytes(record: InversionRecord, page: str) -> None:
    assert render_inversion_html(record) == page
    assert render_inversion_section(record) in page


def test_hostile_text_is_only_text(record: InversionRecord) -> None:
    turn = iter(range(10**9))
    changed = map_text(record.model_dump(), lambda _: HOSTILE[next(turn) % len(HOSTILE)], FIXED)
    shown = render_inversion_html(InversionRecord.model_validate(changed))
    assert_inert(shown)
    assert "\u202e" not in shown
    read = Reader(shown)
    assert "7 * 7" in read.text
    assert HOSTILE[1] in read.text


@pytest.mark.parametrize("reading", get_args(Reading))
def test_every_reading_has_words_and_an_empty_record_renders(record: InversionRecord, reading: str) -> None:
    bare = {
        "reading": reading,
        "verdict": Verdict.NOT_ESTIMABLE,
        "arms": (),
        "consensus": (),
        "judges": (),
        "limits": (),
    }
    read = Reader(render_inversion_html(record.model_copy(update=bare)))
    assert "What to do:" in read.text
    for absence in ("No arm was asked for", "No judge looked", "No arm has scores", "No hits", "No distributions"):
        assert absence in read.text


def test_a_record_survives_the_disk(record: InversionRecord, tmp_path: Path) -> None:
    write_inversion(record, tmp_path)
    assert read_inversion(tmp_path) == record
    (tmp_path / "inversion.json").write_text('{"schema_version": 3}')
    with pytest.raises(RunError, match="an inversion of schema"):
        read_inversion(tmp_path)
    (tmp_path / "inversion.json").write_bytes(b"\xff\xfe")
    with pytest.raises(RunError, match="bytes that are no text"):
        read_inversion(tmp_path)
    with pytest.raises(RunError, match="run the inversion again"):
        read_inversion(tmp_path / "nowhere")


def test_the_contact_sheet_is_a_file_of_its_own(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    row = Reconstruction(pixels, HOSTILE[0], (Match(pixels, HOSTILE[1], 0.71), Match(pixels, "decoy", -0.2)))
    with pytest.raises(UsageError, match="the sheet shows faces"):
        contact_sheet(tmp_path, "sheet", [row], sensitive=False)
    assert not list(tmp_path.iterdir())
    path = contact_sheet(tmp_path, HOSTILE[4], [row], sensitive=True)
    assert path.name == SHEET_FILE
    assert "SENSITIVE" in path.name
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    shown = path.read_text()
    assert_inert(shown, frozenset({"img"}))
    read = Reader(shown)
    assert len(list(read.all("img"))) == 3
    for words in ("SENSITIVE", "+0.71", "−0.20", HOSTILE[0], HOSTILE[1], HOSTILE[4]):
        assert words in read.text
    with pytest.raises(UsageError, match=r"\(h, w, 3\) uint8 RGB"):
        contact_sheet(tmp_path, "x", [Reconstruction(pixels.astype(float), "a", ())], sensitive=True)  # type: ignore[arg-type]
    assert "There are no reconstructions" in contact_sheet(tmp_path, "x", [], sensitive=True).read_text()
