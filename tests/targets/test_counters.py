"""Counters of batches in every type that a cast leaves: read where they are whole, never claimed absent."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from bareface.inspecting.facts import facts_of, facts_text
from bareface.targets.checkpoint import read_checkpoint
from bareface.targets.store import load_target
from bareface.targets.target import Target

BITS = {torch.float16: 11, torch.bfloat16: 8, torch.float32: 24, torch.float64: 53}
WHOLE = (torch.int64, torch.int32)
NARROW = {torch.int16: 65_536, torch.int8: 256, torch.uint8: 256, torch.uint16: 65_536}


def saved(target: Target, path: Path, batches: complex, dtype: torch.dtype, whole_file: bool = True) -> Path:
    """A checkpoint in which everything, or the counters alone, was cast."""
    state = {key: value.clone() for key, value in target.module.state_dict().items()}
    for key, value in state.items():
        if key.endswith("num_batches_tracked"):
            wide = torch.complex128 if isinstance(batches, complex) else torch.float64
            state[key] = torch.tensor(batches, dtype=wide).to(dtype)
        elif whole_file and dtype.is_floating_point:
            state[key] = value.to(dtype)
    torch.save(state, path)
    return path


@pytest.mark.parametrize("dtype", BITS)
@pytest.mark.parametrize("batches", [7, 255, 1000, 2047, 65_212])
def test_a_counter_is_read_in_every_type(target: Target, tmp_path: Path, dtype: torch.dtype, batches: int) -> None:
    file = saved(target, tmp_path / "cast.pt", batches, dtype)
    facts = facts_of(file)
    (state,), held = {norm.counter for norm in facts.norms}, float(torch.tensor(float(batches)).to(dtype))
    assert state == ("exact" if batches < 1 << BITS[dtype] else "approximate")
    assert facts.batches == (int(held), int(held))
    assert abs(facts.norms[0].batches - batches) <= facts.norms[0].within
    told = " ".join(facts_text(facts).split())
    assert ("about" in facts.provenance.reading) == (state == "approximate")
    assert "no counter" not in told
    if state == "approximate":
        assert (facts.provenance.consistent, facts.provenance.steps_per_epoch) == ((), ())
        assert "holds every whole number only below" in told
    loaded = load_target(file)
    pixels = torch.zeros(2, 1, 32, 32)
    assert torch.allclose(loaded.module(pixels), target.module.eval()(pixels), rtol=0.1, atol=0.05)


@pytest.mark.parametrize("dtype", WHOLE)
def test_integers_of_any_width_are_exact(target: Target, tmp_path: Path, dtype: torch.dtype) -> None:
    facts = facts_of(saved(target, tmp_path / "narrow.pt", 200, dtype))
    assert (facts.batches, facts.norms[0].counter) == ((200, 200), "exact")
    assert facts.provenance.reading.startswith("200 batches")


@pytest.mark.parametrize("dtype", NARROW)
def test_integers_that_begin_again_are_a_least_number(target: Target, tmp_path: Path, dtype: torch.dtype) -> None:
    facts = facts_of(saved(target, tmp_path / "narrow.pt", 120, dtype))
    assert (facts.batches, facts.norms[0].counter, facts.provenance.counter) == ((120, 120), "wrapped", None)
    assert facts.provenance.reading.startswith("120 batches, or more: ")
    assert f"begins again after {NARROW[dtype]:,} batches, so it may have wrapped" in facts.provenance.reading
    assert not facts.provenance.consistent


@pytest.mark.parametrize("dtype", [*BITS, *WHOLE, torch.complex64])
def test_a_counter_in_a_list_of_one_is_a_counter(target: Target, tmp_path: Path, dtype: torch.dtype) -> None:
    file = saved(target, tmp_path / "shaped.pt", 96, dtype, whole_file=False)
    state = {k: v.reshape(1) if k.endswith("tracked") else v for k, v in torch.load(file, weights_only=True).items()}
    torch.save(state, file)
    facts = facts_of(file)
    assert (facts.batches, facts.auditable[:11]) == ((96, 96), "All attacks")
    pixels = torch.zeros(1, 1, 32, 32)
    torch.testing.assert_close(load_target(file).module(pixels), target.module(pixels))


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2, torch.complex64, torch.complex128])
@pytest.mark.parametrize("kind", ["pt", "safetensors"])
def test_no_type_of_counter_is_a_reason_to_refuse_or_to_say_that_there_is_none(
    target: Target, tmp_path: Path, dtype: torch.dtype, kind: str
) -> None:
    file = saved(target, tmp_path / "odd.pt", 14, dtype, whole_file=False)
    if kind == "safetensors":
        if dtype == torch.complex128:
            pytest.skip("safetensors has no complex128")
        file = tmp_path / "odd.safetensors"
        save_file(torch.load(tmp_path / "odd.pt", weights_only=True), file)
    facts = facts_of(file)
    assert facts.batches == (14, 14)
    assert not facts.refused
    assert load_target(file).embedding_size == target.embedding_size


ODD = {
    "more than anybody trains": (2**62, torch.int64, "no number"),
    "float8_e4m3fn ends at 448": (67_130, torch.float8_e4m3fn, "overflowed"),
    "(1+2j) stands in its place": (1 + 2j, torch.complex64, "no number"),
    "float16 ends at 65,504, so there were more batches": (float("inf"), torch.float16, "overflowed"),
    "99.5 is no whole number": (99.5, torch.float32, "no number"),
    "nan is no whole number": (float("nan"), torch.float64, "no number"),
    "-1,234 is no count": (-1234, torch.int16, "no number"),
    "bool stands in its place": (1, torch.bool, "no number"),
}


@pytest.mark.parametrize("said", ODD)
def test_what_is_no_number_is_said_and_is_no_reason_to_refuse(target: Target, tmp_path: Path, said: str) -> None:
    batches, dtype, state = ODD[said]
    file = saved(target, tmp_path / "odd.pt", batches, dtype, whole_file=False)
    facts = facts_of(file)
    assert {norm.counter for norm in facts.norms} == {state}
    assert said in facts.provenance.reading
    assert "the file has no counters" not in facts.provenance.reading
    assert facts.auditable.startswith("All attacks")
    tensors = read_checkpoint(file).tensors
    assert all(value == 0 for key, value in tensors.items() if key.endswith("num_batches_tracked"))
    pixels = torch.zeros(1, 1, 32, 32)
    torch.testing.assert_close(load_target(file).module(pixels), target.module(pixels))


def test_a_cast_that_breaks_weights_is_told_from_a_run_that_diverged(target: Target, tmp_path: Path) -> None:
    state = target.module.state_dict()
    name = next(key for key in state if key.endswith("running_var"))
    for value, hint in ((1e6, "the file before it was cast to float16"), (torch.nan, "this one diverged")):
        state[name][0] = value
        torch.save({key: tensor.half() for key, tensor in state.items()}, tmp_path / "cast.pt")
        with pytest.raises(Exception, match=hint):
            load_target(tmp_path / "cast.pt")


@given(st.integers(0, 2**40), st.sampled_from(list(BITS)))
def test_the_true_number_is_within_what_is_said(batches: int, dtype: torch.dtype) -> None:
    from bareface.targets.counters import _float_count

    held = float(torch.tensor(batches, dtype=torch.float64).to(dtype))
    count = _float_count(held, str(dtype).removeprefix("torch."))
    if count.state == "overflowed":
        assert batches > 65_504
        return
    assert count.batches == held
    assert abs(batches - held) <= count.within
    assert (count.state == "exact") == (held < 2 ** BITS[dtype])
