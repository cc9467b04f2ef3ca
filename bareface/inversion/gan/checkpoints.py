"""What a run leaves on disk, so that it can be killed and goes on where it was.

gan-00000500.safetensors   both networks, the average, the optimisers after 500 steps, the curve so far; the last two
                           are kept, each with its digest beside it
sheet-00000500.png         64 images of the average at that time, always of the same latents
"""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from bareface.errors import RunError
from bareface.inversion.gan.curve import Curve, read_curve
from bareface.inversion.gan.recipe import GanRecipe
from bareface.inversion.gan.sheet import sheet
from bareface.inversion.stylegan2.config import Config
from bareface.inversion.stylegan2.network import StyleGAN2
from bareface.storage.artefacts import Fit, artefact_path, fit_of, remove_artefact, say_made_again
from bareface.storage.files import atomic_path
from bareface.streams import seed_for

KEPT = 2
SHOWN = 64


@dataclass(frozen=True)
class Saved:
    """One checkpoint.

    Attributes:
        steps: moves made before it.
        recipe: of its run, as JSON gave it.
        config: of its generator.
        data: digest of the images.
        curve: (steps, distance) of every measurement so far.
        tensors: `Players.tensors()`.
    """

    steps: int
    recipe: dict[str, object]
    config: Config
    data: str
    curve: Curve
    tensors: dict[str, Tensor]


def save_checkpoint(
    folder: Path, steps: int, tensors: dict[str, Tensor], recipe: GanRecipe, data: str, curve: Curve = ()
) -> None:
    """Write the checkpoint after `steps` moves, with the curve up to there, then forget all but the last two.

    Raises:
        RunError: the folder cannot be written.
    """
    said = {"steps": str(steps), "recipe": json.dumps(recipe.as_dict()), "data": data, "curve": json.dumps(curve)}
    with artefact_path(folder / _name(steps)) as temporary:
        save_file({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, temporary, said)
    for old in _paths(folder)[:-KEPT]:
        remove_artefact(old)


def newest_checkpoint(folder: Path) -> Saved | None:
    """The newest sound checkpoint in `folder`; None if there is none. A damaged one is told of.

    One without a digest is of an older version, and its curve lies in `curve.csv` alone.
    """
    for path in reversed(_paths(folder)):
        if fit_of(path) is Fit.DAMAGED:
            say_made_again(path)
            continue
        try:
            with safe_open(path, "pt") as file:
                said = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
            recipe = json.loads(said["recipe"])
            config = Config(**{**recipe["config"], "channels": tuple(recipe["config"]["channels"])})
            steps = int(said["steps"])
            curve = tuple(map(tuple, json.loads(said["curve"]))) if "curve" in said else read_curve(folder, steps)
            return Saved(steps, recipe, config, said["data"], curve, tensors)
        except (SafetensorError, KeyError, ValueError, TypeError):
            say_made_again(path)
    return None


def forget_newer(folder: Path, steps: int) -> None:
    """Delete the checkpoints beyond `steps`, which are damaged: a run that goes on writes them again."""
    for path in _paths(folder):
        if path.name > _name(steps):
            remove_artefact(path)


def refuse_another_run(folder: Path, saved: Saved, recipe: GanRecipe, data: str) -> None:
    """Stop where the folder belongs to another run; its length alone may differ.

    Raises:
        RunError: naming the first difference.
    """
    asked = json.loads(json.dumps(recipe.as_dict())) | {"images": data}
    found = saved.recipe | {"images": saved.data}
    differing = [k for k in asked | found if k not in ("steps", "save_every") and asked.get(k) != found.get(k)]
    if differing:
        name = differing[0]
        raise RunError(
            str(folder),
            got=f"a run with {name} = {found.get(name)!r}",
            expected=f"{name} = {asked.get(name)!r}",
            hint="another folder; this one goes on only with the recipe and the images it began with",
        )


@torch.no_grad()
def save_sheet(folder: Path, steps: int, network: StyleGAN2, seed: int) -> None:
    """Write what the network shows for 64 fixed latents.

    Raises:
        RunError: the folder cannot be written.
    """
    stream = torch.Generator().manual_seed(seed_for(seed, "sheet"))
    images = network(torch.randn(SHOWN, network.config.z_dim, generator=stream).to(network.mapping.w_avg))
    with atomic_path(folder / f"sheet-{steps:08}.png") as temporary:
        sheet((images / 2 + 0.5).expand(-1, 3, -1, -1)).save(temporary, format="PNG")


def _name(steps: int) -> str:
    return f"gan-{steps:08}.safetensors"


def _paths(folder: Path) -> list[Path]:
    return sorted(folder.glob("gan-*.safetensors"))
