"""Fine-tuning on public people before release.

What it tests:
How far its protection holds. The running statistics become those of public people, and the weights' fit to single
training images is overwritten in part.

What the attacker needs:
The released backbone. They know the defence, and treat a shadow backbone with it.

How it works:
Goes on training the finished backbone for some epochs on public people, with a fresh head, at a small learning rate.

Known limits:
Forgetting is not controlled: what the public people do not push away stays. Needs labelled public people.

Reference:
As a defence by overwriting Zhang et al., arXiv 2202.06539, for language models; here it is our own baseline.
"""

import copy
from dataclasses import replace
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass

from bareface.settings.recipe import Recipe
from bareface.streams import seed_for
from bareface.targets.target import Target
from bareface.training.defence import PARAMETERS, Public, Reach, ReleaseDefence
from bareface.training.fitting import fit
from bareface.training.learner import learner_of


@dataclass(frozen=True, kw_only=True, config=PARAMETERS)
class FineTuning(ReleaseDefence):
    """More training, on others.

    Attributes:
        epochs: on public people.
        learning_rate: at its highest.
    """

    name: ClassVar[str] = "fine-tuning"
    reach: ClassVar[Reach] = "weights"

    epochs: Annotated[int, Field(ge=1)] = 10
    learning_rate: Annotated[float, Field(gt=0)] = 0.02

    def released(self, target: Target, public: Public, seed: int) -> Target:
        """The backbone after some epochs on public people."""
        recipe = Recipe(
            target.architecture, target.embedding_size, target.spec, epochs=self.epochs, batch_size=32,
            learning_rate=self.learning_rate, warmup_epochs=1, seed=seed_for(seed, "fine-tuning"),
        )  # fmt: skip
        module = copy.deepcopy(target.module)
        learner = learner_of(module, recipe, int(public.labels.max()) + 1, torch.device("cpu"))
        fit(public.images, public.labels, learner, recipe)
        return replace(target, module=learner.backbone).without_head()
