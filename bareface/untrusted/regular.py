"""Files that are files: a pipe would block whoever opens it, and a device never ends.

Paths come from people, configurations and manifests. Whether something can be opened is asked here before it is.
"""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

MOST_TEXT = 64 << 20
A_CIRCLE = "links that lead round in a circle"
_KINDS = {stat.S_IFDIR: "folder", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}


def is_there(path: Path | str) -> bool:
    """Whether anything lies at a path; a text that can be no path names nothing."""
    try:
        os.stat(path)
    except (OSError, ValueError):
        return False
    return True


def what_lies_at(path: Path | str) -> str:
    """What a message calls the thing that is no readable file: none, a folder, or what must not be opened."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        if error.errno == errno.ELOOP:
            return A_CIRCLE
        missing = error.errno in (errno.ENOENT, errno.ENOTDIR)
        return "no such file" if missing else error.strerror or "no readable file"
    except ValueError:
        return "no such file"
    if stat.S_ISREG(mode):
        return "a file"
    return f"a {_KINDS.get(stat.S_IFMT(mode), 'device')}, not a file"


def is_file(path: Path | str) -> bool:
    """Whether a file lies at a path, and neither a folder nor a pipe nor a device; links are followed."""
    return what_lies_at(path) == "a file"


def is_folder(path: Path | str) -> bool:
    """Whether a folder lies at a path."""
    return what_lies_at(path) == "a folder, not a file"


def open_file(path: Path) -> BufferedReader:
    """A file, open for reading.

    Raises:
        OSError: there is none, it cannot be read, or it is a folder, a pipe or a device, which are not opened.
    """
    try:
        os.stat(path)  # where there is nothing, this says why
    except ValueError as error:
        raise OSError(errno.EINVAL, str(error)) from None
    if not is_file(path):
        raise OSError(errno.EINVAL, what_lies_at(path))
    return path.open("rb")


def content_of(path: Path, most: int = MOST_TEXT) -> bytes:
    """The bytes of a file that should be short.

    Raises:
        OSError: as `open_file`, or there are more than `most` bytes.
    """
    with open_file(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"more than {most:,} bytes")
    return content
