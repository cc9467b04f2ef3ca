"""Every reader of untrusted bytes in the house, with small honest files to begin with.

A reader is given a path and may do one of two things: return, or raise one of the house's own errors.
"""

import io
import pickle
import struct
import tarfile
import tempfile
import zipfile
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image
from safetensors.torch import save

from bareface.auditing.config_file import read_config
from bareface.errors import ImageError
from bareface.faces.aligning import read_landmarks
from bareface.faces.blind import describe
from bareface.faces.decode import read_picture
from bareface.faces.packs.listing import Pack
from bareface.faces.packs.record_pack import RecordPack
from bareface.faces.packs.record_writer import write_insightface
from bareface.faces.packs.sidecars import read_index, read_list, read_property
from bareface.faces.packs.tar import TarPack
from bareface.faces.packs.verification import read_verification_pack
from bareface.faces.pairs import read_pairs
from bareface.inversion.checkpoints.foreign import read_foreign
from bareface.rosters.assignment import Shares, draw, read_seal, seal
from bareface.rosters.roster import Roster, read_manifest
from bareface.settings.spec import ImageSpec
from bareface.targets.card import BackboneCard, SpecCard, read_card
from bareface.targets.checkpoint import read_checkpoint
from bareface.targets.container import read_static


@dataclass(frozen=True)
class ByteParser:
    """A reader and what it is fed with.

    Attributes:
        read: what is tried; everything that comes out of it must be a house error.
        seeds: makes honest files.
        suffix: of the file name that it is given.
        tokens: words of the format, to be put in at any place.
        programs: whether random pickles are to be tried, too.
    """

    read: Callable[[Path], object]
    seeds: Callable[[], Sequence[bytes]]
    suffix: str = ""
    tokens: tuple[bytes, ...] = ()
    programs: bool = False


def read_pack(pack: Pack) -> None:
    """List a pack and read all that is in it; a flawed image is an answer."""
    for name in pack.listing().names[:1000]:
        try:
            pack.read(name)
        except ImageError:
            continue


def _read_index(path: Path) -> None:
    """An index beside a sound pack, and what it makes of that pack."""
    read_index(path)
    path.with_suffix(".rec").write_bytes(_records()[0])
    read_pack(RecordPack(path.with_suffix(".rec")))


def _read_pairs(path: Path) -> None:
    """Pairs of images that lie in a folder beside the list."""
    for name in ("ada/ada_0001.jpg", "ada/ada_0002.jpg", "bob/bob_0001.jpg", "bob/bob_0002.jpg"):
        (path.parent / name).parent.mkdir(exist_ok=True)
        (path.parent / name).touch()
    read_pairs(path, path.parent, folds=2)


def _image(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3)).save(buffer, kind)
    return buffer.getvalue()


def _records() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.rec"
        write_insightface(path, [[b"ada 1", b"\n#\xd7\xce"], [b"bob"]])
        return [path.read_bytes(), path.with_suffix(".idx").read_bytes()]


def _in_an_archive(path: Path) -> None:
    """The bytes as the pickle of an otherwise sound torch archive, read in both ways."""
    made = path.with_suffix(".pt")
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in {"data.pkl": path.read_bytes(), **_ARCHIVE}.items():
            archive.writestr(f"archive/{name}", content)
    read_static(made)
    read_checkpoint(made)


def _pickles() -> list[bytes]:
    found = []
    for checkpoint in _checkpoints():
        if checkpoint.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(checkpoint)) as archive:
                found.append(archive.read(next(name for name in archive.namelist() if name.endswith("data.pkl"))))
    return found


def _weights() -> dict[str, torch.Tensor]:
    return {"conv1.weight": torch.ones(2, 3, 3, 3), "bn1.running_mean": torch.zeros(2), "bn1.steps": torch.tensor(7)}


def _checkpoints() -> list[bytes]:
    wrapped = {"state_dict": _weights(), "epoch": 3, "args": Namespace(lr=0.1), "names": ["a", None, 2.5]}
    saved = []
    for value in (_weights(), wrapped, torch.nn.Linear(2, 2)):
        for modern in (True, False):
            buffer = io.BytesIO()
            torch.save(value, buffer, _use_new_zipfile_serialization=modern)
            saved.append(buffer.getvalue())
    return [*saved, save(_weights())]


def _generators() -> list[bytes]:
    storage = io.BytesIO()
    torch.save(torch.ones(4), storage, _use_new_zipfile_serialization=False)
    return [*_checkpoints(), pickle.dumps({"G_ema": None, "training_set_kwargs": {"path": "x"}}, 2)]


def _verification_packs() -> list[bytes]:
    images, same = [b"\xff\xd8one", b"two", b"x" * 300, b""], [True, False]
    arrays = [np.frombuffer(image, np.uint8).copy() for image in images]
    made = [pickle.dumps((images, same), protocol) for protocol in (0, 2, 4)]
    return [*made, pickle.dumps((arrays, np.array(same)), 2), pickle.dumps((arrays, [np.True_, np.False_]), 5)]


def _tars() -> list[bytes]:
    shard = {"000.cls": b"1", "000.jpg": _image("JPEG"), "000.json": b"{}", "001.cls": b"2", "001.jpg": b"no image"}
    people = {"ada/1.png": b"png", "bob/" + "x" * 90 + "/" + "y" * 90 + ".jpg": b"a long name", "bob/2.jpg": b""}
    forms = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
    return [_tar(files, form)[:8192] for files in (shard, people) for form in forms]


def _tar(files: Mapping[str, bytes], form: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def _tables() -> list[bytes]:
    columns = {"image": ["a/1.jpg", "a/2.jpg"], "subject": ["a", "b"], "role": ["member", "outside"], "n": [1, 2]}
    buffers = [io.BytesIO(), io.BytesIO()]
    pq.write_table(pa.table(columns), buffers[0])
    pq.write_table(pa.table(columns), buffers[1], compression="none", use_dictionary=False)
    return [buffer.getvalue() for buffer in buffers]


_LFW = b"2\t1\nada\t1\t2\nada\t1\tbob\t1\nbob\t1\t2\nada\t2\tbob\t2\n"
_PAIRS = b"first,second,same,fold\nada/1.jpg,ada/2.jpg,1,0\nada/1.jpg,bob/1.jpg,0,0\nbob/1.jpg,bob/2.jpg,yes,1\n"
_POINTS = b"image,x1,y1,x2,y2,x3,y3,x4,y4,x5,y5\na.jpg,38.2,51.6,73.5,51.5,56,71.7,41.5,92.3,70.7,92.2\n"
_CARD = (
    BackboneCard(
        name="a", architecture="ir-tiny", embedding_size=8, spec=SpecCard.of(ImageSpec(8, 8)), notes={"epoch": 3}
    )
    .model_dump_json()
    .encode()
)
_ARCHIVE = {"version": b"3\n", "byteorder": b"little", "data/0": bytes(216), "data/1": bytes(8), "data/2": bytes(8)}
_CSV = (
    b'image,subject,role\na/1.jpg,"ada, ""l""",member\na/2.jpg,bob,outside\n',
    b"image,subject,membership\r\n1.jpg,a,1\r\n",
)
_YAML = (
    b"model: m\nroster: r.csv\nattacks: [bn-distance, {name: flip-agreement}]\nseed: 7\nspec: {height: 4, width: 4}\n"
)
_PICKLE = tuple(bytes([opcode]) for opcode in b"().0123456789}]abcdeghijlopqrstuRQXVUT\x80\x81\x82\x8a\x8b\x93\x94\x95")
_NESTED = (b"2\x86" * 60, b"\x85" * 5000, b"]" * 2000 + b"a" * 1999)
_TORCH = (
    *_PICKLE,
    *_NESTED,
    b"PK\x01\x02",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"data.pkl",
    b"storage",
    b"ctorch\nFloatStorage\n",
)


def _seal() -> bytes:
    names = np.array([f"p{number}" for number in range(8)])
    pool = Roster(Path(), tuple(f"{name}.jpg" for name in names), names, np.full(8, "outside"))
    return seal(draw(pool, Shares(), 1), Shares(), 1).model_dump_json().encode()


PARSERS: Mapping[str, ByteParser] = MappingProxyType(
    {
        "checkpoint, static": ByteParser(read_static, _checkpoints, ".pt", _TORCH),
        "checkpoint, loaded": ByteParser(read_checkpoint, _checkpoints, ".pt", _TORCH),
        "checkpoint, pickle": ByteParser(_in_an_archive, _pickles, ".pkl", _TORCH, programs=True),
        "generator": ByteParser(read_foreign, _generators, ".pkl", _TORCH, programs=True),
        "verification pack": ByteParser(read_verification_pack, _verification_packs, ".bin", _PICKLE, programs=True),
        "RecordIO": ByteParser(
            lambda path: read_pack(RecordPack(path)), lambda: _records()[:1], ".rec", (b"\n#\xd7\xce",)
        ),
        "RecordIO index": ByteParser(_read_index, lambda: _records()[1:], ".idx", (b"\t", b"\n", b"-", b"9" * 18)),
        "RecordIO list": ByteParser(
            read_list, lambda: [b"0\t1.000000\ta/1.jpg\n1\t2\t3\tb.jpg\n"], ".lst", (b"\t", b"nan", b"inf")
        ),
        "property": ByteParser(read_property, lambda: [b"85742,112,112\n"], "", (b",", b"-", b"_")),
        "tar": ByteParser(
            lambda path: read_pack(TarPack(path)), _tars, ".tar", (b"ustar\0", b"\x80", b"12 path=a\n", b"12 size=9\n")
        ),
        "CSV manifest": ByteParser(
            read_manifest, lambda: _CSV, ".csv", (b'"', b",", b"\n", b"\r", b"\0", b"../", b"\xff")
        ),
        "Parquet manifest": ByteParser(read_manifest, _tables, ".parquet", (b"PAR1", b"image", b"role")),
        "LFW pairs": ByteParser(_read_pairs, lambda: [_LFW], ".txt", (b"\t", b"\n", b"0", b"9" * 7, b"..", b"/")),
        "table of pairs": ByteParser(_read_pairs, lambda: [_PAIRS], ".csv", (b"'", b'"', b",", b"\n", b"\0", b"../")),
        "landmarks": ByteParser(
            read_landmarks, lambda: [_POINTS], ".csv", (b",", b"nan", b"1e999", b"\n", b'"', b"../")
        ),
        "backbone card": ByteParser(
            read_card, lambda: [_CARD], ".json", (b"{", b"[" * 2000, b"1e999", b"NaN", b'"', b"\\u")
        ),
        "seal": ByteParser(read_seal, lambda: [_seal()], ".json", (b"{", b"[" * 2000, b"1e999", b"-1", b'"', b"\\u")),
        "configuration": ByteParser(
            read_config, lambda: [_YAML], ".yaml", (b"*a", b"&a", b"[", b"{", b"!!python/name:os.system", b": ")
        ),
        "image": ByteParser(
            lambda path: describe(read_picture(path)),
            lambda: [_image(kind) for kind in ("JPEG", "PNG", "WEBP", "BMP")],
            ".jpg",
            (b"\xff\xd8", b"\xff\xc0", b"\xff\xe1", b"IHDR", b"IDAT", b"VP8X", struct.pack(">I", 1 << 31)),
        ),
    }
)
