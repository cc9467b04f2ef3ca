"""What the first bytes of an image file say, read without a decoder: nothing here raises or warns."""

from collections.abc import Iterator

_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"BM", "BMP"),
    (b"GIF8", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"8BPS", "Photoshop"),
    (b"%PDF", "PDF"),
    (b"\0\0\1\0", "icon"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
)
_STILL, _MOVING = (b"heic", b"heix", b"heim", b"heis", b"mif1"), (b"hevc", b"hevx", b"hevm", b"hevs", b"msf1")
_BRANDS = dict.fromkeys((*_STILL, *_MOVING), "HEIC") | dict.fromkeys((b"avif", b"avis"), "AVIF")


def format_of(content: bytes) -> str | None:
    """The format that the signature of a file names, among those people bring as photos; None when there is none."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    if content[4:8] == b"ftyp":
        return _BRANDS.get(content[8:12], "HEIC or AVIF")
    return next((name for signature, name in _SIGNATURES if content.startswith(signature)), None)


def is_animated(content: bytes, name: str) -> bool:
    """Whether a PNG, WebP or HEIC file announces an animation."""
    if name == "HEIC":
        return content[8:12] in _MOVING
    if name == "PNG":
        return any(kind == b"acTL" for kind in _png_chunks(content))
    return name == "WEBP" and content[12:16] == b"VP8X" and _number(content[20:21]) & 2 != 0


def is_cut_off(content: bytes, name: str | None) -> bool:
    """Whether a file stops before the end that its format demands."""
    match name:
        case "JPEG":
            return b"\xff\xd9" not in content
        case "PNG":
            return b"IEND" not in _png_chunks(content)
        case "WEBP":
            return len(content) < int.from_bytes(content[4:8], "little") + 8
        case "BMP":
            return len(content) < int.from_bytes(content[2:6], "little")
    return False


def webp_size(content: bytes) -> tuple[int, int]:
    """Width and height that a WebP header announces (RFC 9649, sections 2.5 to 2.7 and 3.4)."""
    if content[12:16] == b"VP8X":
        return _number(content[24:27]) + 1, _number(content[27:30]) + 1
    if content[12:16] == b"VP8L":
        bits = _number(content[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return _number(content[26:28]) & 0x3FFF, _number(content[28:30]) & 0x3FFF


def _number(little_endian: bytes) -> int:
    return int.from_bytes(little_endian, "little")


def _png_chunks(content: bytes) -> Iterator[bytes]:
    """The four-letter names of the chunks, in order."""
    at = 8
    while at + 8 <= len(content):
        yield content[at + 4 : at + 8]
        at += 12 + int.from_bytes(content[at : at + 4], "big")
