"""Names and what stands beside them; those of a target."""

from dataclasses import dataclass

from bareface.records.evidence import TargetCard

WHY = "Why this input"


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
        *digests(card),
        Fact("Architecture", card.architecture),
        Fact("Parameters", _known(card.parameters)),
        Fact("Embedding size", f"{card.embedding_size:,}"),
        Fact("Input", card.input),
        *((Fact(WHY, card.input_assumed),) if card.input_assumed else ()),
        Fact("BatchNorm layers", _norms(card)),
        Fact("Degenerate layers", _degenerate(card)),
        Fact("Identities in the head", "no head" if card.head_identities is None else f"{card.head_identities:,}"),
    )


def digests(card: TargetCard) -> tuple[Fact, ...]:
    """Every digest under a name that says what it is of."""
    named = (
        ("SHA-256 of the file, as sha256sum prints it", card.file_sha256),
        ("SHA-256 of the weights, as inspect prints it", card.weights_sha256),
        ("SHA-256 of weights, head and input", card.sha256),
    )
    return tuple(Fact(name, value, code=True) for name, value in named if value)


def short_digest(card: TargetCard) -> str:
    """The beginning of the digest by which weights are known in every file."""
    if card.weights_sha256:
        return f"weights {card.weights_sha256[:12]}…"
    return f"fingerprint {card.sha256[:12]}…"


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
