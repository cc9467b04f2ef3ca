"""JSON that somebody else wrote, parsed only where its values fit into memory.

A value takes two bytes of text and up to a hundred of memory. Outside of texts every value follows a bracket, a comma
or a colon, so they are counted, and their depth is measured, before the first one is made.
"""

import json
import re

import numpy as np

from bareface.untrusted.walk import CHECKPOINT, Bounds, TooMuchError

# A text that does not end goes to the end, so that no stretch is searched twice.
_TEXT = re.compile(rb'"[^"\\]*+(?:\\.?+[^"\\]*+)*+(?:"|\Z)', re.DOTALL)
_LONG_NUMBER = re.compile(rb"[0-9]{400}")
_BEFORE_VALUES = b"[", b"{", b",", b":"
_BLOCK = 1 << 20
_STEP = np.zeros(256, np.int8)
_STEP[list(b"[{")], _STEP[list(b"]}")] = 1, -1


def read_json(content: bytes, bounds: Bounds = CHECKPOINT) -> object:
    """The value that a JSON text describes.

    Args:
        content: the text, in UTF-8.
        bounds: depth, values and bytes.

    Raises:
        ValueError: it is no JSON; `TooMuchError` where it is more than the bounds allow.
    """
    try:
        made: object = json.loads(bounded(content, bounds))
    except RecursionError:  # a text that does not end hides brackets from the count
        raise TooMuchError("values nested without end") from None
    return made


def bounded(content: bytes, bounds: Bounds = CHECKPOINT) -> bytes:
    """The same text, once it is sure that parsing it takes no more than the bounds allow.

    Raises:
        TooMuchError: it would.
    """
    if len(content) > bounds.size:
        raise TooMuchError(f"{len(content):,} bytes of JSON")
    # Cutting the texts out makes a piece for each: so many keys cost gigabytes before a value was counted.
    if content.count(b'"') - content.count(b'\\"') > 4 * bounds.nodes + 4:
        raise TooMuchError(f"more than {bounds.nodes:,} values and keys")
    skeleton = _TEXT.sub(b"", content)
    if sum(skeleton.count(sign) for sign in _BEFORE_VALUES) > bounds.nodes:
        raise TooMuchError(f"more than {bounds.nodes:,} values")
    if _depth(skeleton) > bounds.depth:
        raise TooMuchError(f"values nested more than {bounds.depth} deep")
    if _LONG_NUMBER.search(skeleton):
        raise TooMuchError("a number of more than 400 digits")
    return content


def _depth(skeleton: bytes) -> int:
    """The deepest place, found block by block."""
    deepest, level = 0, 0
    for at in range(0, len(skeleton), _BLOCK):
        steps = _STEP[np.frombuffer(skeleton[at : at + _BLOCK], np.uint8)]
        levels = level + np.cumsum(steps, dtype=np.int64)
        deepest, level = max(deepest, int(levels.max())), int(levels[-1])
    return deepest
