"""What lies in a folder of people: pictures, and everything else, which is counted by its kind.

A person is a folder, and every file in it is a picture or is told why it is none. Tools leave other things behind:
`.ipynb_checkpoints` holds second copies of pictures and is no person; a folder of folders may be more people a folder
deeper, who would be missing.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bareface.errors import RosterError
from bareface.untrusted.regular import is_there

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".dib", ".heic", ".heif"})
HIDDEN, LOOSE, OTHERS, DEEPER, EMPTY, COPIES, LINKED, UNDECODABLE = (
    "files in hidden folders and hidden files",
    "pictures beside the folders of people",
    "other files beside the folders of people",
    "files in folders inside a person's folder",
    "folders of people without a file",
    "backup copies and unfinished downloads",
    "links to a file or folder that is listed already",
    "files whose names are no UTF-8",
)
# Not hidden by name, but no more anybody's picture: what systems and file servers leave.
_LEFT_BEHIND = frozenset(
    {
        *(
            "__macosx",
            "lost+found",
            "thumbs.db",
            "desktop.ini",
            "$recycle.bin",
            "recycler",
            "system volume information",
        ),
        *("@eadir", "#recycle", "#snapshot", "@recycle", "@recently-snapshot", "@sharesnapshot"),
    }
)
_COPY = re.compile(r"~$|\.(part|partial|crdownload|download|tmp|bak|swp)$", re.I)


@dataclass(frozen=True)
class FolderListing:
    """What lies in a folder of people.

    Attributes:
        images: `person/file`, sorted by person, then by file.
        ignored: kind -> how many of them were left aside.
    """

    images: tuple[str, ...]
    ignored: Mapping[str, int]


def is_picture(name: str) -> bool:
    """Whether a file is called like a picture that can be read."""
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES


def is_hidden(path: str) -> bool:
    """Whether a path has a part that no person and no picture is called."""
    parts = [part for part in path.split("/") if part not in (".", "..")]
    return any(part.startswith(".") or part.lower() in _LEFT_BEHIND for part in parts)


def people_in(folder: Path) -> FolderListing:
    """The files of `folder/<person>/<file>`, and what else lies there.

    Raises:
        RosterError: it is no folder, cannot be read, or holds people a folder deeper.
    """
    images: list[str] = []
    ignored: Counter[str] = Counter()
    links: set[str] = set()
    for entry in _entries(folder):
        if not _is_folder(entry):
            ignored[HIDDEN if is_hidden(entry.name) else LOOSE if is_picture(entry.name) else OTHERS] += 1
        elif is_hidden(entry.name):
            ignored[HIDDEN] += _files_below(entry.path)
        elif not entry.name.strip():
            got = f"a folder called {entry.name!a}"
            raise RosterError(str(folder), got=got, expected="folders called as people are", hint="renaming it")
        elif not _is_text(entry.name):
            ignored[UNDECODABLE] += _files_below(entry.path)
        elif entry.is_symlink() and _holds(entry.path, folder):
            ignored[LINKED] += 1
        else:
            images += _of_person(folder, entry, ignored, links)
    kept = _without_doubles(folder, images, links)
    ignored[LINKED] += len(images) - len(kept)
    return FolderListing(tuple(kept), {kind: count for kind, count in ignored.items() if count})


def pictures_below(folder: Path) -> FolderListing:
    """Everything called like a picture in a folder or anywhere below it, whoever is on it; sorted by path."""
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir())
    shown = [str(path) for path in files if not is_hidden(path.as_posix())]
    legible = [name for name in shown if _is_text(name)]
    pictures = tuple(name for name in legible if is_picture(name))
    hidden, odd = len(files) - len(shown), len(shown) - len(legible)
    counts = {HIDDEN: hidden, UNDECODABLE: odd, OTHERS: len(legible) - len(pictures)}
    return FolderListing(pictures, {kind: count for kind, count in counts.items() if count})


def leads_out(root: Path, images: Iterable[str]) -> Iterator[str]:
    """The images that lie outside of a folder although their path does not say so: behind a symbolic link."""
    home = os.path.realpath(root).rstrip("/") + "/"
    return (image for image, path in zip(images, without_links(root, images), strict=True) if not path.startswith(home))


def without_links(root: Path, images: Iterable[str]) -> Iterator[str]:
    """Where images really lie; a folder is resolved once, not once for each of its images."""
    folders: dict[str, str] = {}
    for image in images:
        folder, name = os.path.split(os.path.join(root, image))
        if folder not in folders:
            folders[folder] = os.path.realpath(folder)
        path = f"{folders[folder].rstrip('/')}/{name}"
        # A link to nothing has no place but its own, under which somebody says that it cannot be read.
        yield os.path.realpath(path) if os.path.islink(path) and is_there(path) else path


def refuse_links(root: Path, images: Iterable[str], where: Path) -> None:
    """Raise if pictures lie outside of their folder, behind links.

    Raises:
        RosterError: with their number and the first.
    """
    out = list(leads_out(root, tuple(images)))
    if out:
        raise RosterError(
            str(where),
            got=f"{len(out):,} pictures behind links that leave the folder, the first is {out[0]!r}",
            expected="pictures that lie in it",
            hint="--allow-links if these links are yours",
        )


def _of_person(folder: Path, person: "os.DirEntry[str]", ignored: Counter[str], links: set[str]) -> list[str]:
    """The files of one person, what else lies there being counted; those behind links are also put among the links."""
    inside = _entries(Path(person.path))
    files = [one.name for one in inside if not _is_folder(one) and not is_hidden(one.name)]
    for kind, is_aside in ((UNDECODABLE, lambda name: not _is_text(name)), (COPIES, _COPY.search)):
        ignored[kind] += sum(bool(is_aside(name)) for name in files)
        files = [name for name in files if not is_aside(name)]
    linked = {one.name for one in inside if one.is_symlink()}
    links |= {f"{person.name}/{name}" for name in files if person.is_symlink() or name in linked}
    deeper = [one for one in inside if _is_folder(one) and not is_hidden(one.name)]
    ignored[HIDDEN] += sum(not _is_folder(one) and is_hidden(one.name) for one in inside)
    ignored[HIDDEN] += sum(_files_below(one.path) for one in inside if _is_folder(one) and is_hidden(one.name))
    if deeper and not files:
        _refuse_deeper(folder, person.name, deeper)
    ignored[DEEPER] += sum(_files_below(one.path) for one in deeper)
    ignored[EMPTY] += not files and not deeper
    return [f"{person.name}/{name}" for name in files]


def _without_doubles(folder: Path, images: list[str], links: set[str]) -> list[str]:
    """The images less those behind links whose file stands among them without the link, or behind an earlier one."""
    if not links:
        return images
    places = dict(zip(images, without_links(folder, images), strict=True))
    seen = {place for image, place in places.items() if image not in links}
    kept = []
    for image in images:
        if image not in links or places[image] not in seen:
            kept.append(image)
        seen.add(places[image])
    return kept


def _holds(outer: str, folder: Path) -> bool:
    """Whether one folder is another, or lies around it."""
    return f"{os.path.realpath(folder)}/".startswith(os.path.realpath(outer).rstrip("/") + "/")


def _is_text(name: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


def _refuse_deeper(folder: Path, name: str, deeper: "list[os.DirEntry[str]]") -> None:
    pictures = sum(_files_below(one.path, only_pictures=True) for one in deeper)
    if pictures:
        raise RosterError(
            str(folder),
            got=f"{pictures:,} pictures a folder deeper, in {len(deeper):,} folders inside {name!r}",
            expected="one folder for each person with that person's images in it",
            hint=f"naming {name!r} itself, or moving what is in it up; a CSV with image, subject, role takes any path",
        )


def _entries(folder: Path) -> "list[os.DirEntry[str]]":
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        got = error.strerror or str(error)
        raise RosterError(str(folder), got=got, expected="a folder that can be read") from None


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself; whoever reads it says so
        return False


def _files_below(folder: str, *, only_pictures: bool = False) -> int:
    return sum(is_picture(name) or not only_pictures for _, _, names in os.walk(folder) for name in names)
