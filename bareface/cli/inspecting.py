"""`bareface inspect`: what a file is."""

from pathlib import Path

from bareface.targets.facts import facts_of, facts_text


def run_inspect(checkpoint: Path, *, as_json: bool) -> str:
    """The facts about a checkpoint as text or JSON."""
    facts = facts_of(checkpoint)
    return facts.model_dump_json(indent=1) if as_json else facts_text(facts)
