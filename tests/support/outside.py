"""A package of somebody else, installed into a folder: modules, and the entry points that name them."""

from collections.abc import Mapping
from pathlib import Path

import pytest


def install(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    modules: Mapping[str, str],
    points: Mapping[str, Mapping[str, str]],
    package: str = "outside-house",
) -> None:
    """Write modules and a distribution, and put the folder on the path for this test.

    Args:
        modules: name -> source.
        points: group -> name -> `module:attribute`.
    """
    home = folder / package
    home.mkdir()
    for name, source in modules.items():
        (home / f"{name}.py").write_text(source)
    info = home / f"{package.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    groups = (f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in named.items()) for group, named in points.items())
    (info / "entry_points.txt").write_text("\n".join(groups))
    monkeypatch.syspath_prepend(str(home))
