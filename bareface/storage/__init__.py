"""How bytes are written and read back: whole or not at all, with digests, locks and bounded tables."""
