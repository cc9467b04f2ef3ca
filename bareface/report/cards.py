"""What attacks say of themselves, and the games in which they were asked."""

from collections.abc import Iterable
from dataclasses import dataclass

from bareface.records.evidence import Evidence, Finding, apart_from_head
from bareface.vocabulary import GAMES, Game


@dataclass(frozen=True)
class KnowledgeCard:
    """One attack, as it explains itself, and how it was asked for."""

    attack: str
    asked: tuple[str, ...]
    sections: tuple[tuple[str, tuple[str, ...]], ...]


def games_of(evidence: Evidence) -> tuple[tuple[Game, tuple[Finding, ...]], ...]:
    """The games that were asked for with their findings, in the report's order; what reads the head stands last."""
    counted = apart_from_head(evidence.findings)
    inside = {id(finding) for finding in counted}
    apart = [finding for finding in evidence.findings if id(finding) not in inside]
    parts = ((game, tuple(f for f in (*counted, *apart) if f.game == game)) for game in GAMES)
    return tuple((game, findings) for game, findings in parts if findings)


def knowledge_cards(evidence: Evidence) -> tuple[KnowledgeCard, ...]:
    """One for each attack that was asked or described."""
    by_name = {card.attack: card for card in evidence.cards}
    names = dict.fromkeys([*(f.attack for f in evidence.findings), *by_name])
    return tuple(_card(name, evidence) for name in names)


def _card(name: str, evidence: Evidence) -> KnowledgeCard:
    card = next((card for card in evidence.cards if card.attack == name), None)
    texts = (
        (
            ("What it tests", card.tests),
            ("What the attacker needs", card.needs),
            ("How it works", card.how),
            ("Known limits", card.limits),
            ("Reference", card.reference),
        )
        if card
        else (("What it tests", "This attack left no description in the record."),)
    )
    asked = (_asked(game, [f for f in findings if f.attack == name]) for game, findings in games_of(evidence))
    return KnowledgeCard(name, tuple(filter(None, asked)), tuple((head, _paragraphs(text)) for head, text in texts))


def _asked(game: str, findings: Iterable[Finding]) -> str:
    known = " and ".join(dict.fromkeys(finding.knowledge for finding in findings))
    return f"{game} game, {known} knowledge" if known else ""


def _paragraphs(text: str) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in text.split("\n\n") if part.strip()) or ("not stated",)
