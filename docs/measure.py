"""Measures a checkout by its source alone: python docs/measure.py [CHECKOUT ...]

Prints one Markdown table with a column for each checkout: how large files and functions are, how many helpers are read
once, which names have two meanings, how many parameters travel, in how many files a game is named.
"""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
# "person" is a unit, too, and a column: it says nothing.
GAMES = {"dataset", "record"}
ENTRY_POINTS = {"audit", "invert"}


@dataclass(frozen=True)
class Source:
    """One file of the package: its path within the checkout, its text and its syntax tree."""

    path: str
    text: str
    tree: ast.Module


def sources(root: Path) -> list[Source]:
    """Every file of the package."""
    paths = sorted((root / "bareface").rglob("*.py"))
    return [Source(str(path.relative_to(root)), path.read_text(), ast.parse(path.read_text())) for path in paths]


def functions(source: Source) -> Iterator[ast.FunctionDef]:
    """Every function and method of a file."""
    return (node for node in ast.walk(source.tree) if isinstance(node, ast.FunctionDef))


def length(function: ast.FunctionDef) -> int:
    """Lines of the body without the docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def used_once(source: Source) -> list[ast.FunctionDef]:
    """Private functions of a module that are named once beside their definition."""
    uses = Counter(node.id for node in ast.walk(source.tree) if isinstance(node, ast.Name))
    uses.update(node.attr for node in ast.walk(source.tree) if isinstance(node, ast.Attribute))
    return [one for one in functions(source) if re.match(r"_[a-z]", one.name) and uses[one.name] == 1]


def homonyms(files: Sequence[Source]) -> list[str]:
    """Classes that are defined in more than one module."""
    named = Counter(node.name for one in files for node in one.tree.body if isinstance(node, ast.ClassDef))
    return sorted(name for name, count in named.items() if count > 1)


def parameters(function: ast.FunctionDef) -> int:
    """How many parameters a function takes, itself and its class not counted."""
    given = function.args
    names = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len([name for name in names if name not in {"self", "cls"}])


def sets(function: ast.FunctionDef) -> bool:
    """Whether the parameters are settings that a person types: options of a command, or of an entry point of Python."""
    given = (*function.args.args, *function.args.kwonlyargs)
    typed = any(one.annotation is not None and "Annotated" in ast.unparse(one.annotation) for one in given)
    return typed or function.name in ENTRY_POINTS


def names_a_game(source: Source) -> bool:
    """Whether a file holds the name of a game as a literal of its own."""
    return any(isinstance(node, ast.Constant) and node.value in GAMES for node in ast.walk(source.tree))


def at(lengths: Sequence[int], share: float) -> int:
    """The length that this share of all does not exceed."""
    return sorted(lengths)[min(int(share * len(lengths)), len(lengths) - 1)]


def measured(root: Path) -> dict[str, str]:
    """The rows of one checkout."""
    files = sources(root)
    every = [one for source in files for one in functions(source)]
    once = [one for source in files for one in used_once(source)]
    lines = [source.text.count("\n") for source in files]
    many = [f"`{one.name}` {parameters(one)}" for one in every if parameters(one) > 8 and not sets(one)]
    tests = [one for path in (root / "tests").rglob("test_*.py") for one in ast.walk(ast.parse(path.read_text()))]
    both = homonyms(files)
    return {
        "files in the package": f"{len(files)}",
        "lines": f"{sum(lines):,}",
        "lines of a file: median, nine in ten": f"{at(lines, 0.5)}, {at(lines, 0.9)}",
        "files under 60 lines": f"{sum(count < 60 for count in lines)}",
        "functions": f"{len(every):,}",
        "lines of a function's body: median, nine in ten, most": ", ".join(
            str(at([length(one) for one in every], share)) for share in (0.5, 0.9, 1)
        ),
        "private functions used once": f"{len(once)} ({len(once) / len(every):.0%})",
        "of three lines or fewer": f"{sum(length(one) <= 3 for one in once)}",
        "class names with two meanings": f"{len(both)}" + f" ({', '.join(both)})" * bool(both),
        "functions of more than 8 parameters, outside commands and entry points": f"{len(many)}"
        + f" ({', '.join(many)})" * bool(many),
        "modules at the top": f"{len([*(root / 'bareface').glob('[!_]*.py')])}",
        "files that name a game": f"{sum(names_a_game(source) for source in files)}",
        "test functions": f"{sum(isinstance(one, ast.FunctionDef) and one.name.startswith('test') for one in tests):,}",
    }


def main() -> None:
    """Print the table."""
    roots = [Path(word).resolve() for word in sys.argv[1:]] or [HERE]
    columns = [measured(root) for root in roots]
    print("| | " + " | ".join(root.name for root in roots) + " |")
    print("|---|" + "---|" * len(roots))
    for row in columns[0]:
        print(f"| {row} | " + " | ".join(column[row] for column in columns) + " |")


if __name__ == "__main__":
    main()
