"""A rich evidence to render and to pass on: three games, two knowledges, every verdict, what abstained and failed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from pages import map_text
from scipy.stats import beta

from bareface.records.evidence import (
    AttackCard,
    Control,
    Evidence,
    Exposure,
    Finding,
    Interval,
    LayerSeparation,
    Matched,
    Measurement,
    OperatingPoint,
    PlantedLeak,
    Provenance,
    Rejected,
    RoleCount,
    Share,
    TargetCard,
)
from bareface.vocabulary import Access, Verdict

HASH = "9f2c" * 16
GAMES = ("record", "person", "dataset")
EFFECT = {  # standard deviations between members and non-members: record, person, dataset
    "bn-distance": (0.35, 0.2, 0.63),
    "embedding-norm": (0.33, 0.05, 0.62),
    "flip-agreement": (0.95, 0.15, 1.3),
    "view-agreement": (1.1, 0.22, 1.45),
    "own-centroid": (1.8, 0.05, 2.3),
    "set-cosine": (2.4, 0.55, 3.2),
}
ACCESS: dict[str, Access] = {"bn-distance": "weights", "gradient-norm": "weights", "class-cosine": "head"}
HOW = """Every image is shown twelve times: mirrored, cropped, lit, blurred, with noise, partly covered.

The pairwise cosines of the twelve embeddings and their norms go into a logistic regression."""
LAYERS = (
    "input.bn",
    *(f"layer{s}.{b}.bn{i}" for s, blocks in enumerate((2, 3, 3, 2), 1) for b in range(blocks) for i in (1, 2)),
    "output.bn",
)


def share(events: int, trials: int) -> Share:
    low = 0.0 if events == 0 else float(beta.ppf(0.025, events, trials - events + 1))
    high = 1.0 if events == trials else float(beta.ppf(0.975, events + 1, trials - events))
    return Share(events=events, trials=trials, interval=Interval(low=low, high=high))


def around(value: float, width: float, low: float = 0.0, high: float = 1.0) -> Interval:
    return Interval(low=max(low, value - width), high=min(high, value + width))


def roc_of(members: Any, nonmembers: Any) -> tuple[tuple[float, ...], tuple[float, ...]]:
    thresholds = np.sort(np.concatenate([members, nonmembers]))[::-1]
    fpr = np.searchsorted(np.sort(-nonmembers), -thresholds, side="right") / len(nonmembers)
    tpr = np.searchsorted(np.sort(-members), -thresholds, side="right") / len(members)
    return (0.0, *fpr.tolist()), (0.0, *tpr.tolist())


def measurement(unit: str, effect: float, n: int, people: int, random: np.random.Generator) -> Measurement:
    members, nonmembers = random.normal(effect, 1, n), random.normal(0, 1, n)
    auc = float((members[:, None] > nonmembers[None]).mean())
    fpr, tpr = roc_of(members, nonmembers)
    points = []
    for nominal, needed in ((0.1, 29), (0.01, 299), (0.001, 2995)):
        threshold = np.quantile(nonmembers, 1 - nominal)
        enough = n >= needed
        points.append(
            OperatingPoint(
                nominal_fpr=nominal,
                positives=n,
                negatives=n,
                negatives_needed=needed,
                true_positive=share(int((members > threshold).sum()), n) if enough else None,
                false_positive=share(int((nonmembers > threshold).sum()), n) if enough else None,
            )
        )
    p = float(min(1.0, 0.0002 + np.exp(-60 * (auc - 0.5))))
    return Measurement(
        unit=unit,  # type: ignore[arg-type]
        members=n if unit == "image" else people,
        nonmembers=n if unit == "image" else people,
        abstained_members=3 if unit == "image" and effect > 2 else 0,
        abstained_nonmembers=1 if unit == "image" and effect > 2 else 0,
        member_people=people,
        nonmember_people=people,
        auc=auc,
        auc_interval=around(auc, 0.9 / np.sqrt(people) * np.sqrt(max(auc * (1 - auc), 1e-4))),
        p_value=p,
        p_value_holm=min(1.0, 6 * p),
        smallest_effect=0.5 + 1.4 / np.sqrt(people * 12),
        operating_points=tuple(points),
        roc_fpr=fpr,
        roc_tpr=tpr,
    )


def control(kind: str, attack_auc: float, auc: float, what: str) -> Control:
    return Control(
        kind=kind,  # type: ignore[arg-type]
        status="done",
        what=what,
        auc=auc,
        auc_interval=around(auc, 0.031),
        difference=attack_auc - auc,
        difference_interval=around(attack_auc - auc, 0.036, -1.0),
    )


def skipped(kind: str, reason: str) -> Control:
    return Control(
        kind=kind,  # type: ignore[arg-type]
        status="skipped",
        what="",
        auc=None,
        auc_interval=None,
        difference=None,
        difference_interval=None,
        reason=reason,
    )


def done(attack: str, game: str, knowledge: str, effect: float, random: np.random.Generator) -> Finding:
    image = measurement("image", effect * (1 if knowledge == "partial" else 0.7), 360, 96, random)
    person = measurement("person", effect * (1.3 if knowledge == "partial" else 0.9), 96, 96, random)
    auc = image.auc or 0.5
    confounded = attack == "embedding-norm" and game == "dataset"
    controls = (
        control("blind", auc, auc - 0.004 if confounded else 0.52, "logistic regression on 14 traits of the file"),
        control("foreign", auc, 0.507, "the same network trained on other people, seed 2"),
        control("bn-swap", auc, 0.5 + (auc - 0.5) * 0.2, "statistics re-estimated on 2,000 public faces")
        if attack == "bn-distance"
        else skipped("bn-swap", "reads no BatchNorm buffer"),
    )
    shown = (image.p_value_holm or 1) < 0.05
    verdict = Verdict.INVALID if confounded else Verdict.LEAK_SHOWN if shown else Verdict.NOT_SHOWN
    sentence = (
        f"{verdict.capitalize()}: AUC {auc:.3f} per image over 360 members and 360 non-members of 96 people each; "
        f"{auc - 0.52:+.3f} over the blind baseline."
    )
    return Finding(
        attack=attack,
        parameters={"b": "channels", "flip": "concat"} if attack == "bn-distance" else {},
        game=game,  # type: ignore[arg-type]
        knowledge=knowledge,  # type: ignore[arg-type]
        status="done",
        reason="",
        image=image,
        person=None if game == "record" else person,
        controls=controls,
        verdict=verdict,
        sentence=sentence,
        access=ACCESS.get(attack, "answers"),
        photos=2 if attack == "set-cosine" else 1,
    )


def absent(attack: str, game: str, knowledge: str, status: str, reason: str) -> Finding:
    return Finding(
        attack=attack,
        parameters={},
        game=game,  # type: ignore[arg-type]
        knowledge=knowledge,  # type: ignore[arg-type]
        status=status,  # type: ignore[arg-type]
        reason=reason,
        image=None,
        person=None,
        controls=(),
        verdict=None,
        sentence="",
        access=ACCESS.get(attack, "answers"),
        photos=1,
    )


def matched(finding: Finding) -> Finding:
    """The same finding where its verdict rests on matched people."""
    assert finding.image is not None
    narrower = {
        "auc": 0.62, "auc_interval": Interval(low=0.415, high=0.789), "operating_points": (),
        "effective_members": 22.4, "effective_nonmembers": 30.9,
    }  # fmt: skip
    foreign = next(control for control in finding.controls if control.kind == "foreign")
    measured = Matched(measurement=finding.image.model_copy(update=narrower), foreign=foreign)
    return finding.model_copy(update={"matched": measured})


def starved(finding: Finding) -> Finding:
    """The same finding with too few people to say anything."""
    few = {
        "auc": None, "auc_interval": None, "p_value": None, "p_value_holm": None, "smallest_effect": None,
        "roc_fpr": (), "roc_tpr": (), "member_people": 4, "nonmember_people": 3,
        "reason": "3 people on one side; needs at least 10",
    }  # fmt: skip

    def without(m: Measurement | None) -> Measurement | None:
        if m is None:
            return None
        points = tuple(p.model_copy(update={"true_positive": None, "false_positive": None}) for p in m.operating_points)
        return m.model_copy(update={**few, "operating_points": points})

    change = {
        "image": without(finding.image),
        "person": without(finding.person),
        "controls": tuple(skipped(c.kind, "nothing to compare with") for c in finding.controls),
        "verdict": Verdict.NOT_ESTIMABLE,
        "sentence": "Not estimable: 3 people on one side.",
    }
    return finding.model_copy(update=change)


def findings() -> tuple[Finding, ...]:
    random = np.random.default_rng(7)
    all_of_them = []
    for column, game in enumerate(GAMES):
        for knowledge in ("partial", "shadow"):
            rows = [done(a, game, knowledge, effects[column], random) for a, effects in EFFECT.items()]
            if game == "person" and knowledge == "shadow":
                rows[-1] = starved(rows[-1])
            rows.append(absent("class-cosine", game, knowledge, "abstained", "the target has no classification head"))
            rows.append(absent("gradient-norm", game, knowledge, "failed", "12 GiB of memory asked for, 8 GiB free"))
            all_of_them += rows
    return tuple(all_of_them)


def layers() -> tuple[LayerSeparation, ...]:
    random = np.random.default_rng(8)
    rows = []
    for game, strength in (("record", 0.3), ("dataset", 0.6)):
        for depth, layer in enumerate(LAYERS):
            for view in ("image", "flip"):
                scale, shift = 0.02 * 1.2**depth, strength * np.sin(depth / 6) * (1 if view == "image" else 0.8)
                members = scale * np.exp(random.normal(-shift, 0.6, 400))
                nonmembers = scale * np.exp(random.normal(0, 0.6, 400))
                rows.append(
                    LayerSeparation(
                        game=game,  # type: ignore[arg-type]
                        layer=layer,
                        channels=64 * 2 ** (depth // 6),
                        view=view,
                        auc=float((members[:, None] < nonmembers[None]).mean()),
                        member_deciles=tuple(np.quantile(members, np.arange(11) / 10).tolist()),
                        nonmember_deciles=tuple(np.quantile(nonmembers, np.arange(11) / 10).tolist()),
                    )
                )
    return tuple(rows)


def exposures() -> tuple[Exposure, ...]:
    random = np.random.default_rng(9)
    return tuple(
        Exposure(
            game=game,  # type: ignore[arg-type]
            attack=attack,
            person=f"p-{(i * 7919) % 9973:04d}",
            images=int(random.integers(2, 9)),
            rank=float(np.round(random.beta(1 + effects[column], 1) * 96) / 96),
        )
        for column, game in enumerate(GAMES)
        if game != "record"
        for attack, effects in EFFECT.items()
        for i in range(96)
    )


def planted() -> tuple[PlantedLeak, ...]:
    of = {"game": "person", "knowledge": "shadow", "attack": "own-centroid", "unit": "person"}
    said = {"said": {"LEAK SHOWN": 17, "NOT SHOWN": 3}, "said_of_none": {"NOT SHOWN": 20}}
    return (PlantedLeak(effect=0.6406, audits=20, **said, **of),)  # type: ignore[arg-type]


def target(name: str, head: int | None) -> TargetCard:
    return TargetCard(
        name=name,
        source="state dict, 92 tensors",
        sha256=HASH,
        architecture="iresnet-18",
        parameters=24_025_600,
        embedding_size=512,
        input="RGB, 112 x 112, (x − 127.5) / 127.5",
        batchnorm_layers=len(LAYERS),
        degenerate_layers=("layer4.1.bn2",),
        head_identities=head,
    )


def build() -> Evidence:
    """A realistic audit of a backbone that leaks."""
    cards = tuple(
        AttackCard(
            attack=attack,
            tests="Whether the backbone embeds photos it was trained on more steadily than others.",
            needs="Raw embeddings of chosen images (black box).",
            how=HOW,
            limits="Silent on models that were trained with the same distortions as augmentation.",
            reference="Huang, Chen, Wang and Wang, arXiv 2401.13719, section 4.",
        )
        for attack in (*EFFECT, "class-cosine", "gradient-norm")
    )
    roles = (
        RoleCount(role="member", people=96, images=364, rejected=4, use="members of the record and dataset games"),
        RoleCount(role="heldout", people=96, images=361, rejected=1, use="non-members of record, members of person"),
        RoleCount(role="outside", people=96, images=360, rejected=0, use="non-members of person and dataset"),
        RoleCount(role="auxiliary", people=60, images=1200, rejected=0, use="trains the shadow backbone"),
        RoleCount(role="public", people=2000, images=2000, rejected=12, use="re-estimates the BatchNorm statistics"),
    )
    rejects = (
        *(Rejected(number=n, role="member", reason="one colour only") for n in (12, 85, 190)),
        Rejected(number=201, role="member", reason="no JPEG, PNG, WEBP or BMP"),
        Rejected(number=3, role="heldout", reason="no JPEG, PNG, WEBP or BMP"),
        *(Rejected(number=n, role="public", reason="smaller than 16 x 16") for n in range(40, 52)),
    )
    return Evidence(
        schema_version="1.0",
        status="complete",
        title="Face backbone “gatehouse-r18”, release 4",
        verdict=Verdict.LEAK_SHOWN,
        sentence=(
            "Training images of this backbone can be told from other photos of the same people: view-agreement, which "
            "needs only embeddings, reaches AUC 0.767 [0.728, 0.806] in the record game, +0.247 over blind."
        ),
        target=target("gatehouse-r18", None),
        foreign=target("the same network, other people", 120),
        roles=roles,
        rejects=rejects,
        findings=findings(),
        cards=cards,
        layers=layers(),
        exposures=exposures(),
        planted=planted(),
        limits=(
            "One backbone and one seed were audited; another training run may leak more or less.",
            "Attacks that are not listed here were not tried.",
        ),
        notes=("Image sizes differ between member and outside by 0.4 %; the blind baseline has them.",),
        command=(
            "bareface audit /srv/models/gatehouse-r18.safetensors --members data/members --heldout data/heldout "
            "--outside '/home/an na/outside' --seed 20240"
        ),
        provenance=Provenance(
            bareface="0.1.0",
            python="3.11.9",
            packages={"numpy": "2.4.6", "torch": "2.13.0", "scikit-learn": "1.9.1", "pillow": "13.0.0"},
            platform="Linux-6.1-x86_64",
            device="cpu",
            threads=2,
            seed=20240,
            started="2025-11-23T16:50:00Z",
            seconds=754.2,
            roster_sha256=HASH,
            config_sha256=HASH[::-1],
            files={"result.json": HASH, "report.html": HASH, "scores.parquet": HASH, "rejects.parquet": HASH},
        ),
    )


FIXED = frozenset({"status", "verdict", "game", "knowledge", "unit", "kind", "statistics", "access"})


def with_texts(evidence: Evidence, change: Callable[[str], str]) -> Evidence:
    """The same evidence with every free text in every field changed."""
    return Evidence.model_validate(map_text(evidence.model_dump(), change, FIXED))


def one_game(evidence: Evidence) -> Evidence:
    """The same evidence with one game only: every section is there, but it renders in a second."""
    change = {
        "findings": tuple(f for f in evidence.findings if (f.game, f.knowledge) == ("person", "shadow")),
        "layers": tuple(s for s in evidence.layers if s.game == "dataset")[:8],
        "exposures": tuple(e for e in evidence.exposures if e.game == "person")[:200],
    }
    return evidence.model_copy(update=change)


@dataclass(frozen=True)
class Samples:
    """The sample and ways to change it."""

    full: Evidence
    one_game: Evidence
    with_texts: Callable[[Evidence, Callable[[str], str]], Evidence]
    starved: Callable[[Finding], Finding]
    matched: Callable[[Finding], Finding]


def samples_of_all() -> Samples:
    """The rich evidence, and ways to make others of it."""
    full = build()
    return Samples(full, one_game(full), with_texts, starved, matched)
