"""What a training run leaves on disk, so that it can be killed and goes on where it was.

checkpoint-0007.safetensors   backbone, head and momenta after epoch 7; the last two are kept while the run lasts
checkpoint-0007.json          the record beside it: recipe, data, history, digest of the tensors
training.json                 the same record once the run is finished, its digests those of the finished backbone

Both records are artefacts: they have their own digest beside them.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors.torch import load, save

from bareface.errors import RunError
from bareface.settings.recipe import Recipe
from bareface.storage.artefacts import Fit, fit_of, remove_artefact, say_made_again, write_artefact
from bareface.storage.files import sha256_of, write_bytes
from bareface.targets.store import CARD, HEAD, TRAINING_NOTE, WEIGHTS, save_target
from bareface.targets.target import Target
from bareface.training.learner import Learner

TRAINING_FILE = "training.json"
UNFIT = ".unfit"
KEPT = 2


class EpochRecord(BaseModel):
    """One pass over the images.

    loss: mean cross entropy per image. accuracy: share of images whose nearest centre was their own. Both are taken
    as training went on, with augmentation and dropout, each image before the step that it was part of.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    epoch: int
    loss: float
    accuracy: float


class TrainingRecord(BaseModel):
    """What a run is made of and how it went.

    recipe: `Recipe.as_dict()`. data: digest of images and labels. sha256: of the weights beside this record.
    files: SHA-256 of what else belongs to them, by name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    recipe: dict[str, str | int | float | bool]
    data: str
    history: tuple[EpochRecord, ...]
    sha256: str
    files: dict[str, str] = {}


@dataclass(frozen=True)
class RunFolder:
    """The folder of one training run.

    Attributes:
        path: where it lies; it need not exist.
        recipe: how the run trains.
        data: digest of the images and labels that it trains on.
        is_inner: whether it lies in the folder of a larger run, which made it: what another run left there is then set
            aside and made again, where a person's own folder is refused.
    """

    path: Path
    recipe: Recipe
    data: str
    is_inner: bool = False

    def is_finished(self) -> bool:
        """Whether the folder holds the end of this very run.

        An end that is damaged is told of and set aside as `*.unfit`; the run is then to be made again.

        Raises:
            RunError: it holds the end of another run.
        """
        path = self.path / TRAINING_FILE
        record = self._read(path)
        if record is not None:
            unfit = [name for name in (WEIGHTS, CARD, HEAD) if not self._fits(name, record)]
        else:
            unfit = [TRAINING_FILE] if path.is_file() else []
        if unfit:
            self._set_aside(unfit)
        return record is not None and not unfit

    def resume(self, learner: Learner) -> tuple[EpochRecord, ...]:
        """Put the newest sound checkpoint into `learner`; returns the epochs behind it and forgets damaged ones.

        Raises:
            RunError: the folder holds checkpoints of another run, or a backbone that no run made.
        """
        history = self._restore_newest(learner)
        if not history:
            self._refuse_a_stray_backbone()
        self._forget(stem for stem in self._stems() if stem.name > _name(len(history)))
        return history

    def save(self, learner: Learner, history: Sequence[EpochRecord]) -> None:
        """Write the checkpoint after `len(history)` epochs (0: nothing learnt yet), then forget all but the last two.

        Raises:
            RunError: the folder cannot be written.
        """
        card = self.path / f"{_name(len(history))}.json"
        content = save({name: value.detach().cpu().contiguous() for name, value in learner.tensors().items()})
        write_bytes(card.with_suffix(".safetensors"), content, private=True, parents=False)
        self._write(card, history, hashlib.sha256(content).hexdigest())
        self._forget(self._stems()[:-KEPT])

    def finish(self, target: Target, history: Sequence[EpochRecord]) -> None:
        """Write the target and `training.json`.

        Raises:
            RunError: the folder cannot be written.
        """
        save_target(target, self.path, {"head": self.recipe.head, "epochs": len(history), TRAINING_NOTE: self.data})
        others = {name: sha256_of(self.path / name) for name in (CARD, HEAD) if (self.path / name).is_file()}
        self._write(self.path / TRAINING_FILE, history, sha256_of(self.path / WEIGHTS), others)

    def tidy(self) -> None:
        """Forget the checkpoints of a finished run: the head lies in them, beside the backbone."""
        self._forget(self._stems())

    def _restore_newest(self, learner: Learner) -> tuple[EpochRecord, ...]:
        for stem in reversed(self._stems()):
            record, weights = self._read(stem.with_suffix(".json")), stem.with_suffix(".safetensors")
            if record is None:
                continue
            content = weights.read_bytes() if weights.is_file() else b""
            if hashlib.sha256(content).hexdigest() == record.sha256:
                learner.restore(load(content))
                return record.history
            say_made_again(weights)
        return ()

    def _read(self, path: Path) -> TrainingRecord | None:
        """The record at `path`, None where it is missing or damaged; one without a digest is of an older version."""
        fit = fit_of(path)
        if fit is Fit.ABSENT:
            return None
        try:
            record = None if fit is Fit.DAMAGED else TrainingRecord.model_validate_json(path.read_bytes())
        except ValidationError:
            record = None
        if record is None:
            say_made_again(path)
            return None
        other = self._another_run(record)
        if other is not None and not self.is_inner:
            raise other
        if other is not None:
            say_made_again(path, f"is of another run ({other.got})")
        return record if other is None else None

    def _fits(self, name: str, record: TrainingRecord) -> bool:
        """Whether a file of the finished backbone is the one that the run ended in; heads may be taken away."""
        path, expected = self.path / name, record.sha256 if name == WEIGHTS else record.files.get(name)
        return expected is None or (name == HEAD and not path.exists()) or _sha256_or_none(path) == expected

    def _set_aside(self, unfit: Sequence[str]) -> None:
        for name in unfit:
            if name != TRAINING_FILE:
                say_made_again(self.path / name)
        for name in (WEIGHTS, CARD, HEAD):
            if (self.path / name).exists():
                (self.path / name).replace(self.path / f"{name}{UNFIT}")
        remove_artefact(self.path / TRAINING_FILE)  # last: whoever is killed here sets the rest aside next time

    def _write(
        self, path: Path, history: Sequence[EpochRecord], sha256: str, files: Mapping[str, str] | None = None
    ) -> None:
        record = TrainingRecord(
            recipe=self.recipe.as_dict(), data=self.data, history=tuple(history), sha256=sha256, files=dict(files or {})
        )
        write_artefact(path, record.model_dump_json(indent=1) + "\n", private=False)

    def _another_run(self, record: TrainingRecord) -> RunError | None:
        asked = self.recipe.as_dict() | {"images and labels": self.data}
        found = record.recipe | {"images and labels": record.data}
        name = next((name for name in asked | found if asked.get(name) != found.get(name)), None)
        if name is None:
            return None
        return RunError(
            str(self.path),
            got=f"a run with {name} = {found.get(name)!r}",
            expected=f"{name} = {asked.get(name)!r}",
            hint="another folder; this one goes on only with the recipe and the images it began with",
        )

    def _refuse_a_stray_backbone(self) -> None:
        if (self.path / WEIGHTS).exists():
            raise RunError(
                str(self.path / WEIGHTS),
                got="a backbone without a record of its training",
                expected="a new folder, or one with checkpoints of this run",
                hint="another folder; training would overwrite it",
            )

    def _stems(self) -> list[Path]:
        """Paths of the checkpoints without their suffixes, oldest first."""
        suffixes = (".json", ".safetensors")
        return sorted({path.with_suffix("") for end in suffixes for path in self.path.glob(f"checkpoint-*{end}")})

    def _forget(self, stems: Iterable[Path]) -> None:
        for stem in stems:
            # The record first: weights without a record are ignored, a record without weights looks like damage.
            remove_artefact(stem.with_suffix(".json"))
            stem.with_suffix(".safetensors").unlink(missing_ok=True)


def _name(epochs: int) -> str:
    return f"checkpoint-{epochs:04}"


def _sha256_or_none(path: Path) -> str | None:
    return sha256_of(path) if path.is_file() else None
