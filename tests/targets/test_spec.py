"""The input of a backbone, as people write it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bareface.errors import UsageError
from bareface.settings.spec import ImageSpec, parse_spec

NUMBERS = st.integers(1, 2550).map(lambda tenths: tenths / 10)


@st.composite
def specs(draw: st.DrawFn) -> ImageSpec:
    order = draw(st.sampled_from(["RGB", "BGR", "GRAY"]))
    count = draw(st.sampled_from([1, 1 if order == "GRAY" else 3]))
    mean, std = (tuple(draw(st.lists(NUMBERS, min_size=count, max_size=count))) for _ in range(2))
    return ImageSpec(draw(st.integers(1, 4096)), draw(st.integers(1, 4096)), order, mean, std)


@given(specs())
def test_what_is_printed_is_read_again_and_so_is_its_short_form(spec: ImageSpec) -> None:
    mean, std = (" ".join(f"{value:g}" for value in values) for values in (spec.mean, spec.std))
    assert parse_spec(str(spec)) == spec
    assert parse_spec(f"{spec.height}x{spec.width}:{spec.order}:{mean}/{std}") == spec


@pytest.mark.parametrize("text", ["112x96", "112x96:RGB", "112x96:127.5/127.5", "112x96 RGB"])
def test_what_is_left_out_is_the_usual(text: str) -> None:
    assert parse_spec(text) == ImageSpec(112, 96)


@pytest.mark.parametrize(
    "text",
    ["", "112", "112x", "0x112", "112x112:", "112x112:CMYK", "112x112:RGB:1", "112x112:RGB:1/0", "112x112:RGB:1 2/1"],
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match=r"spec: got .*; expected (HEIGHTxWIDTH.*112x96:BGR:127\.5/128|sides of 1 to)"):
        parse_spec(text)
