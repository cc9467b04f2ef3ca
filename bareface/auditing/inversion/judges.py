"""Independent face models that decide whether a reconstruction looks like anybody, locked out of the search.

A judge sees images at its own size, through one differentiable resize for photos and generated faces alike. Templates
are normalised means of m normalised embeddings, with equal m and equally many training people and decoys: a larger
gallery, or better templates, has nearer neighbours for no other reason.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import interpolate, normalize

from bareface.errors import TargetError, UsageError
from bareface.faces.source import Images
from bareface.targets.dlib_network import DlibNetwork, is_dlib, load_dlib
from bareface.targets.kinds import called_by_content
from bareface.targets.same_network import same_network
from bareface.targets.store import load_target
from bareface.targets.target import Target

Rows = NDArray[np.intp]
SHIPPED_JUDGES = ("rendered-1", "rendered-2")
WEIGHTS = Path(__file__).parent / "shipped_judges"


@dataclass(frozen=True)
class Judge:
    """A face model that judges.

    Attributes:
        target: its backbone; the class centres, if it has any, are not used.
        trained_on: whose faces it learned from, in words; for the report.
    """

    target: Target | DlibNetwork
    trained_on: str = "unknown"

    @property
    def name(self) -> str:
        """What reports call it."""
        return self.target.name

    @property
    def sha256(self) -> str:
        """Fingerprint of the weights and the input, with or without a head."""
        return self.target.without_head().sha256

    def embed(self, images: Tensor) -> Tensor:
        """(n, 3, h, w) RGB in [0, 1] of any size to (n, d) embeddings of length 1; differentiable in torch.

        Raises:
            UsageError: these are no such images.
            TargetError: an embedding is not finite.
        """
        _check(images)
        spec = self.target.spec
        pixels = resized(images.to(self.target.device), spec.height, spec.width)
        embedded = self.target.embed(255 * pixels).float()
        if not torch.isfinite(embedded).all():
            raise TargetError(self.name, got="an embedding that is not finite", expected="numbers")
        return normalize(embedded, dim=1)

    @torch.inference_mode()
    def embed_rows(self, images: Images, rows: Rows, batch_size: int = 64) -> Tensor:
        """(len(rows), d) embeddings of length 1 of photos, on the CPU."""
        batches = (rows[i : i + batch_size] for i in range(0, len(rows), batch_size))
        parts = [self.embed(images.load(batch).to(self.target.device).float() / 255).cpu() for batch in batches]
        return torch.cat(parts) if parts else torch.empty(0, self.target.embedding_size)

    def templates(self, images: Images, rows: Rows) -> Tensor:
        """(people, d) templates: normalised means of the normalised embeddings.

        Args:
            rows: (people, m) row numbers, m photos of each person.

        Raises:
            UsageError: `rows` is no matrix, so the people would not have equally many photos.
        """
        if rows.ndim != 2 or not rows.size:
            raise UsageError("templates", got=f"rows of shape {rows.shape}", expected="(people, photos of each)")
        embedded = self.embed_rows(images, rows.ravel())
        return normalize(embedded.reshape(*rows.shape, -1).mean(dim=1), dim=1)


def open_judge(reference: Path | str, trained_on: str = "") -> Judge:
    """A judge by name or path.

    Args:
        reference: `rendered-1` or `rendered-2`, the judges in the box, for faces that `bareface` renders; `dlib`; or
            whatever `load_target` takes.
        trained_on: whose faces it learned from, in words; empty = what is known of it.

    Raises:
        BarefaceError: it cannot be loaded.
    """
    if str(reference) in SHIPPED_JUDGES:
        return Judge(load_target(WEIGHTS / str(reference)), trained_on or "other rendered people")
    network = load_dlib() if is_dlib(reference) else called_by_content(load_target(reference), reference)
    return Judge(network, trained_on or "unknown")


def cosines(embedded: Tensor, templates: Tensor) -> NDArray[np.float64]:
    """(n, people) cosines of embeddings of length 1 to templates, for `bareface.stats.inversion.claims.cosines`."""
    matrix: NDArray[np.float64] = (embedded.double().cpu() @ templates.double().cpu().T).clamp(-1, 1).numpy()
    return matrix


@dataclass(frozen=True)
class JudgeBench:
    """The judges of one inversion. Building it checks that they are independent of the target and of each other.

    Attributes:
        judges: the first is the primary one.
        target: the audited backbone.

    Raises:
        UsageError: there is no judge, two have one name, two are the same network, or one is the target: same weights,
            or other weights that give the same embeddings.
    """

    judges: tuple[Judge, ...]
    target: Target

    def __post_init__(self) -> None:
        names = [judge.name for judge in self.judges]
        if not names or len(set(names)) != len(names):
            got = f"the judges {', '.join(names)}" if names else "no judge"
            raise UsageError("judges", got=got, expected="at least one, better two, each with its own name")
        for i, judge in enumerate(self.judges):
            if same_network(judge.target, self.target):
                raise UsageError(
                    f"judge {judge.name}",
                    got="the audited backbone itself",
                    expected="a network that was trained on other people",
                    hint="a target that judges its own inversion finds whatever fools it",
                )
            if any(same_network(judge.target, other.target) for other in self.judges[:i]):
                raise UsageError(f"judge {judge.name}", got="the network of another judge", expected="another network")

    def __iter__(self) -> Iterator[Judge]:
        return iter(self.judges)

    def __len__(self) -> int:
        return len(self.judges)

    def keep_out(self, where: str, *models: object) -> None:
        """Raise if a judge, or the network of one, is among what a search or a selection is given.

        Raises:
            UsageError: it is.
        """
        for model in models:
            if judge := next((j for j in self.judges if _is(model, j)), None):
                raise UsageError(
                    where,
                    got=f"the judge {judge.name}",
                    expected="models of the attack's side only",
                    hint="a judge that took part in choosing images cannot judge them; bring another network",
                )


def refuse_judges(where: str, *models: object) -> None:
    """Raise if any of these is a judge: for selection, which must not see one even without a bench.

    Raises:
        UsageError: it is.
    """
    if any(isinstance(model, Judge | JudgeBench) for model in models):
        raise UsageError(where, got="a judge", expected="models of the attack's side only")


def resized(images: Tensor, height: int, width: int) -> Tensor:
    """(n, c, h, w) cut in the centre to the shape height : width and resized, antialiased bilinear; differentiable."""
    h, w = images.shape[-2:]
    cut_h, cut_w = min(h, round(w * height / width)), min(w, round(h * width / height))
    top, left = (h - cut_h) // 2, (w - cut_w) // 2
    cut = images[..., top : top + cut_h, left : left + cut_w]
    if (cut_h, cut_w) == (height, width):
        return cut
    return interpolate(cut, (height, width), mode="bilinear", antialias=True, align_corners=False)


def disturbed(images: Tensor, generator: torch.Generator) -> Mapping[str, Tensor]:
    """The same images under changes that keep the person: a robust hit is one in all of them.

    Args:
        images: (n, 3, h, w) RGB in [0, 1].
        generator: draws the noise, 2 % of the range.
    """
    h, w = images.shape[-2:]
    margin_h, margin_w = round(0.04 * h), round(0.04 * w)
    noise = torch.randn(images.shape, generator=generator, device=generator.device).to(images)
    return {
        "smaller": resized(resized(images, max(1, h // 2), max(1, w // 2)), h, w),
        "cropped": resized(images[..., margin_h : h - margin_h, margin_w : w - margin_w], h, w),
        "mirrored": images.flip(-1),
        "noisy": (images + 0.02 * noise).clamp(0, 1),
    }


def _is(model: object, judge: Judge) -> bool:
    if isinstance(model, Judge | JudgeBench):
        return True
    if isinstance(model, Target):
        return same_network(model, judge.target)
    return isinstance(model, nn.Module) and model is getattr(judge.target, "module", None)


def _check(images: Tensor) -> None:
    if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
        got = f"{images.dtype} of shape {tuple(images.shape)}"
        raise UsageError("judge", got=got, expected="(n, 3, h, w) floating point RGB in [0, 1]")
    if images.numel() and not -1e-3 <= images.min() <= images.max() <= 1 + 1e-3:
        got = f"values from {images.min():.3g} to {images.max():.3g}"
        raise UsageError("judge", got=got, expected="RGB in [0, 1]", hint="divide by 255, or clamp what was generated")
