"""Margin heads against numbers worked out by hand."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from bareface.training.heads import ArcFace, CosFace, MarginHead


def at_angle(head: MarginHead, degrees: float, length: float = 3.0) -> torch.Tensor:
    """Logits of an embedding that many degrees from the centre of person 0; person 1's centre is opposite."""
    head.weight.data = torch.tensor([[2.0, 0.0], [-0.5, 0.0]])
    theta = math.radians(degrees)
    embedding = length * torch.tensor([[math.cos(theta), math.sin(theta)]])
    return head(embedding, torch.tensor([0]))[0].detach()


# By hand: cos(30°+60°) = 0; cos(60°+60°) = -1/2; cos(120°+60°) = -1; 150°+60° > 180°: -2 - cos 210° = -2 + √3/2.
@pytest.mark.parametrize(
    ("degrees", "own"),
    [(0, 0.5), (30, 0.0), (60, -0.5), (120, -1.0), (150, -2 + math.sqrt(3) / 2), (180, -1.5)],
)
def test_arcface_with_a_margin_of_sixty_degrees(degrees: float, own: float) -> None:
    logits = at_angle(ArcFace(2, 2, scale=10, margin=math.pi / 3), degrees)
    assert logits[0].item() == pytest.approx(10 * own, abs=2e-5)
    assert logits[1].item() == pytest.approx(-10 * math.cos(math.radians(degrees)), abs=1e-5)


@pytest.mark.parametrize(("degrees", "own"), [(0, 0.65), (60, 0.15), (90, -0.35), (120, -0.85), (180, -1.35)])
def test_cosface_takes_the_margin_off_the_cosine(degrees: float, own: float) -> None:
    logits = at_angle(CosFace(2, 2, scale=64, margin=0.35), degrees)
    assert logits[0].item() == pytest.approx(64 * own, abs=2e-5)
    assert logits[1].item() == pytest.approx(-64 * math.cos(math.radians(degrees)), abs=2e-5)


@pytest.mark.parametrize("kind", [ArcFace, CosFace])
@settings(max_examples=30)
@given(margin=st.floats(0, 1), length=st.floats(0.01, 100))
def test_turning_away_from_the_centre_never_raises_the_own_logit(
    kind: type[MarginHead], margin: float, length: float
) -> None:
    head = kind(2, 2, scale=1, margin=margin)
    own = [at_angle(head, degrees, length)[0].item() for degrees in range(0, 181, 5)]
    assert all(later <= earlier + 1e-6 for earlier, later in itertools.pairwise(own))


@pytest.mark.parametrize("margin", [0.1, 0.5, 1.2])
def test_arcface_continues_without_a_jump_or_a_kink(margin: float) -> None:
    head = ArcFace(2, 2, scale=1, margin=margin)
    step = 1e-4
    theta = math.pi - margin + step * torch.arange(-3, 4, dtype=torch.float64)
    values = head.lowered(theta.cos())
    slopes = values.diff() / step
    assert values.diff().abs().max() < 1e-6
    assert slopes.diff().abs().max() < 2 * step


@pytest.mark.parametrize("kind", [ArcFace, CosFace])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_gradients_are_finite_on_and_opposite_the_centre(kind: type[MarginHead], sign: float) -> None:
    head = kind(3, 4, scale=64, margin=0.5)
    embeddings = (sign * 7 * head.weight.detach()).requires_grad_()
    labels = torch.arange(3)
    F.cross_entropy(head(embeddings, labels), labels).backward()
    for gradient in (embeddings.grad, head.weight.grad):
        assert gradient is not None
        assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("kind", [ArcFace, CosFace])
def test_gradients_agree_with_finite_differences(kind: type[MarginHead]) -> None:
    torch.manual_seed(0)
    head = kind(5, 3, scale=4, margin=0.5).double()
    embeddings = torch.randn(6, 3, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 1, 2, 3, 4, 0])
    assert torch.autograd.gradcheck(lambda e: head(e, labels), embeddings)


def test_only_the_true_identity_pays_the_margin() -> None:
    head = ArcFace(4, 3, scale=5, margin=0.5)
    embeddings, labels = torch.randn(7, 3), torch.tensor([0, 1, 2, 3, 0, 1, 2])
    plain, logits = 5 * head.cosines(embeddings), head(embeddings, labels)
    true = F.one_hot(labels, 4).bool()
    torch.testing.assert_close(logits[~true], plain[~true])
    assert (logits[true] < plain[true]).all()


def test_centres_have_length_one_and_carry_no_gradient() -> None:
    head = CosFace(6, 5, scale=30, margin=0.4)
    assert head.centres.shape == (6, 5)
    assert torch.allclose(head.centres.norm(dim=1), torch.ones(6))
    assert not head.centres.requires_grad
