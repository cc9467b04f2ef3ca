"""The words of an inversion report that do not depend on the run."""

from bareface.records.inversion import ArmName, Reading
from bareface.report.prose import Plain

ARM_ORDER: tuple[ArmName, ...] = ("optimised", "base", "select", "placebo", "oracle")

ARM: dict[ArmName, str] = {
    "optimised": "the attack: chosen by membership score, optimised, chosen again",
    "base": "un-optimised samples from the same seeds: what the generator shows anyway",
    "select": "chosen by membership score, not optimised",
    "placebo": "the same search against an attack model that learned from permuted membership",
    "oracle": "made from templates of known training people: shows that success can be seen",
}

_AGAIN = "Keep this page with the model, and repeat the inversion whenever the model or the attack changes."
_FIX = "Do not quote the numbers below. Mend what the sentence above names, and run the inversion again."

PLAIN: dict[Reading, Plain] = {
    "many identities": Plain(
        "Faces made with nothing but this backbone look like people it was trained on, before networks that took no "
        "part in making them, more than like equally many people it never saw.",
        "Treat the weights as if they contained the faces of the training set: hold back publication and limit who "
        "gets the file. After retraining with a defence, invert again with the same command.",
    ),
    "few identities": Plain(
        "Faces made with nothing but this backbone look like a few people it was trained on. Many images can show one "
        "person, so the number of people counts here.",
        "Find out why these people stand out (many photos, near-duplicates), take them out or fewer of their photos "
        "in, and invert again.",
    ),
    "nothing seen": Plain(
        "The reconstructions do not look more like training people than like strangers. This does not prove that "
        "nothing can be reconstructed: smaller effects and other attacks are outside what this run saw.",
        f"Ask whether the smallest visible win rate is small enough for your purpose. {_AGAIN}",
    ),
    "attack model fooled": Plain(
        "The search found images that its own attack models take for members. An attack model that took no part does "
        "not, and independent judges see no training people in them: the score was gamed, nobody was reconstructed.",
        f"Do not quote the membership score as a success. {_AGAIN}",
    ),
    "one judge only": Plain(
        "A judge sees training people in the images and no other confirms it. Images can fool one network, and a judge "
        "that knows these people itself finds them anywhere.",
        "Bring another judge with another architecture, trained on other people, and look at the images where you may.",
    ),
    "not beyond controls": Plain(
        "The images look like training people, but not clearly more than images on which nothing was optimised for "
        "membership. The generator may know these people by itself.",
        "Use a generator that was trained on other people, or more starts, and run every control.",
    ),
    "oracle not detected": Plain(
        "Even images that were made from the templates of training people were not recognised, so that a success of "
        "the attack could not have been recognised either.",
        _FIX,
    ),
    "pipeline bias": Plain(
        "A search for nothing pulls images to one gallery too. Something other than the backbone's memory does that.",
        _FIX,
    ),
    "confounded": Plain(
        "Training people and decoys may differ in more than training, and images can be nearer to one side for that "
        "reason alone.",
        "Bring training people and decoys from one source, split by lot before training.",
    ),
    "too few": Plain(
        "There were too few people or images to give an answer. Nothing was found, and nothing was ruled out.",
        "Bring more people on both sides, or more starts, and run the inversion again.",
    ),
}

GLOSSARY = (
    (
        "Win rate",
        "How often an image is nearer to some training person than to every decoy. Both galleries have equally many "
        "people and photos, so that it is 0.5 for any image, however odd, if nothing leaks.",
    ),
    ("Brackets", "95 % intervals. Those of a win rate resample starts and the people who are nearest to the images."),
    ("p (Holm)", "How surprising the win rate would be if training people had been drawn by lot, over all judges."),
    ("Smallest visible", "The smallest win rate that this run would have shown four times in five."),
    (
        "Hit",
        "An image above a threshold that few strangers reach against a gallery of this size. Training hits count only "
        "beside decoy hits and beside the base arm: the lift.",
    ),
    ("Effective people", "How many equally common people would be as diverse as those who are named."),
    ("Held-out rise", "How far the score rises on an attack model that took no part in the search."),
)

TRANSFER_CAVEAT = (
    "Scores of the search's own attack models always rise: that is what the search does. The rise on a model that took "
    "no part says whether the images have become more like members or only more like what fools the search."
)
FRECHET_CAVEAT = (
    "The Fréchet distance is biased upwards for small samples; its floor is what two samples of one law of these sizes "
    "would show. KID has no such bias and can be below zero."
)
FOOTER = "Made from inversion.json alone. It shows no faces, names or folders. A verdict is never “safe”."
