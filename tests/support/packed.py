"""The same people in every kind of pack."""

import io
import tarfile
from pathlib import Path

from bareface.faces.packs.record_writer import write_insightface


def people_in(folder: Path) -> dict[str, list[Path]]:
    """The images of each person, in order."""
    return {person.name: sorted(person.iterdir()) for person in sorted(folder.iterdir())}


def as_records(folder: Path, to: Path) -> Path:
    """An InsightFace pack; the first person is number 0."""
    write_insightface(to, ([path.read_bytes() for path in images] for images in people_in(folder).values()))
    return to


def as_tar(folder: Path, to: Path) -> Path:
    """The folder, packed up."""
    with tarfile.open(to, "w") as archive:
        for images in people_in(folder).values():
            for path in images:
                archive.add(path, f"{path.parent.name}/{path.name}")
    return to


def as_shards(folder: Path, to: Path, *, size: int = 10) -> Path:
    """WebDataset shards of `size` samples, with numbered classes."""
    to.mkdir()
    samples = [(number, path) for number, images in enumerate(people_in(folder).values()) for path in images]
    for first in range(0, len(samples), size):
        with tarfile.open(to / f"{first:05d}.tar", "w") as archive:
            for offset, (number, path) in enumerate(samples[first : first + size]):
                stem = f"{first + offset:06d}"
                for name, content in ((f"{stem}.cls", str(number).encode()), (stem + path.suffix, path.read_bytes())):
                    info = tarfile.TarInfo(name)
                    info.size = len(content)
                    archive.addfile(info, io.BytesIO(content))
    return to


def as_lmdb(folder: Path, to: Path) -> Path:
    """Keys `<person>/<image>`."""
    import lmdb

    with lmdb.open(str(to), map_size=1 << 26) as environment, environment.begin(write=True) as transaction:
        for images in people_in(folder).values():
            for path in images:
                transaction.put(f"{path.parent.name}/{path.name}".encode(), path.read_bytes())
    return to
