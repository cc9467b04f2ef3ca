"""Backbones that have no BatchNorm: folded away as deployments do, and trained with GroupNorm instead."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from bareface.faces.source import Images
from bareface.targets.target import Target
from bareface.training.batches import draw_variation, epoch_batches, held_in_memory
from bareface.training.defences.group_norm import with_group_norm
from bareface.training.learner import fresh_learner, learner_of, learning_rate
from bareface.training.recipe import Recipe


def folded(target: Target) -> Target:
    """The same function without a BatchNorm layer: each is in the convolution or linear map before it, or, where there
    is none, a scale and a shift of each channel."""
    module = copy.deepcopy(target.module).eval()
    for parent in list(module.modules()):
        if isinstance(parent, nn.Sequential):
            _fold_into_the_one_before(parent)
    for parent, name, layer in list(_norms(module)):
        setattr(parent, name, _scale_and_shift(layer))
    return replace(target, name=f"{target.name} folded", module=module)


def grouped(recipe: Recipe, images: Images, labels: np.ndarray) -> Target:
    """A backbone trained as `recipe` says, with GroupNorm in the place of every BatchNorm."""
    identities, cpu, images = int(labels.max()) + 1, torch.device("cpu"), held_in_memory(images)
    backbone = with_group_norm(fresh_learner(recipe, identities, cpu).backbone, recipe.architecture)
    learner = learner_of(backbone, recipe, identities, cpu)
    for epoch in range(1, recipe.epochs + 1):
        batches, variation = epoch_batches(len(images), recipe, epoch), draw_variation(len(images), recipe, epoch)
        for number, rows in enumerate(batches):
            pixels = recipe.spec.normalise(variation.apply(images.load(rows), rows))
            rate = learning_rate(recipe, (epoch - 1) * len(batches) + number, len(batches))
            learner.step(pixels, torch.from_numpy(labels[rows]), rate, seed=number)
    name = f"{recipe.architecture} with GroupNorm"
    return Target(name, name, learner.backbone.to(memory_format=torch.contiguous_format), recipe.spec)


def _fold_into_the_one_before(layers: nn.Sequential) -> None:
    for number, (first, second) in enumerate(pairwise(list(layers))):
        if isinstance(second, nn.BatchNorm2d) and isinstance(first, nn.Conv2d):
            layers[number], layers[number + 1] = fuse_conv_bn_eval(first, second), nn.Identity()
        if isinstance(second, nn.BatchNorm1d) and isinstance(first, nn.Linear):
            layers[number], layers[number + 1] = fuse_linear_bn_eval(first, second), nn.Identity()


def _norms(module: nn.Module) -> Iterator[tuple[nn.Module, str, nn.BatchNorm1d | nn.BatchNorm2d]]:
    for parent in module.modules():
        for name, layer in parent.named_children():
            if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
                yield parent, name, layer


def _scale_and_shift(layer: nn.BatchNorm1d | nn.BatchNorm2d) -> nn.Module:
    """A 1 x 1 convolution of each channel alone, fused with the BatchNorm layer."""
    alone = nn.Conv2d(layer.num_features, layer.num_features, 1, groups=layer.num_features, bias=False).eval()
    nn.init.ones_(alone.weight)
    return fuse_conv_bn_eval(alone, layer)
