"""A target that only answers, in the shape of a backbone."""

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from inverted import small_target
from torch import Tensor

from bareface.errors import UsageError
from bareface.targets.answering import AnsweringTarget, Asked, as_torch
from bareface.targets.same_network import same_network
from bareface.targets.table import EmbeddingTable
from bareface.targets.target import Target


def small(seed: int = 0) -> Target:
    return small_target(seed, torch.float32)


class Service:
    """Answers about bytes with another network's embeddings."""

    name, architecture, source = "service", "unknown", ""
    centres: ClassVar[None] = None

    def __init__(self, network: Target) -> None:
        self.network, self.spec, self.sha256 = network, network.spec, "of the service"

    def embed(self, images: Tensor) -> Tensor:
        assert images.dtype == torch.uint8
        return self.network.embed(images)


def images(target: Target, n: int = 5) -> Tensor:
    shape = (n, 3, target.spec.height, target.spec.width)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("order", ["RGB", "BGR"])
def test_it_answers_as_the_target_does_and_counts(order: str) -> None:
    inside = small()
    inside = replace(inside, spec=replace(inside.spec, order=order, mean=(120.0,), std=(60.0,)))
    outside = as_torch(Service(inside))  # type: ignore[arg-type]
    shown = images(inside)
    torch.testing.assert_close(outside.embed(shown), inside.embed(shown))
    assert isinstance(outside.module, Asked)
    assert outside.module.images == 5
    assert outside.sha256 == outside.without_head().sha256 == "of the service"


def test_pixels_are_rounded_to_bytes_and_nothing_comes_back_but_numbers() -> None:
    outside = as_torch(Service(small()))  # type: ignore[arg-type]
    shown = images(small()).float()
    nearly = (shown + 0.3).requires_grad_(True)
    answers = outside.embed_normalised(nearly)
    assert not answers.requires_grad
    assert torch.equal(answers, outside.embed_normalised(shown))
    assert torch.equal(outside.embed_normalised(shown - 300), outside.embed_normalised(torch.zeros_like(shown)))


def test_a_judge_that_is_the_network_behind_the_service_is_found_out() -> None:
    behind, other = small(), small(3)
    service = as_torch(Service(behind))  # type: ignore[arg-type]
    assert same_network(behind, service)
    assert same_network(service, behind)
    assert not same_network(other, service)


def test_a_backbone_stays_itself_and_a_table_answers_nothing_new() -> None:
    target = small()
    assert as_torch(target) is target
    assert not isinstance(target, AnsweringTarget)
    table = EmbeddingTable("table", {}, ("image",), np.zeros((0, 1, 4), np.float32), "of the table")
    with pytest.raises(UsageError, match=r"a table of embeddings.*the backbone behind it"):
        as_torch(table)
