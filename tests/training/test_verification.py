"""Verification AUC against scikit-learn over pairs written out one by one."""

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.nn import functional as F

from bareface.faces.source import ArrayImages
from bareface.settings.spec import ImageSpec
from bareface.streams import stream
from bareface.targets.target import Target
from bareface.training.verification import _auc, _different_pairs, _same_pairs, verification_auc

SUBJECT = np.array([f"p{i % 7}" for i in range(60)])


def toy() -> tuple[Target, ArrayImages]:
    torch.manual_seed(1)
    images = ArrayImages(torch.randint(0, 256, (60, 3, 4, 4), dtype=torch.uint8))
    net = nn.Sequential(nn.Flatten(), nn.Linear(48, 5))
    return Target("toy", "toy", net, ImageSpec(4, 4)), images


def test_all_pairs_agree_with_scikit_learn() -> None:
    target, images = toy()
    result = verification_auc(target, images, SUBJECT, stream(0, "pairs"), pairs=100_000, batch_size=7)
    with torch.inference_mode():
        both = target.embed(images.pixels) + target.embed(images.pixels.flip(3))
        unit = F.normalize(both).double().numpy()
    pairs = list(combinations(range(60), 2))
    same = [SUBJECT[i] == SUBJECT[j] for i, j in pairs]
    assert result is not None
    assert (result.same, result.different) == (sum(same), len(pairs) - sum(same))
    assert result.auc == pytest.approx(roc_auc_score(same, [unit[i] @ unit[j] for i, j in pairs]), abs=1e-6)


def test_a_cap_on_the_pairs_holds_for_both_kinds() -> None:
    target, images = toy()
    result = verification_auc(target, images, SUBJECT, stream(0, "pairs"), pairs=50)
    assert result is not None
    assert (result.same, result.different) == (50, 50)
    assert result == verification_auc(target, images, SUBJECT, stream(0, "pairs"), pairs=50)


@pytest.mark.parametrize("subject", [np.arange(60).astype(str), np.full(60, "one"), np.repeat(np.arange(30), 2)[:58]])
def test_too_few_pairs_of_a_kind_give_no_number(subject: np.ndarray) -> None:
    target, images = toy()
    some = ArrayImages(images.pixels[: len(subject)])
    assert verification_auc(target, some, subject.astype(str), stream(0, "pairs")) is None


def test_no_images_give_no_number() -> None:
    target, images = toy()
    assert verification_auc(target, ArrayImages(images.pixels[:0]), SUBJECT[:0], stream(0, "pairs")) is None


@given(subject=st.lists(st.sampled_from("abcd"), min_size=1, max_size=20), seed=st.integers(0, 99))
def test_pairs_are_what_they_say(subject: list[str], seed: int) -> None:
    people = np.array(subject)
    same = {frozenset(pair) for pair in _same_pairs(people).tolist()}
    pairs = combinations(range(len(people)), 2)
    assert same == {frozenset(pair) for pair in pairs if people[pair[0]] == people[pair[1]]}
    different = _different_pairs(people, np.random.default_rng(seed), 15)
    assert len({frozenset(pair) for pair in different.tolist()}) == len(different) <= 15
    assert all(people[i] != people[j] for i, j in different)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=30), st.lists(st.integers(0, 4), min_size=1, max_size=30))
def test_auc_with_ties_agrees_with_scikit_learn(positive: list[int], negative: list[int]) -> None:
    truth = [1] * len(positive) + [0] * len(negative)
    expected = roc_auc_score(truth, positive + negative)
    assert _auc(np.array(positive, np.float32), np.array(negative, np.float32)) == pytest.approx(expected)
