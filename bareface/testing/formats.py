"""What every format of packs must keep to, whoever wrote it."""

from collections.abc import Mapping
from pathlib import Path

from bareface.faces.decode import FlawedImage
from bareface.faces.packs.listing import Pack
from bareface.faces.packs.pack import Format
from bareface.testing.expect import expect, expect_page


def check_format(form: Format, path: Path, images: Mapping[str, tuple[str, bytes]]) -> None:
    """Check that a format lists and reads a pack as it was written.

    Args:
        form: the format.
        path: a pack of this format.
        images: name in the pack -> (person, the bytes that were put in); people as the pack names them.

    Raises:
        AssertionError: it breaks the contract; the message says in what.
    """
    expect_page(form, form.name)
    dotted = all(suffix.startswith(".") and suffix == suffix.lower() for suffix in form.suffixes)
    expect(dotted, "suffixes have their dot and are in small letters", form.suffixes)
    expect(form.owns(path), f"{path.name} is a pack of this format")
    pack, again = form.open(path), form.open(path)
    listing = pack.listing()
    expect(sorted(listing.names) == sorted(images), "every image is listed once", listing.names)
    expect(listing.names == again.listing().names, "the order of the images is always the same")
    for name, person in zip(listing.names, listing.subject.tolist(), strict=True):
        expect(str(person) == images[name][0], f"{name} shows {images[name][0]}", person)
        expect(pack.read(name) == images[name][1], f"{name} has the bytes that were put in")
    _check_missing(pack, "no-such-image.png")


def _check_missing(pack: Pack, name: str) -> None:
    try:
        pack.read(name)
    except FlawedImage:
        return
    raise AssertionError("expected that reading a name that is not listed raises FlawedImage")
