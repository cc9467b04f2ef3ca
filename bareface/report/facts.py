"""Names and what stands beside them; those of a target."""

from dataclasses import dataclass

from bareface.evidence import TargetCard


@dataclass(frozen=True)
class Fact:
    """A name and what stands beside it."""

    name: str
    value: str
    code: bool = False


def target_facts(card: TargetCard) -> tuple[Fact, ...]:
    """What a report says of a target."""
    return (
        Fact("Name", card.name),
        Fact("Source", card.source),
        Fact("SHA-256", card.sha256, code=True),
        Fact("Architecture", card.architecture),
        Fact("Parameters", _known(card.parameters)),
        Fact("Embedding size", f"{card.embedding_size:,}"),
        Fact("Input", card.input),
        Fact("BatchNorm layers", _norms(card)),
        Fact("Degenerate layers", _degenerate(card)),
        Fact("Identities in the head", "no head" if card.head_identities is None else f"{card.head_identities:,}"),
    )


def _degenerate(card: TargetCard) -> str:
    return "unknown" if card.batchnorm_layers is None else ", ".join(card.degenerate_layers) or "none"


def _known(number: int | None) -> str:
    return "unknown" if number is None else f"{number:,}"


def _norms(card: TargetCard) -> str:
    """How many are visible, of how many where that is known."""
    if card.batchnorm_layers is None:
        return "unknown: a black box"
    expected = f" of {card.batchnorm_expected:,}" if card.batchnorm_expected is not None else ""
    return f"{card.batchnorm_layers:,}{expected}"
