"""Names out of untrusted files, made fit for a terminal and a log."""


def printable(text: str, longest: int = 200) -> str:
    """The text without control characters, cut to a sensible length."""
    shown = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"
