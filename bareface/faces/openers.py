"""What opens an image file of each format, without guessing: Pillow's plugins, and pillow-heif's."""

from collections.abc import Callable, Mapping
from io import BytesIO
from types import MappingProxyType

from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from bareface.extras import extra


class _Jpeg(JpegImageFile):
    def _read_dpi_from_exif(self) -> None:
        """Skip the print resolution: nobody here needs it, and Pillow warns about damaged EXIF on the way to it."""


def _heic(stream: BytesIO) -> ImageFile:
    with extra("heif", "HEIC"):
        from pillow_heif import HeifImageFile
    opened: ImageFile = HeifImageFile(stream)  # type: ignore[no-untyped-call]
    return opened


OPENERS: Mapping[str, Callable[[BytesIO], ImageFile]] = MappingProxyType(
    {"JPEG": _Jpeg, "PNG": PngImageFile, "WEBP": WebPImageFile, "BMP": BmpImageFile, "HEIC": _heic}
)
"""By format; HEIC raises a `UsageError` where the extra `heif` is not installed."""
