"""The perceptual hash: what leaves it alone, what changes it, and its mirror."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.fft import dctn

from bareface.faces.perceptual import BITS, mirrored, perceptual_hash, signs
from bareface.synthetic import SyntheticFaces


def photo(seed: int, side: int = 64) -> Image.Image:
    """A smooth picture."""
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)).resize(
        (side, side), Image.Resampling.BICUBIC
    )


def differing(one: Image.Image, other: Image.Image) -> int:
    first, second = signs(np.stack([perceptual_hash(one), perceptual_hash(other)]))
    return int((first != second).sum())


@given(seed=st.integers(0, 1000))
def test_bits_are_the_signs_of_scipys_cosine_transform(seed: int) -> None:
    image = photo(seed, 32)
    grey = np.asarray(image.convert("L"), dtype=np.float64)
    expected = dctn(grey, type=2)[:16, :16].ravel()[1:]
    found = signs(perceptual_hash(image)[None])[0]
    clear = np.abs(expected) > 1e-6
    assert found.shape == (BITS,)
    assert (found[clear] == np.sign(expected[clear])).all()


@settings(max_examples=30)
@given(seed=st.integers(0, 1000))
def test_the_mirror_images_hash_is_known_without_looking(seed: int) -> None:
    image = photo(seed)
    turned = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    one, other = signs(np.stack([perceptual_hash(image), perceptual_hash(turned)]))
    assert (mirrored(one) != other).sum() <= 2  # rounding to grey levels may turn a wave that is nearly zero
    assert differing(image, turned) > 60


def test_recompressing_and_resizing_change_few_bits_and_strangers_most() -> None:
    faces = SyntheticFaces(3, 112).render(np.arange(12), np.zeros(12, np.int64)).permute(0, 2, 3, 1).numpy()
    images = [Image.fromarray(face) for face in faces]
    for image in images:
        buffer = io.BytesIO()
        image.resize((75, 75), Image.Resampling.BILINEAR).save(buffer, format="JPEG", quality=40)
        assert differing(image, Image.open(buffer).convert("RGB")) <= 25
    apart = [differing(images[i], images[j]) for i in range(12) for j in range(i)]
    assert min(apart) > 45
    assert np.mean(apart) == pytest.approx(BITS / 2, abs=35)
