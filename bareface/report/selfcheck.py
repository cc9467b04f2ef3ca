"""The self-check of the input, in words."""

from bareface.records.evidence import SelfCheck
from bareface.records.numbers import count

_WORDS = {
    "fits": "fits",
    "misfit": "DOES NOT FIT, and the audit went on all the same",
    "cannot tell": "cannot be told for sure",
}


def selfcheck_pairs(check: SelfCheck | None) -> tuple[tuple[str, str], ...]:
    """What stands beside the audited backbone: (name, value) for the verdict, the faces it rests on and the order."""
    if check is None:
        return (("Input self-check", "not made: the run is from before there was one"),)
    if check.verdict is None:
        return (("Input self-check", check.sentence),)
    return (
        ("Input self-check", f"{_WORDS[check.verdict]}: {check.sentence}"),
        ("Checked on", f"{check.source}, {count(check.layers, 'BatchNorm layer')}"),
        ("Channel order", check.order),
    )
