"""The picture of docs/inversion.md, from a contact sheet of the demo: python docs/contact_sheet.py SHEET.html OUT.

The first eighteen reconstructions in the order of the last selection, whatever came out, each beside its nearest two
training people (green) and its nearest decoy (red), nearest first. Everybody on it is rendered.
"""

import base64
import io
import re
import sys
from pathlib import Path

from PIL import Image, ImageOps

ROWS, BANDS, SIDE, BORDER, GAP = 6, 3, 64, 3, 14
COLOURS = {"optimised": "white", "training": "#2e8b57", "decoy": "#c0392b"}
IMAGE = re.compile(r'<img src="data:image/\w+;base64,([A-Za-z0-9+/=]+)" alt="(\w+)')


def main(sheet: Path, out: Path) -> None:
    """Draw it."""
    found = IMAGE.findall(sheet.read_text(encoding="utf-8"))[: 4 * ROWS * BANDS]
    cell = SIDE + 2 * BORDER
    picture = Image.new("RGB", (BANDS * 4 * cell + (BANDS - 1) * GAP, ROWS * cell), "white")
    for number, (encoded, side) in enumerate(found):
        face = Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB")
        row, column = divmod(number, 4)
        place = (row // ROWS * (4 * cell + GAP) + column * cell, row % ROWS * cell)
        picture.paste(ImageOps.expand(face, BORDER, COLOURS[side]), place)
    picture.save(out, quality=90, method=6)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
