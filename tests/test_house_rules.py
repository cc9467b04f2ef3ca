"""The rules of the house that can be measured."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted((ROOT / "bareface").rglob("*.py"))
TREES = {path: ast.parse(path.read_text()) for path in MODULES}
LONGEST_FILE, LONGEST_BODY = 300, 50


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def body_lines(function: ast.FunctionDef) -> int:
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_files_and_functions_hold_one_idea() -> None:
    long = {path.name: lines for path in MODULES if (lines := len(path.read_text().splitlines())) > LONGEST_FILE}
    long |= {f"{path.name}, {f.name}": body_lines(f) for path, tree in TREES.items() for f in functions(tree)
             if body_lines(f) > LONGEST_BODY}  # fmt: skip
    assert not long


def test_what_is_public_says_what_it_gives() -> None:
    public = {
        f"{path.relative_to(ROOT)}, {node.name}": ast.get_docstring(node) or ""
        for path, tree in TREES.items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    }
    assert not [name for name, text in public.items() if not text]
    assert not [name for name, text in public.items() if text in ("The same.", "Likewise.")]


def test_untrusted_bytes_have_no_way_to_run() -> None:
    everything = {path: path.read_text() for path in MODULES}
    for path, text in everything.items():
        for call in re.findall(r"torch\.load\([^)]*\)?", text):
            assert "weights_only=True" in call, f"{path}: {call}"
        assert not re.search(r"allow_pickle=True|weights_only=False|yaml\.load\(|(?<![.\w])eval\(|\bexec\(", text), path
        assert not re.search(r"^\s*(import|from) (pickle|joblib|dill|cloudpickle)\b", text, re.M) or _only_reads(path)


def _only_reads(path: Path) -> bool:
    """A closed-table unpickler needs the module's base class; it may name nothing else of it."""
    used = set(re.findall(r"pickle\.(\w+)", path.read_text()))
    return used <= {"Unpickler", "UnpicklingError"}


def test_four_broad_excepts_in_the_house() -> None:
    """Around an attack, which somebody else may have written; around the import of somebody else's plug-in; around
    the decoding of hostile bytes, which may raise anything; and around the whole, for the last line of a crash."""
    broad = [path for path in MODULES if re.search(r"^\s*except\s*(:|(Base)?Exception\b)", path.read_text(), re.M)]
    assert sorted(path.name for path in broad) == ["answers.py", "decode.py", "ending.py", "registry.py"]


def test_no_registry_host_and_no_machine_path_is_named() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    texts = {name: (ROOT / name).read_text(errors="ignore") for name in tracked if (ROOT / name).is_file()}
    hosts = ("py" + "pi.org", "registry." + "npmjs", "files.python" + "hosted", "/wo" + "rk/")
    assert not [(name, host) for name, text in texts.items() for host in hosts if host in text]


def test_public_names_are_those_that_are_listed() -> None:
    import bareface

    assert bareface.__all__ == sorted(bareface.__all__, key=str)
    assert all(getattr(bareface, name) is not None for name in bareface.__all__)
    with pytest.raises(AttributeError, match="module 'bareface' has no attribute 'nonsense'"):
        _ = bareface.nonsense


HEAVY = ("torch", "sklearn", "scipy", "matplotlib")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--help"], 0), (["audit", "--help"], 0), (["nonsense"], 2), (["audit", "--seed", "x"], 2), (["--version"], 0)],
)
def test_help_and_usage_errors_answer_without_the_heavy_libraries(arguments: list[str], code: int) -> None:
    script = (
        "import sys\n"
        f"sys.argv = ['bareface', *{arguments!r}]\n"
        "try:\n from bareface.cli import main; main()\n"
        "except SystemExit as stop: status = stop.code\n"
        f"print('CODE', status, 'HEAVY', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == f"CODE {code} HEAVY []"


def test_reports_and_attack_lists_need_no_torch(tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "from bareface.cli.listing import list_attacks, describe_attack\n"
        "import bareface.cli.reporting\n"
        "assert 'bn-distance' in list_attacks() and 'arXiv 2401.13719' in describe_attack('bn-distance')"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def test_the_install_is_a_cpu_install_where_the_constraint_was_used() -> None:
    torch = pytest.importorskip("torch")
    if "+cpu" not in torch.__version__:
        pytest.skip("torch was not installed through constraints/cpu.txt")
    from importlib.metadata import distributions

    assert torch.version.cuda is None
    assert not [d.metadata["Name"] for d in distributions() if (d.metadata["Name"] or "").startswith("nvidia-")]


def test_no_test_has_a_clock_of_its_own() -> None:
    """How busy the machine is says nothing about the software: one profile, in tests/conftest.py, is for every test."""
    clocks = re.compile(r"\bdeadline\s*=|\bsuppress_health_check\s*=")
    tests = [
        path for path in (ROOT / "tests").rglob("*.py") if path not in (ROOT / "tests" / "conftest.py", Path(__file__))
    ]
    assert not [path.name for path in tests if clocks.search(path.read_text())]
