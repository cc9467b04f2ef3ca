"""`bareface bench defences` and `bareface bench list`."""

from collections.abc import Callable, Sequence
from pathlib import Path

from bareface.bench.bench import every_defence, make_defence, run_bench
from bareface.bench.figure import write_figure
from bareface.bench.record import BenchRecord
from bareface.bench.table import markdown
from bareface.bench.world import TRAINING, World, rendered_world, world_of
from bareface.cli.listing import lines_of, page_of, say_unavailable
from bareface.cli.manners import Stages
from bareface.cli.training import read_recipe
from bareface.errors import UsageError
from bareface.membership import ATTACKS
from bareface.rosters.roster import read_manifest
from bareface.storage.files import write_text
from bareface.training.defences import DEFENCES, defence_class, defences

FIGURES = (".png", ".svg")


def run_defences(
    run: Path,
    names: Sequence[str] | None,
    world: Callable[[Stages], World],
    attacks: tuple[str, ...],
    seeds: Sequence[int],
    figure: Path | None,
    *,
    as_json: bool,
) -> str:
    """Run the bench or go on with it; the table, after it was written with the record and the figure."""
    drawn = _figure_path(figure or run / "defences.svg")
    say_unavailable(DEFENCES, ATTACKS)
    for name in names or ():
        make_defence(name)  # a mistake is found out before anything is rendered
    with Stages() as stages:
        bench = run_bench(world(stages), names or every_defence(), seeds, run / "trials", stages, attacks)
    return written(bench, run, drawn, as_json=as_json)


def written(bench: BenchRecord, run: Path, figure: Path, *, as_json: bool = False) -> str:
    """Write record, table and figure of a bench; returns the table or the record."""
    record, table = bench.model_dump_json(indent=1) + "\n", markdown(bench)
    write_text(run / "defences.json", record)
    write_text(run / "defences.md", table + "\n")
    write_figure(bench, "partial", figure)
    return record if as_json else f"{table}\n\nrecord: {run}/defences.json, figure: {figure}"


def describe_defences() -> str:
    """One line for each defence, by what it changes; those that cannot be used are named on stderr."""
    say_unavailable(DEFENCES)
    found = dict(sorted(defences().items(), key=lambda pair: (pair[1].sort, pair[0])))
    lines = lines_of(found, {name: kind.sort for name, kind in found.items()})
    return "\n".join([*lines, "", "bareface bench list NAME explains one."])


def describe_defence(name: str) -> str:
    """One defence in full: its page of prose, then its parameters with their defaults."""
    return page_of(defence_class(name)())


def bench_world(run: Path, roster: Path | None, recipe: Path | None, links: bool, stages: Stages) -> World:
    """The people that defences are tried on: of a manifest, or rendered ones."""
    training = TRAINING if recipe is None else read_recipe(recipe)
    if roster is None:
        return rendered_world(run / "people", stages, training=training)
    return world_of(read_manifest(roster, links=links), training, roster.name)


def _figure_path(path: Path) -> Path:
    if path.suffix.lower() not in FIGURES:
        raise UsageError("--figure", got=path.name, expected=f"a name that ends with {' or '.join(FIGURES)}")
    return path
