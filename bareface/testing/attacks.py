"""What every attack must keep to, whoever wrote it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from bareface.errors import Abstained
from bareface.membership.base import Attack, AttackerKnowledge, FeatureAttack, Labelled
from bareface.testing.expect import expect, expect_alike, expect_page, expect_parameters
from bareface.testing.traces import Toy, known_from, nonmembers_known, split_in_halves, toy_world
from bareface.trace import HEAD_CHANNELS, VIEW_CHANNELS

Kind = type[Attack]
SILENT_WORLDS = 40


def check_attack(kind: Kind) -> None:
    """Check that an attack keeps to the contract, in toy worlds whose truth is known; takes seconds to a minute.

    Raises:
        AssertionError: it does not; the message says in what.
    """
    for check in ATTACK_CHECKS:
        check(kind)


def explains_itself(kind: Kind) -> None:
    """It has its page, and is made again from its parameters."""
    expect_page(kind, kind.name)
    expect_parameters(kind)
    expect(kind.needs, "an attack needs a channel at least")


def finds_a_planted_leak(kind: Kind) -> None:
    """Members get higher scores where the answers leak, in the one direction."""
    scores, member = _answer(kind(), toy_world(1, leak=1.5))
    expect(auc(scores, member) > 0.75, "a planted leak of 1.5 deviations is found", auc(scores, member))


def is_silent_where_nothing_leaks(kind: Kind) -> None:
    """Over many worlds without a leak the mean AUC is one half."""
    _expect_half([auc(*_answer(kind(), toy_world(100 + seed))) for seed in range(SILENT_WORLDS)])


def finds_it_knowing_nonmembers(kind: Kind) -> None:
    """A leak is found by somebody who knows nobody but non-members."""
    found = _auc_knowing_nonmembers(kind, toy_world(3, leak=1.5))
    expect(found > 0.7, "a leak is found by who knows nobody but non-members", found)


def is_silent_knowing_nonmembers(kind: Kind) -> None:
    """Somebody who knows nobody but non-members finds nothing where nothing leaks."""
    _expect_half([_auc_knowing_nonmembers(kind, toy_world(200 + seed)) for seed in range(SILENT_WORLDS // 2)])


def does_not_depend_on_the_order_of_rows(kind: Kind) -> None:
    """Rows in another order have the same scores."""
    toy = toy_world(2, leak=0.5)
    learn, judge = split_in_halves(toy)
    known, order = known_from(toy, learn), np.random.default_rng(3).permutation(len(judge))
    straight = kind().score(toy.trace.take(judge), known, np.random.default_rng(0)).values
    shuffled = kind().score(toy.trace.take(judge[order]), known, np.random.default_rng(0)).values
    expect_alike(shuffled, straight[order], "rows in another order have the same scores", rtol=1e-9, atol=1e-12)


def same_stream_same_scores(kind: Kind) -> None:
    """All that is random comes from the stream that it is given."""
    toy = toy_world(4, leak=0.5)
    once, again = (_answer(kind(), toy, seed=5)[0] for _ in range(2))
    expect_alike(again, once, "the same random stream gives the same scores")


def abstains_without_an_answer(kind: Kind) -> None:
    """An image about which the model said nothing has no score, and the others keep theirs."""
    toy = toy_world(6, leak=0.5)
    learn, judge = split_in_halves(toy)
    holed = {name: values.copy() for name, values in toy.trace.channels.items()}
    for values in holed.values():
        values[judge[0]] = np.nan
    trace = replace(toy.trace, channels=holed).take(judge)
    scores = kind().score(trace, known_from(toy, learn), np.random.default_rng(0))
    expect(scores.abstained[0], "an image without an answer has no score (NaN)", scores.values[0])
    expect(not scores.abstained[7:].any(), "the other people's images have scores")


def abstains_without_a_channel(kind: Kind) -> None:
    """Where the target lacks a channel the attack says so, by its name."""
    toy = toy_world(7)
    bare = replace(toy.trace, channels={})
    known = AttackerKnowledge("partial", (Labelled(bare, toy.member),))
    error = _abstention(lambda: kind().score(bare, known, np.random.default_rng(0)))
    begins = f"{kind.name}: got a target that gives no "
    expect(str(error).startswith(begins), f"an attack without its channel abstains with `{begins}...`", error)


def needs_both_sides(kind: Kind) -> None:
    """From members alone nothing can be learnt."""
    toy = toy_world(8)
    known = AttackerKnowledge("partial", (Labelled(toy.trace, np.ones(len(toy.member), bool)),))
    error = _abstention(lambda: kind().score(toy.trace, known, np.random.default_rng(0)))
    told = "got one side only; expected known members and known non-members" in str(error)
    expect(told, "an attack that knows members alone abstains with `one side only`", error)


def works_from_shadows(kind: Kind) -> None:
    """Shadows whose answers have another scale teach it, unless it says that they are useless to it."""
    shadows = tuple(_scaled(toy_world(seed, leak=1.5), 5.0) for seed in (11, 12))
    target = toy_world(13, leak=1.5)

    def ask() -> NDArray[np.float64]:
        return kind().score(target.trace, AttackerKnowledge("shadow", shadows), np.random.default_rng(0)).values

    if "shadow" in kind.useless:
        error = str(_abstention(ask))
        begins = f"{kind.name}: got shadow knowledge; expected "
        expect(error.startswith(begins) and "partial" in error, f"it abstains with `{begins}...partial`", error)
        return
    found = auc(ask(), target.member)
    expect(found > 0.75, "shadows on another scale teach it", found)


def an_image_is_judged_by_itself(kind: Kind) -> None:
    """The features of an image depend on no other image, unless `by_itself` is false."""
    attack = kind()
    if not isinstance(attack, FeatureAttack) or not attack.by_itself or attack.beside:
        return
    trace, some = toy_world(9, leak=0.5).trace, np.array([70, 2, 3])
    alone, among = attack.features(trace.take(some)), attack.features(trace)[some]
    expect_alike(alone, among, "features do not depend on other images, or by_itself is False", rtol=1e-9, atol=1e-12)


def has_the_same_features_from_tensors(kind: Kind) -> None:
    """Features that can be worked out of tensors are those of arrays, and have finite gradients."""
    attack = kind()
    if not isinstance(attack, FeatureAttack) or not attack.by_itself or attack.beside:
        return
    trace = toy_world(10, people=6, images=2, leak=0.5).trace
    moved = {name: torch.from_numpy(v).double().requires_grad_(True) for name, v in trace.channels.items()}
    try:
        found: Any = attack.features(replace(trace, channels=moved))  # type: ignore[arg-type]
    except (RuntimeError, TypeError, AttributeError):
        return  # written with NumPy's own functions: an attack of stage 1 alone, which an inversion refuses
    expect(isinstance(found, torch.Tensor) and found.requires_grad, "features of tensors are tensors with gradients")
    values = found.detach().numpy()
    expect_alike(values, attack.features(trace), "tensors have the features of arrays", rtol=1e-4, atol=1e-5)
    found.sum().backward()
    gradients = [tensor.grad for tensor in moved.values() if tensor.grad is not None]
    expect(all(bool(gradient.isfinite().all()) for gradient in gradients), "gradients are finite")
    expect(any(bool((gradient != 0).any()) for gradient in gradients), "features have a gradient in what they read")


ATTACK_CHECKS: Final[tuple[Callable[[Kind], None], ...]] = (
    explains_itself,
    finds_a_planted_leak,
    is_silent_where_nothing_leaks,
    finds_it_knowing_nonmembers,
    is_silent_knowing_nonmembers,
    does_not_depend_on_the_order_of_rows,
    same_stream_same_scores,
    abstains_without_an_answer,
    abstains_without_a_channel,
    needs_both_sides,
    works_from_shadows,
    an_image_is_judged_by_itself,
    has_the_same_features_from_tensors,
)
"""The parts of `check_attack`, for tests that are told apart."""


def auc(scores: NDArray[np.float64], member: NDArray[np.bool_]) -> float:
    """How well scores tell members from others: 0.5 = not at all; images without a score are left out."""
    known = ~np.isnan(scores)
    inside, outside = scores[known & member], scores[known & ~member]
    wins = (inside[:, None] > outside).mean() + 0.5 * (inside[:, None] == outside).mean()
    return float(wins)


def _answer(attack: Attack, toy: Toy, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    learn, judge = split_in_halves(toy)
    scores = attack.score(toy.trace.take(judge), known_from(toy, learn), np.random.default_rng(seed))
    return scores.values, toy.member[judge]


def _auc_knowing_nonmembers(kind: Kind, toy: Toy) -> float:
    learn, judge = split_in_halves(toy)
    scores = kind().score(toy.trace.take(judge), nonmembers_known(toy, learn), np.random.default_rng(0))
    return auc(scores.values, toy.member[judge])


def _expect_half(values: list[float]) -> None:
    mean, error = float(np.mean(values)), float(np.std(values) / np.sqrt(len(values)))
    silent = abs(mean - 0.5) <= 4 * error + 1e-9
    expect(silent, "nothing is found where nothing leaks", f"a mean AUC of {mean:.3f} ± {error:.3f}")


def _abstention(ask: Callable[[], object]) -> Abstained:
    try:
        ask()
    except Abstained as error:
        return error
    raise AssertionError("expected that the attack abstains")


def _scaled(toy: Toy, factor: float) -> Labelled:
    fixed = {*HEAD_CHANNELS, *VIEW_CHANNELS}
    channels = {n: values * np.float32(1 if n in fixed else factor) for n, values in toy.trace.channels.items()}
    return Labelled(replace(toy.trace, channels=channels), toy.member)
