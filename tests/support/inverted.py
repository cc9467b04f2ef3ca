"""The small backbone and generator that `bareface.testing` publishes, under the name by which the tests know them."""

from bareface.testing.images import (
    SIDE,
    STILL_LIFE,
    LinearGenerator,
    noise_images,
    seeded,
    small_target,
    still,
    through,
)

__all__ = ["SIDE", "STILL_LIFE", "LinearGenerator", "noise_images", "seeded", "small_target", "still", "through"]
