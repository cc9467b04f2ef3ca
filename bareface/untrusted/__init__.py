"""Bytes that somebody else wrote: how far they are followed, and what is opened at all."""
