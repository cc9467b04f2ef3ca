"""What the head says, against plain formulas in float64."""

import numpy as np
import pytest
import torch

from bareface.probing.head import head_answers, head_shapes
from bareface.trace import HEAD_CHANNELS, POSTERIOR_SCALE, Channel


def drawn(classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(classes)
    return torch.randn(7, 5, generator=generator), torch.randn(classes, 5, generator=generator)


def oracle(embedding: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, classes) cosines and (n, 3) statistics, one image at a time."""
    cosines, rows = [], []
    for one in embedding.astype(float):
        cosine = np.array([one @ c / np.linalg.norm(one) / np.linalg.norm(c) for c in centres.astype(float)])
        p = np.exp(POSTERIOR_SCALE * cosine) / np.exp(POSTERIOR_SCALE * cosine).sum()
        y = int(p.argmax())
        modified = -(1 - p[y]) * np.log(p[y]) - sum(p[i] * np.log(1 - p[i]) for i in range(len(p)) if i != y)
        cosines.append(cosine)
        rows.append([np.log(p[y]), -(p * np.log(p)).sum(), modified])
    return np.array(cosines), np.array(rows)


@pytest.mark.parametrize("classes", [2, 8, 30])
def test_the_head_says_what_the_formulas_say(classes: int) -> None:
    embedding, centres = drawn(classes)
    said = {channel: values.numpy() for channel, values in head_answers(embedding, centres).items()}
    cosine, statistics = oracle(embedding.numpy(), centres.numpy())
    order = np.argsort(-cosine, axis=1)[:, :8]
    np.testing.assert_array_equal(said[Channel.TOP_CLASSES], order)
    np.testing.assert_allclose(said[Channel.TOP_COSINES], np.take_along_axis(cosine, order, 1), atol=1e-6)
    np.testing.assert_allclose(said[Channel.CLASS_COSINE], cosine.max(1), atol=1e-6)
    np.testing.assert_allclose(said[Channel.POSTERIOR], statistics, atol=1e-4, rtol=1e-4)
    assert {channel: values.shape[1:] for channel, values in said.items()} == {
        channel: shape[1:] for channel, shape in head_shapes(classes).items()
    }
    assert set(said) == set(HEAD_CHANNELS)


def test_a_head_that_is_certain_says_finite_numbers() -> None:
    said = head_answers(torch.eye(3), torch.cat([torch.eye(3), -torch.eye(3)]))
    assert torch.isfinite(said[Channel.POSTERIOR]).all()
    np.testing.assert_allclose(said[Channel.POSTERIOR][:, 0], 0.0, atol=1e-6)
