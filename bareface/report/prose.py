"""The words of a report that do not depend on the run."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from bareface.vocabulary import GAMES, Game, InvalidCause, Verdict

BadgeKind = Literal["leak", "none", "invalid", "unknown", "abstained", "failed"]
BADGE_ORDER: tuple[BadgeKind, ...] = ("leak", "invalid", "none", "unknown", "abstained", "failed")


@dataclass(frozen=True)
class Badge:
    """One word with a colour and an icon."""

    word: str
    kind: BadgeKind


@dataclass(frozen=True)
class Plain:
    """What a verdict means and what to do about it, for somebody who runs no models."""

    means: str
    advice: str


VERDICT_BADGE = {
    Verdict.LEAK_SHOWN: Badge("LEAK SHOWN", "leak"),
    Verdict.NOT_SHOWN: Badge("NOT SHOWN", "none"),
    Verdict.INVALID: Badge("INVALID", "invalid"),
    Verdict.NOT_ESTIMABLE: Badge("NOT ESTIMABLE", "unknown"),
}

_SAYS_NOTHING = "The attack numbers below therefore say nothing about what this backbone remembers."
_ALIKE = (
    "Draw members by lot before training (bareface split), or bring members and non-members from the same source: "
    "alike in age, sex, pose, resolution, compression, date and number of photos."
)
LEAK_MEANS = (
    "This backbone remembers its training set. Somebody with the access that a leaking attack needs can tell {games} "
    "better than by guessing, on the people that were compared, and the controls on which the verdict rests do not "
    "explain it."
)
LEAK_ADVICE = (
    "Treat the weights as if they contained personal data of the training set: hold back publication, limit who gets "
    "raw embeddings or the file itself, and see below which attacks succeed and what access they need. After "
    "retraining with a defence, or without the people who objected, audit again with the same command."
)
NOT_SHOWN_MEANS = (
    "No attack that ran could tell {games}, in a way that the controls do not explain. This does not prove that "
    "nothing leaks: effects below the column “smallest visible”, attacks that were not tried, and the questions under "
    "“Not assessed” are outside what this audit saw."
)
NOT_SHOWN_ADVICE = (
    "Ask whether the smallest visible effect is small enough for your purpose; if it is not, bring more people. Keep "
    "this report with the model and repeat the audit whenever the model is retrained."
)
NOT_ESTIMABLE = Plain(
    "There were too few people or photos to give an answer. Nothing was found, and nothing was ruled out.",
    "The cells marked “not estimable” say how many are needed. Bring at least that many, above all people who were "
    "never trained on, and run the audit again.",
)

PLAIN_INVALID: dict[InvalidCause, Plain] = {
    "reversed": Plain(
        "The signals point the wrong way: the side that is called non-members looks trained on. Until that is "
        "explained, the attack numbers below say nothing about what this backbone remembers.",
        "Check the roles first: the two sides may be exchanged. If they are right, look for what was done to the files "
        "of one side alone, and run the audit again.",
    ),
    "lots": Plain(
        "Members are said to have been drawn by lot, and the two sides differ all the same, as pictures or as people. "
        + _SAYS_NOTHING,
        "Look up how the members were chosen. If nobody drew lots, say so (--assignment observational): then people "
        "are matched. If lots were drawn, look for what was done afterwards to the files of one side alone.",
    ),
    "people": Plain(
        "The people on the two sides are too different to be matched: hardly anybody on one side has a like on the "
        f"other. {_SAYS_NOTHING}",
        f"Do not quote the AUCs. {_ALIKE}",
    ),
    "control": Plain(
        "The comparison is confounded: a control that knows nothing of the training set tells the two sides apart, "
        f"and the attacks do not exceed it. {_SAYS_NOTHING}",
        f"Do not quote the AUCs. {_ALIKE} Bring a backbone that was trained on other people (--foreign), so that "
        "differences between people can be seen and matched, and run the audit again.",
    ),
    "unseen": Plain(
        "Nothing that was run could have seen whether the two sides are different people. So no leak could have been "
        "shown here, whatever its size, and none was excluded.",
        "Bring a backbone that was trained on other people (--foreign), or auxiliary people to train a shadow on "
        "(--auxiliary, --knowledge shadow), or draw members by lot before training (bareface split).",
    ),
}
"""What INVALID means, by its cause."""


def plain_words(verdict: Verdict, causes: Iterable[InvalidCause | None], games: Iterable[Game]) -> Plain:
    """What a verdict means.

    Args:
        verdict: of the audit.
        causes: of the findings that carry it; the most frequent one counts, and of single attacks that do not exceed
            a control nothing is said where a cause is one of the whole game.
        games: that carry it; of others nothing is said.
    """
    told = " or ".join(f"{GAMES[game].found} from {GAMES[game].accused}" for game in games) or "members from others"
    if verdict is Verdict.LEAK_SHOWN:
        return Plain(LEAK_MEANS.format(games=told), LEAK_ADVICE)
    if verdict is Verdict.NOT_SHOWN:
        return Plain(NOT_SHOWN_MEANS.format(games=told), NOT_SHOWN_ADVICE)
    if verdict is not Verdict.INVALID:
        return NOT_ESTIMABLE
    of_games = Counter(cause for cause in causes if cause and cause != "control")
    return PLAIN_INVALID[of_games.most_common(1)[0][0] if of_games else "control"]


NO_PERSON_IN_RECORD = "each person is on both sides of this game"
LAYERS = {
    "running": "Each BatchNorm layer compares an image with the running mean that training left behind. If members lie "
    "closer than non-members (AUC above 0.5), the layer remembers; farther, and something else moves them, which "
    "an attack may use all the same.",
    "estimated": "What leaves each convolution and linear map is compared with statistics estimated on public faces, "
    "since training left no running statistics. If members lie closer or farther than non-members, it remembers.",
}
LAYERS_CAVEAT = (
    "Exploratory: one number per layer and view, without correction for how many there are; "
    "the largest of many is large by luck alone."
)
ROC_CAVEAT = (
    "The curves are drawn on the evaluation people themselves; the rates in the findings above use thresholds that "
    "were chosen on other people. In the shaded part there are too few non-members to support a rate that small."
)
EXPOSURE_CAVEAT = (
    "Every training person, under a pseudonym, by the share of non-members whose images score lower. "
    "Without a leak a tenth of the people would fall into each bar (dashed line). "
    "A high rank is a reason to look, not a proof about that person."
)

CEILING = (
    "With the classification head: the ceiling. A deployed backbone does not carry the head, so these count neither in "
    "the verdict nor in any number above."
)

GLOSSARY = (
    ("AUC", "The chance that a random member scores higher than a random non-member: 0.5 is guessing, 1 is certainty."),
    (
        "TPR at 1 % FPR",
        "The share of members found when one non-member in a hundred is wrongly named. "
        "The threshold was chosen on other people and counted once.",
    ),
    (
        "Brackets",
        "95 % intervals that take people, not images, as the sample. "
        "That of a TPR allows for the error of its threshold.",
    ),
    (
        "p (Holm)",
        "How surprising the AUC would be without a leak, corrected for the number of findings. “≤”: no permutation "
        "reached the AUC, and more of them would give a smaller number.",
    ),
    (
        "Access",
        "What the attacker must reach: the answers (embeddings) alone, the weights (the file), or the classification "
        "head, which a deployed backbone does not carry. What needs the head stands last and counts nowhere.",
    ),
    ("Smallest visible", "The smallest AUC that this audit would have shown four times in five."),
    ("Δ", "The AUC of the attack minus the AUC of the control, over the same images or people."),
)
