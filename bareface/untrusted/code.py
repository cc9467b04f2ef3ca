"""References that name code: `package.module:callable`. Whoever follows one runs what it names."""

import re

FACTORY = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def names_code(reference: object) -> bool:
    """Whether a reference is `package.module:callable`."""
    return isinstance(reference, str) and FACTORY.fullmatch(reference) is not None
