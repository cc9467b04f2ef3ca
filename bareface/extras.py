"""Optional packages: a missing one is a sentence with advice."""

from collections.abc import Iterator
from contextlib import contextmanager

from bareface.errors import UsageError


@contextmanager
def extra(name: str, where: str) -> Iterator[None]:
    """Imports in the block come from the extra `name`.

    Raises:
        UsageError: one of its packages is not installed.
    """
    try:
        yield
    except ImportError as error:
        got, expected = f"no package {error.name}", f"the extra {name}"
        raise UsageError(where, got=got, expected=expected, hint=f'pip install "bareface[{name}]"') from None
