"""`bareface verify`: how well a model tells people apart, on pairs that others can use too."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

import bareface
from bareface.faces.contents import Contents
from bareface.faces.decode import Flaw, FlawedImage
from bareface.faces.images import EncodedImages, RosterImages
from bareface.faces.packs.verification import read_verification_pack
from bareface.faces.pairs import FOLDS, PairList, consecutive_pairs, read_pairs
from bareface.faces.source import Images
from bareface.probing.probe import load_trace, plan, probe
from bareface.probing.prober import Prober
from bareface.probing.templates import Flip, unit_embeddings
from bareface.records.evidence import Record
from bareface.rosters.image_folders import refuse_links
from bareface.rosters.roster import Roster
from bareface.stats.verification import FARS, VerificationResult, verify_pairs
from bareface.storage.files import sha256_of
from bareface.trace import Channel, FloatArray
from bareface.vocabulary import Role

SCHEMA_VERSION = "1.0"

Report = Callable[[int, int], None]


class VerificationRecord(Record):
    """A model on a list of pairs.

    model, model_sha256: what was asked; list_sha256: the file that lists the pairs.
    flip: `sum` compares f(x) + f(mirrored x), `none` f(x).
    images: different images in the pairs; in_several_folds: how many of them stand in more than one fold.
    """

    schema_version: str
    bareface: str
    model: str
    model_sha256: str
    list_sha256: str
    flip: Flip
    images: int
    in_several_folds: int
    result: VerificationResult


@dataclass(frozen=True)
class PairedImages:
    """Pairs and the images behind them.

    Attributes:
        pairs: n pairs of m images.
        digest: (m,) SHA-256 of each image, in hexadecimal.
        sized: from height and width to the images at that size.
        sha256: of the list.
    """

    pairs: PairList
    digest: NDArray[np.str_]
    sized: Callable[[int, int], Images]
    sha256: str


def read_paired_images(
    path: Path, folder: Path | None = None, *, folds: int = FOLDS, links: bool = False
) -> PairedImages:
    """The pairs in an InsightFace `.bin` pack, LFW's `pairs.txt` or a CSV table, with their images.

    Args:
        path: the pack or the list.
        folder: of the images of a list; by default the folder that the list lies in.
        folds: how many, where the list does not say.
        links: whether images may lie behind symbolic links that leave the folder.

    Raises:
        RosterError: the list is missing or damaged, or links leave the folder.
        UnsafeFileError: a pack wants to execute something.
        ImageError: an image of the list is missing.
    """
    if path.suffix.lower() == ".bin":
        pack = read_verification_pack(path)
        pairs, rows, digest = _each_once(consecutive_pairs(pack.same, folds=folds), _digests(pack.images))
        contents = [pack.images[row] for row in rows]
        return PairedImages(pairs, digest, lambda h, w: EncodedImages(contents, h, w), sha256_of(path))
    root = folder or path.parent
    pairs = read_pairs(path, root, folds=folds)
    if not links:
        refuse_links(root, pairs.image, root)
    nobody = np.full(len(pairs.image), "unknown")
    roster = Roster(root, pairs.image, nobody, np.full(len(nobody), str(Role.PUBLIC)))
    reader = Contents()
    try:
        digest = _digests(reader.read(image) for image in roster.paths)
    except FlawedImage as missing:
        if folder is not None or missing.flaw is not Flaw.UNREADABLE:
            raise
        elsewhere = "--images with the folder that they lie in"
        raise FlawedImage(
            missing.where, missing.flaw, missing.detail, "the images beside the list", elsewhere
        ) from None
    return PairedImages(pairs, digest, lambda h, w: RosterImages(roster, h, w, reader), sha256_of(path))


def verify(
    prober: Prober,
    images: Images,
    paired: PairedImages,
    *,
    flip: Flip = "sum",
    fars: Sequence[float] = FARS,
    report: Report | None = None,
) -> VerificationRecord:
    """Ask a model about every image once and judge the pairs by the cosines of its embeddings.

    Args:
        witness: who is asked.
        images: the images of `paired` at the size that the model takes.
        paired: the pairs.
        flip: whether the mirror image counts.
        fars: false accept rates at which the true accept rate is wanted.
        report: called with (done, total) images.

    Raises:
        TargetError: an embedding is not finite, or zero, or mirror images were not asked about.
        ImageError: an image cannot be decoded.
        UsageError: a fold is missing pairs of a kind.
    """
    pairs = paired.pairs
    unit = unit_embeddings_of(prober, images, paired.digest, flip, report)
    similarity = np.einsum("nd,nd->n", unit[pairs.first], unit[pairs.second], dtype=np.float64)
    return VerificationRecord(
        schema_version=SCHEMA_VERSION,
        bareface=bareface.__version__,
        model=prober.name,
        model_sha256=prober.offer.target,
        list_sha256=paired.sha256,
        flip=flip,
        images=len(pairs.image),
        in_several_folds=pairs.in_several_folds,
        result=verify_pairs(similarity, pairs.same, pairs.fold, fars=fars),
    )


def unit_embeddings_of(
    prober: Prober, images: Images, digest: NDArray[np.str_], flip: Flip, report: Report | None = None
) -> FloatArray:
    """(n, d) embeddings of length one, with nothing kept on the disk."""
    with TemporaryDirectory() as folder:
        home = probe(prober, images, plan(prober, digest), Path(folder), report)
        return unit_embeddings(load_trace(home, [Channel.EMBEDDING]), flip)


def _each_once(pairs: PairList, digest: NDArray[np.str_]) -> tuple[PairList, list[int], NDArray[np.str_]]:
    """The same pairs with repeated images named once, the first place of each image, and their digests."""
    known, rows, number = np.unique(digest, return_index=True, return_inverse=True)
    image = tuple(pairs.image[row] for row in rows)
    return replace(pairs, image=image, first=number[pairs.first], second=number[pairs.second]), rows.tolist(), known


def _digests(contents: Iterable[bytes]) -> NDArray[np.str_]:
    return np.array([hashlib.sha256(content).hexdigest() for content in contents])
