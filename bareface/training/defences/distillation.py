"""Distillation to public faces.

What it tests:
How far its protection holds. What can only be read from weights and statistics: both come from public faces. A
training image answers like any other face, as far as the student does not copy the teacher's peculiarities.

What the attacker needs:
The released backbone. They know the defence, and treat a shadow backbone with it.

How it works:
A student of the same architecture, freshly drawn, learns to answer public faces with the embeddings of the trained
backbone; only the student is released. It never sees a training image.

Known limits:
With enough public faces the student becomes the teacher, leak included. With few it recognises people worse.

Reference:
Hinton et al., arXiv 1503.02531; as a defence Shejwalkar and Houmansadr, AAAI 2021, arXiv 1906.06589. That students
inherit: Jagielski et al., NeurIPS 2023, arXiv 2303.03446.
"""

from dataclasses import replace
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor
from torch.nn import functional as F

from bareface.settings.recipe import Recipe
from bareface.streams import seed_for
from bareface.targets.target import Target
from bareface.training.defence import PARAMETERS, Public, Reach, ReleaseDefence
from bareface.training.fitting import fit
from bareface.training.learner import Learner, Lesson, fresh_backbone, learner_of


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class Distillation(ReleaseDefence):
    """A student that met public faces only.

    Attributes:
        epochs: over the public faces.
        learning_rate: at its highest.
    """

    name: ClassVar[str] = "distillation"
    reach: ClassVar[Reach] = "weights"

    epochs: Annotated[int, Field(ge=1)] = 30
    learning_rate: Annotated[float, Field(gt=0)] = 0.1

    def released(self, target: Target, public: Public, seed: int) -> Target:
        """The student."""
        recipe = Recipe(
            target.architecture, target.embedding_size, target.spec, epochs=self.epochs, batch_size=32,
            learning_rate=self.learning_rate, warmup_epochs=1, shift=2, seed=seed_for(seed, "distillation"),
        )  # fmt: skip
        student = learner_of(fresh_backbone(recipe), recipe, 2, torch.device("cpu"))
        fit(public.images, public.labels, student, recipe, lesson=lambda epoch: imitating(target))
        return replace(target, module=student.backbone).without_head()


def imitating(teacher: Target) -> Lesson:
    """Gradients of the mean of 1 − cosine between the student's embedding and the teacher's; labels are not read."""

    def learn(learner: Learner, pixels: Tensor, labels: Tensor) -> tuple[float, int]:
        with torch.no_grad():
            wanted = teacher.embed_normalised(pixels)
        loss = (1 - F.cosine_similarity(learner.backbone(pixels), wanted)).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.item(), 0

    return learn
