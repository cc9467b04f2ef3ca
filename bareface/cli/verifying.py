"""`bareface verify` and `bareface pairs`: how well a model tells people apart."""

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from bareface.auditing.verifying import VerificationRecord, read_paired_images, verify
from bareface.cli.manners import Stages
from bareface.cli.people import people_at
from bareface.faces.drawn_pairs import draw_pairs
from bareface.faces.pairs import FOLDS, write_pairs
from bareface.probing.kinds import prober_of
from bareface.probing.templates import Flip
from bareface.records import numbers
from bareface.records.evidence import Interval, OperatingPoint
from bareface.settings.spec import parse_spec
from bareface.stats.verification import FARS
from bareface.targets.kinds import load_any


def run_verify(
    pairs: Path,
    model: str,
    images: Path | None,
    *,
    flip: Flip,
    fars: Sequence[float] | None,
    folds: int = FOLDS,
    spec: str | None = None,
    links: bool = False,
) -> VerificationRecord:
    """Verify a model on a list of pairs."""
    target = load_any(model, spec=parse_spec(spec) if spec else None).without_head()
    paired = read_paired_images(pairs, images, folds=folds, links=links)
    witness = prober_of(target, paired.pairs.image, paired.digest.tolist())
    sized = paired.sized(target.spec.height, target.spec.width)
    with Stages() as stages:
        return verify(witness, sized, paired, flip=flip, fars=fars or FARS, report=lambda *at: stages("embedding", *at))


def run_pairs(
    roster: Path, role: str | None, out: Path, *, same: int, different: int, folds: int, seed: int, links: bool = False
) -> str:
    """Draw pairs, write them, and say what they are."""
    people = people_at(roster, role, links=links, pictures=True)
    pairs = draw_pairs(people, seed, same=same, different=different, folds=folds)
    write_pairs(pairs, out)
    found = int(pairs.same.sum())
    said = [
        f"{found:,} same-person and {len(pairs) - found:,} different-people pairs of {len(pairs.image):,} images",
        f"in {folds} folds without a person in common: {out}",
    ]
    if (found, len(pairs) - found) != (same, different):
        said.append(f"(wanted were {same:,} and {different:,}; some folds have no more)")
    return " ".join(said) + f"\nbareface verify {out} --images {people.root} --model ..."


def verification_text(record: VerificationRecord) -> str:
    """The record as lines of plain text."""
    return "\n".join(_lines(record))


def _lines(record: VerificationRecord) -> Iterator[str]:
    result, both = record.result, "f(x) + f(mirrored x)" if record.flip == "sum" else "f(x)"
    yield f"{record.model}: cosine of {both}"
    yield f"{result.same:,} same-person and {result.different:,} different-people pairs of {record.images:,} images"
    yield ""
    yield _row(
        "accuracy",
        f"{_percent(result.accuracy)} ± {100 * result.accuracy_std:.2f}",
        _percents(result.accuracy_interval),
    )
    yield _row("AUC", numbers.auc(result.auc), numbers.interval(result.auc_interval))
    yield _row("EER", _percent(result.eer), _percents(result.eer_interval))
    yield from map(_tar, result.tar)
    yield ""
    yield from _wrapped(
        f"Accuracy: mean ± standard deviation over {len(result.folds)} folds, each at the best threshold of the others "
        f"({_thresholds(record)}). Brackets: 95 % intervals; those of the TARs count pairs one by one, so that they "
        "are somewhat narrow where people stand in several pairs."
    )
    if result.same != result.different:
        yield from _wrapped("The accuracy goes with this mixture of pairs; with as many of either kind it is another.")
    if record.in_several_folds:
        yield from _wrapped(
            f"{record.in_several_folds:,} images stand in more than one fold, so that thresholds were not chosen on "
            "other people: the numbers are too good and the intervals too narrow."
        )


def _row(name: str, value: str, bracket: str) -> str:
    return f"{name:<18}{value:<16}{bracket}"


def _tar(point: OperatingPoint) -> str:
    name = f"TAR at FAR {numbers.nominal(point.nominal_fpr)}"
    if point.true_positive is None or point.false_positive is None:
        needed, got = f"{point.negatives_needed:,}", f"{point.negatives:,}"
        return f"{name:<18}not estimable: {got} different-people pairs, at least {needed} are needed"
    accepted, falsely = point.true_positive, point.false_positive
    met = f"falsely accepted {falsely.events:,} of {falsely.trials:,}"
    return _row(name, _percent(accepted.rate), f"{_percents(accepted.interval)}, {met}")


def _percent(value: float) -> str:
    return f"{numbers.percent(value)} %"


def _percents(value: Interval) -> str:
    return f"{numbers.interval(value, numbers.percent)} %"


def _thresholds(record: VerificationRecord) -> str:
    known = [one.threshold for one in record.result.folds if one.threshold is not None]
    return f"cosine {min(known):.3f} to {max(known):.3f}" if known else "no cosine at all"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 100)
