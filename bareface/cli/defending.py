"""`bareface bench defences` and `bareface bench list`."""

from collections.abc import Sequence
from pathlib import Path

from bareface.auditing.defending.bench import DEFENCES, make_defence, run_bench
from bareface.auditing.defending.figure import write_figure
from bareface.auditing.defending.record import Bench
from bareface.auditing.defending.table import markdown
from bareface.auditing.defending.world import TRAINING, World, rendered_world, world_of
from bareface.cli.manners import Stages
from bareface.cli.training import read_recipe
from bareface.errors import UsageError
from bareface.files import write_text
from bareface.registry import prose
from bareface.roster import read_manifest
from bareface.training.defences import HEADINGS, defence_class, defences

FIGURES = (".png", ".svg")


def run_defences(
    run: Path,
    names: Sequence[str] | None,
    roster: Path | None,
    recipe: Path | None,
    attacks: tuple[str, ...],
    seeds: Sequence[int],
    figure: Path | None,
    *,
    as_json: bool,
    links: bool = False,
) -> str:
    """Run the bench or go on with it; the table, after it was written with the record and the figure."""
    drawn = _figure_path(figure or run / "defences.svg")
    for name in names or ():
        make_defence(name)  # a mistake is found out before anything is rendered
    with Stages() as stages:
        world = _world(run, roster, recipe, stages, links)
        bench = run_bench(world, names or DEFENCES, seeds, run / "trials", stages, attacks)
    return written(bench, run, drawn, as_json=as_json)


def written(bench: Bench, run: Path, figure: Path, *, as_json: bool = False) -> str:
    """Write record, table and figure of a bench; returns the table or the record."""
    record, table = bench.model_dump_json(indent=1) + "\n", markdown(bench)
    write_text(run / "defences.json", record)
    write_text(run / "defences.md", table + "\n")
    write_figure(bench, "partial", figure)
    return record if as_json else f"{table}\n\nrecord: {run}/defences.json, figure: {figure}"


def describe_defences() -> str:
    """One line for each defence, by what it changes."""
    found = defences()
    width = max(map(len, found))
    rows = sorted(found.items(), key=lambda pair: (pair[1].sort, pair[0]))
    lines = [f"{name:{width}}  {kind.sort:8}  {prose(kind, HEADINGS).title}" for name, kind in rows]
    return "\n".join([*lines, "", "bareface bench list NAME explains one."])


def describe_defence(name: str) -> str:
    """One defence in full: its page of prose, then its parameters with their defaults."""
    kind = defence_class(name)
    page = prose(kind, HEADINGS)
    sections = [f"{heading}\n" + _indent(page.sections[heading]) for heading in HEADINGS]
    parameters = "\n".join(f"  {key} = {value}" for key, value in kind().parameters().items()) or "  none"
    return "\n\n".join([f"{name}: {page.title}", *sections, f"Parameters\n{parameters}"])


def _world(run: Path, roster: Path | None, recipe: Path | None, stages: Stages, links: bool) -> World:
    training = TRAINING if recipe is None else read_recipe(recipe)
    if roster is None:
        return rendered_world(run / "people", stages, training=training)
    return world_of(read_manifest(roster, links=links), training, roster.name)


def _figure_path(path: Path) -> Path:
    if path.suffix.lower() not in FIGURES:
        raise UsageError("--figure", got=path.name, expected=f"a name that ends with {' or '.join(FIGURES)}")
    return path


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
