"""Learning from public people before anybody else's images are seen."""

from dataclasses import replace

import torch
from torch import nn

from bareface.settings.recipe import Recipe
from bareface.streams import seed_for
from bareface.training.defence import Public
from bareface.training.fitting import fit
from bareface.training.learner import learner_of


def pretrained(module: nn.Module, recipe: Recipe, public: Public, share: float) -> nn.Module:
    """The module after some epochs on public people; their head is thrown away.

    Args:
        module: trained in place.
        recipe: how.
        public: the people.
        share: of the recipe's epochs, at least one.
    """
    epochs = max(1, round(share * recipe.epochs))
    seed, warmup = seed_for(recipe.seed, "public"), min(recipe.warmup_epochs, epochs)
    first = replace(recipe, epochs=epochs, warmup_epochs=warmup, seed=seed)
    learner = learner_of(module, first, int(public.labels.max()) + 1, torch.device("cpu"))
    fit(public.images, public.labels, learner, first)
    return learner.backbone
