"""InsightFace `.bin` packs are read without a pickle being run."""

import pickle
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hostile import pickled_call
from hypothesis import given, settings
from hypothesis import strategies as st

from bareface.errors import RosterError, UnsafeFileError
from bareface.faces.packs.verification import read_verification_pack

IMAGES = [b"\xff\xd8\xff one", bytes(range(256)), b"", b"\x89PNG" * 20_000]
STORED: dict[str, Callable[[bytes], object]] = {
    "bytes": bytes,
    "bytearray": bytearray,
    "array": lambda content: np.frombuffer(content, np.uint8).copy(),
    "column, as cv2.imencode gave it": lambda content: np.frombuffer(content, np.uint8).copy()[:, None],
}
NUMBERS = ("i1", "u1", "<i2", ">i4", "<i8", ">u8", "<f2", "<f4", ">f8")
TRUTHS: dict[str, Sequence[object] | np.ndarray] = {
    "list": [True, False],
    "numbers": (1, 0),
    "array": np.array([True, False]),
    "NumPy booleans": [np.True_, np.False_],
    "floats": [1.0, 0.0],
    "signs": [1, -1],
    "signs in floats": np.array([1, -1], ">f8"),
    "signs in objects": np.array([1, -1], dtype=object),
    "objects": np.array([True, False], dtype=object),
    **{f"array of {kind}": np.array([1, 0], kind) for kind in NUMBERS},
    **{f"scalars of {kind}": [np.dtype(kind).type(1), np.dtype(kind).type(0)] for kind in ("i8", "u1", "f4", "f8")},
}


def pack(tmp_path: Path, content: object, protocol: int = pickle.HIGHEST_PROTOCOL) -> Path:
    path = tmp_path / "lfw.bin"
    path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content, protocol))
    return path


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("same", TRUTHS.values(), ids=TRUTHS)
@pytest.mark.parametrize("stored", STORED.values(), ids=STORED)
def test_every_way_to_write_a_pack_gives_the_same_pairs(
    tmp_path: Path, stored: Callable[[bytes], object], same: object, protocol: int
) -> None:
    found = read_verification_pack(pack(tmp_path, ([stored(image) for image in IMAGES], same), protocol))
    assert list(found.images) == IMAGES
    assert found.same.tolist() == [True, False]


def test_images_in_an_array_of_objects(tmp_path: Path) -> None:
    images = np.empty(4, dtype=object)
    images[:] = IMAGES
    assert list(read_verification_pack(pack(tmp_path, (images, [True, False]))).images) == IMAGES


@pytest.mark.parametrize("kind", NUMBERS)
@pytest.mark.parametrize("value", [2, 3])
def test_numbers_that_are_no_truth_are_named(tmp_path: Path, kind: str, value: int) -> None:
    same = np.array([1, value], kind)
    with pytest.raises(RosterError, match="got pair 1 that is neither true nor false"):
        read_verification_pack(pack(tmp_path, ([b"a"] * 4, same)))


def python2(images: list[bytes], same: list[bool]) -> bytes:
    """What Python 2 wrote with protocol 2: byte strings as BINSTRING."""
    strings = b"".join(b"T" + struct.pack("<i", len(image)) + image for image in images)
    truths = b"".join(b"\x88" if one else b"\x89" for one in same)
    return b"\x80\x02](" + strings + b"e](" + truths + b"e\x86."


@settings(max_examples=30)
@given(pairs=st.lists(st.tuples(st.binary(max_size=300), st.binary(max_size=300), st.booleans()), min_size=1))
def test_packs_of_python_2(tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[bytes, bytes, bool]]) -> None:
    images, same = [image for first, second, _ in pairs for image in (first, second)], [one for *_, one in pairs]
    path = pack(tmp_path_factory.mktemp("packs"), python2(images, same))
    assert (list(read_verification_pack(path).images), read_verification_pack(path).same.tolist()) == (images, same)


def test_a_pack_that_would_run_something_is_refused_by_name_and_nothing_runs(tmp_path: Path) -> None:
    with pytest.raises(UnsafeFileError, match=r"import and call 'posix\.mkdir'; expected bytes and truth values only"):
        read_verification_pack(pack(tmp_path, pickled_call(tmp_path / "made")))
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (([b"a", b"b"], [True, False]), "got 2 images for 2 pairs; expected an InsightFace verification pack"),
        (([], []), "got 0 images for 0 pairs"),
        (([b"a", 7], [True]), "got image 1 that is no bytes"),
        (([b"a", "\u20ac"], [True]), "got image 1 that is no bytes"),
        (([np.zeros(3, np.float32), b"b"], [True]), "got image 0 that is no bytes"),
        (([b"a", b"b", b"c", b"d"], [True, 2]), "got pair 1 that is neither true nor false"),
        (([b"a", b"b"], np.array([0.5])), "got pair 0 that is neither true nor false"),
        ({"images": []}, "got a pickle of something else"),
        (b"", "got a file that cannot be read"),
        (pickle.dumps((IMAGES, [True, False]))[:-9], "got a pickle that cannot be followed"),
        (b"\xff\xd8 an image", "got a pickle that cannot be followed"),
    ],
)
def test_what_is_no_pack_is_said(tmp_path: Path, content: object, told: str) -> None:
    with pytest.raises(RosterError, match=told):
        read_verification_pack(pack(tmp_path, content))


def test_a_missing_pack(tmp_path: Path) -> None:
    with pytest.raises(RosterError, match=r"lfw\.bin: got no such file"):
        read_verification_pack(tmp_path / "lfw.bin")


def test_one_large_text_named_many_times_is_converted_once(tmp_path: Path) -> None:
    text = "\xff" * 1_000_000
    found = read_verification_pack(pack(tmp_path, ([text] * 20_000, [True] * 10_000), 2))
    assert len({id(image) for image in found.images}) == 1
