"""What every defence must keep to, whoever wrote it."""

from copy import deepcopy
from dataclasses import dataclass, field
from typing import get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bareface.faces.source import ArrayImages
from bareface.settings.recipe import Recipe
from bareface.settings.spec import ImageSpec
from bareface.targets.build import build
from bareface.targets.target import Target
from bareface.testing.expect import expect, expect_page, expect_parameters
from bareface.training.defence import AnswerDefence, Defence, Public, Reach, ReleaseDefence, TrainingDefence
from bareface.training.defended import train_defended

SPEC = ImageSpec(16, 16, "GRAY")
RECIPE = Recipe(spec=SPEC, embedding_size=16, epochs=1, batch_size=8, warmup_epochs=0, learning_rate=0.05, seed=4)
LABELS = np.repeat(np.arange(4), 4)


def check_defence(kind: type[Defence]) -> None:
    """Check that a defence keeps to the contract, on a small backbone of 16 pixels that is trained for one epoch.

    Raises:
        AssertionError: it does not; the message says in what.
        UsageError: it needs a package that is not installed.
    """
    expect_page(kind, kind.name)
    expect_parameters(kind)
    expect(kind().title() == kind.name, "a defence as usual is called by its name", kind().title())
    sort = issubclass(kind, TrainingDefence | ReleaseDefence | AnswerDefence)
    expect(sort, "a defence is a TrainingDefence, a ReleaseDefence or an AnswerDefence")
    expect(kind.reach in get_args(Reach), f"its reach is one of {', '.join(get_args(Reach))}", kind.reach)
    _expect_a_target(kind())


def faces(seed: int, count: int = 16) -> ArrayImages:
    """Noise of 16 pixels in place of faces."""
    generator = torch.Generator().manual_seed(seed)
    return ArrayImages(torch.randint(0, 256, (count, 3, 16, 16), dtype=torch.uint8, generator=generator))


@dataclass
class SmallTrainer:
    """Trains in a second; keeps what it made without a defence."""

    kept: dict[str, Target] = field(default_factory=dict)

    @property
    def public(self) -> Public:
        """Noise of four people."""
        return Public(faces(1), LABELS)

    def undefended(self, name: str) -> Target:
        """A backbone with running statistics of its own, and four centres."""
        if name not in self.kept:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(2)
                module = build("ir-tiny", spec=SPEC, embedding_size=16)
                module(SPEC.normalise(faces(0).pixels))
                centres = functional.normalize(torch.randn(4, 16))
            self.kept[name] = Target(name, "ir-tiny", module, SPEC, centres=centres)
        return self.kept[name]

    def defended(self, name: str, defence: TrainingDefence) -> Target:
        """Trained on noise of four people."""
        return train_defended(faces(0), LABELS, RECIPE, defence, self.public)


def _expect_a_target(defence: Defence) -> None:
    trainer = SmallTrainer()
    before = deepcopy(trainer.undefended("target").module.state_dict())
    met = defence.met(trainer, "target", 7)
    after = trainer.undefended("target").module.state_dict()
    untouched = all(torch.equal(before[name], after[name]) for name in before)
    expect(untouched, "the backbone that was trained without a defence is left untouched")
    embedding = _embedded(defence.asked(met))
    expect(embedding.shape == (3, 16), "the defended target gives one embedding an image", tuple(embedding.shape))
    expect(bool(embedding.isfinite().all()), "its embeddings are finite numbers")
    head = met.centres is not None
    expect(head == defence.releases_head, f"the head comes along: {defence.releases_head}", head)


def _embedded(target: Target) -> Tensor:
    with torch.no_grad():
        return target.embed(faces(3, 3).pixels)
