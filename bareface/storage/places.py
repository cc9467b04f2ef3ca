"""Where a file that somebody names is written: links are followed, and what is no file is never replaced.

Writing whole or not at all means putting a new file in the place of the old one. In the place of a link that would
part it from where it leads, and in the place of a pipe or of `/dev/null` the machine would lose them.
"""

import os
from pathlib import Path

from bareface.errors import RunError, UsageError
from bareface.untrusted.regular import A_CIRCLE, is_file, is_folder, is_there, what_lies_at

MOST_LINKS = 40  # as many as Linux follows


def place_to_write(path: Path) -> Path:
    """The file to write where `path` is named: itself, or what links lead to; there may be none yet.

    Raises:
        RunError: something lies there that is no regular file, or links lead round in a circle, into a folder that
            is not there, or to what a process has open (`/dev/stdout`).
        OSError: a folder on the way cannot be searched.
    """
    if is_there(path) and not is_file(path):
        raise _taken(path, what_lies_at(path))
    place = path
    for _ in range(MOST_LINKS):
        if not place.is_symlink():
            break
        if _is_handle(place):
            raise _taken(path, "the output of a process, not a file")
        place = place.parent / os.readlink(place)
    else:
        raise _taken(path, A_CIRCLE)
    if place != path and not is_folder(place.parent):
        raise _taken(path, f"a link into a folder that is not there ({place.parent})")
    return place


def real_path(path: Path) -> Path:
    """The absolute path without links in it, whether something lies there or not.

    Raises:
        UsageError: links lead round in a circle, or the text can be no path.
    """
    try:
        return path.resolve()
    except (RuntimeError, OSError):  # the first where links lead round in a circle
        got = A_CIRCLE
    except ValueError:
        got = "a text with a null byte"
    raise UsageError(str(path), got=got, expected="a path", hint="the path of what the link should lead to")


def _is_handle(link: Path) -> bool:
    """Whether a link stands for what a process has open: whatever is put in its place, the process writes elsewhere."""
    folder = os.path.realpath(link.parent)
    return folder == "/dev" or folder.startswith(("/dev/fd", "/proc/"))


def _taken(path: Path, got: str) -> RunError:
    hint = "another name, and cat or cp from there"
    return RunError(str(path), got=got, expected="a regular file, or a name that is not taken", hint=hint)
