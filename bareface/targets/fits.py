"""Whether somebody else's module takes the images that its spec says."""

from bareface.errors import TargetError
from bareface.registry import shortly, tried
from bareface.settings.spec import ImageSpec
from bareface.targets.target import Target


def fitting(target: Target) -> Target:
    """The target, after it was shown one grey image.

    Raises:
        TargetError: it fails on it, as a module does whose spec has another size or number of channels.
    """
    _, error = tried(lambda: target.embedding_size)
    if error is not None:
        raise misfit(target.name, error, target.spec) from error
    return target


def misfit(where: str, error: BaseException, spec: ImageSpec) -> TargetError:
    """What somebody is told whose module or function fails on images of its spec."""
    got, expected = f"{shortly(error)} for images of {spec}", "the spec of images that it takes"
    hint = "another spec: height, width and channels as they were in training"
    return TargetError(where, got=got, expected=expected, hint=hint)
