"""The generator in the box: small, whole, and of faces rather than of noise."""

from pathlib import Path

import numpy as np
import torch

from bareface.auditing.generator_quality import distance_to, floor_of
from bareface.auditing.inversion.generators import WEIGHTS, open_generator
from bareface.faces.source import ArrayImages
from bareface.inversion.checkpoints.store import load_generator, read_card
from bareface.inversion.stylegan2.network import StyleGAN2, initialise
from bareface.synthetic import EndlessFaces, SyntheticFaces


def test_it_is_small_and_says_where_it_comes_from() -> None:
    card = read_card(WEIGHTS.with_suffix(".json"))
    assert WEIGHTS.stat().st_size <= 16_000_000
    assert (card.source, card.licence) == ("bareface", "Apache-2.0")
    assert card.curve[-1][1] < 0.03
    assert (WEIGHTS.parent / "faces-64.png").exists()


def test_it_makes_faces_that_lie_near_ones_it_never_saw() -> None:
    """The same measure as on its card, with fewer images; fresh weights and flat grey lie far away."""
    people = np.arange(2_000_000, 2_000_200)
    measure = distance_to(ArrayImages(SyntheticFaces(5, 64, calm=True).render(people, np.zeros_like(people))), seed=1)
    network = load_generator(WEIGHTS).network
    near, fresh = measure(network), measure(initialise(StyleGAN2(network.config), 0).eval())
    assert near < 0.05
    assert fresh > 10 * near


def test_it_opens_by_name_and_everybody_it_makes_is_somebody_else(tmp_path: Path) -> None:
    generator, source = open_generator("shipped", size=48, kept=tmp_path)
    assert source == "the generator that comes with bareface"
    with torch.no_grad():
        images = generator.render(generator.sample(8, torch.Generator().manual_seed(0)))
    assert images.shape == (8, 3, 64, 64)
    apart = (images[:, None] - images[None]).abs().mean((2, 3, 4))[~torch.eye(8, dtype=torch.bool)]
    assert apart.min() > 0.03


def test_the_floor_is_what_images_of_the_same_kind_reach() -> None:
    """Other calm photos lie near held-out calm ones; photos with hats, hands and turned heads lie further off."""
    still, ordinary = SyntheticFaces(5, 32, calm=True), SyntheticFaces(5, 32)
    held_out = EndlessFaces(still, 2_000_000, 200)
    floor = floor_of(EndlessFaces(still, 3_000_000, 10**9), held_out)
    assert abs(floor) < 0.05
    assert floor_of(EndlessFaces(ordinary, 3_000_000, 10**9), held_out) > floor + 0.03
