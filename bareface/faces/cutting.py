"""Raw photos in an audit: the face of each is cut out once, into a folder of its own, and stands for the photo.

A face lies under the name of its photo, whatever that ends in, as a PNG that says which photo it was cut from and how;
so a run that is resumed looks for no face twice. Both sides of an audit come through this one path.
"""

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL.PngImagePlugin import PngInfo

import bareface
from bareface.errors import UsageError
from bareface.faces.aligning import png_of
from bareface.faces.decode import DecodedImage, Flaw, FlawedImage, picture_of, read_picture
from bareface.faces.detection.finder import MtcnnFinder
from bareface.faces.examine import Examination, Report, SeenImage, examine
from bareface.faces.photos import CutFace, found_and_cut, photo_of
from bareface.faces.template import TEMPLATES
from bareface.rosters.roster import Roster
from bareface.storage.columns import refuse_strays
from bareface.storage.files import write_bytes
from bareface.untrusted.regular import is_file

TEMPLATE = TEMPLATES["112x112"]
_MADE_OF, _FACES = "photo", "faces"


def examine_photos(roster: Roster, finder: MtcnnFinder, folder: Path, *, report: Report | None = None) -> Examination:
    """As `examine`, of raw photos; the accepted images are the faces that were cut out of them, in `folder`.

    Header and grain of the blind features are those of the photo, everything else is of the face.

    Args:
        roster: the photos.
        finder: finds the face of each.
        folder: for the faces, which lie there under the names of their photos.
        report: called with (done, total) as the work goes on.

    Raises:
        RosterError: a photo has a path that leaves its folder.
        RunError: a face cannot be written.
    """
    refuse_strays(roster.root, roster.image, "the folder of photos", first=1)
    way = f"{bareface.__version__} {finder.choice} {finder.networks.sha256}"
    eye = _FaceEye(finder, folder, way)
    found = examine(roster, eye=eye, report=report)
    several = tuple(image for image in roster.image if eye.faces.get(image, 0) > 1)
    return replace(found, accepted=replace(found.accepted, root=folder), several=several)


@dataclass(frozen=True)
class _FaceEye:
    """Of a photo its face counts.

    Attributes:
        finder, folder: as in `examine_photos`.
        way: by which faces are cut; one that was cut in another way is cut again.
        faces: how many there are on each photo that was looked at.
    """

    finder: MtcnnFinder
    folder: Path
    way: str
    faces: dict[str, int] = field(default_factory=dict)

    def __call__(self, content: bytes, name: str) -> SeenImage:
        photo = photo_of(content, name)
        path, origin = self.folder / name, f"{hashlib.sha256(content).hexdigest()} {self.way}"
        kept = _kept(path, origin)
        if kept is None:
            kept = picture_of(_png(self._cut(photo, name), origin), name)
            write_bytes(path, kept.content, private=True)
        self.faces[name] = int(kept.source.info[_FACES])
        return SeenImage(photo, kept.image, kept.content)

    def _cut(self, photo: DecodedImage, name: str) -> CutFace:
        try:
            return found_and_cut(photo.image, name, self.finder, TEMPLATE)
        except UsageError as error:
            raise FlawedImage(name, Flaw.NO_FACE, error.got, error.expected) from None


def _kept(path: Path, origin: str) -> DecodedImage | None:
    """The face that lies there, if it was cut from this photo in this way."""
    if not is_file(path):
        return None
    try:
        kept = read_picture(path)
    except FlawedImage:
        return None
    return kept if kept.source.info.get(_MADE_OF) == origin else None


def _png(cut: CutFace, origin: str) -> bytes:
    told = PngInfo()
    told.add_text(_MADE_OF, origin)
    told.add_text(_FACES, str(cut.faces))
    return png_of(cut.face, told)
