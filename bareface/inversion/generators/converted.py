"""Somebody else's StyleGAN2: an NVIDIA pickle, or a rosinality file.

What it tests:
Whether a search finds the people of a training set among the faces of a published generator.

What the attacker needs:
The file.

How it works:
It is read without running anything inside it, and kept as a file of ours in the run folder.

Known limits:
Only StyleGAN2 in the two layouts that most published files have.

Reference:
NVlabs/stylegan2-ada-pytorch; rosinality/stylegan2-pytorch.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from bareface.errors import CheckpointError
from bareface.inversion.checkpoints.convert import convert_generator
from bareface.inversion.checkpoints.store import load_generator, read_card
from bareface.inversion.generator import Generator
from bareface.inversion.generators.base import GeneratorKind, Wanted
from bareface.storage.artefacts import is_sound, say_made_again
from bareface.storage.files import sha256_of
from bareface.untrusted.regular import is_file, what_lies_at


@dataclass(frozen=True)
class Converted(GeneratorKind):
    """A file that is converted first; whatever is of no other kind is taken for one."""

    name: ClassVar[str] = "converted"
    origin: ClassVar[str] = "converted checkpoint"
    last: ClassVar[bool] = True

    def owns(self, reference: str) -> bool:
        """Always: it is asked last, and says what is wrong with the reference."""
        return True

    def open(self, reference: str, wanted: Wanted) -> Generator:
        """The generator in the file.

        Raises:
            CheckpointError: there is no file, or no generator in it.
            UnsafeFileError: reading the file would execute what is inside it.
        """
        return load_generator(_converted(Path(reference), wanted.kept))


def _converted(path: Path, kept: Path) -> Path:
    if not is_file(path):
        raise CheckpointError(
            str(path),
            got=what_lies_at(path),
            expected="a generator",
            hint="rendered, a folder that train-generator wrote, a checkpoint, or package.module:factory",
        )
    digest = sha256_of(path)[:12]
    out = kept / f"{path.stem}-{digest}.safetensors"
    if not _is_whole(out, path):
        convert_generator(path, out, name=f"converted {digest}")  # records show no file names
    return out


def _is_whole(out: Path, source: Path) -> bool:
    """Whether a converted file is there, as its card says, with a sound card about that source."""
    card = out.with_suffix(".json")
    if not (out.exists() and is_sound(card)):
        return False
    said = read_card(card)
    fits = (sha256_of(out), sha256_of(source)) == (said.weights_sha256, said.source_sha256)
    if not fits:
        say_made_again(out)
    return fits
