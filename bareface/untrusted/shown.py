"""What a message shows of a value that somebody else wrote."""

import reprlib

LONGEST = 120


def gist(value: object) -> str:
    """The value on one line, its beginning only: never more work than what is shown."""
    short = reprlib.Repr()
    short.maxlevel, short.maxdict, short.maxlist, short.maxtuple, short.maxset = 2, 4, 4, 4, 4
    short.maxstring = short.maxother = LONGEST
    if isinstance(value, int) and value.bit_length() > 512:
        return f"a number of {value.bit_length():,} bits"
    try:
        return short.repr(value)[: 2 * LONGEST]
    except ValueError:  # a number inside that is too long to be written out
        return f"a {type(value).__name__}"
