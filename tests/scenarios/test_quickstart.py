"""The notebook of the examples runs from its first cell to its last, in a kernel where there is one, and says what it
promises."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "examples" / "quickstart.ipynb"
IN_A_KERNEL = """
import sys, nbformat
from nbclient import NotebookClient
notebook = NotebookClient(nbformat.read(sys.argv[1], 4), timeout=None, kernel_name="python3").execute()
for cell in notebook.cells:
    for output in cell.get("outputs", ()):
        print(output.get("text") or "\\n".join(map(str, output.get("data", {}).values())))
"""


def cells() -> list[str]:
    """The source of every cell of code."""
    read = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in read["cells"] if cell["cell_type"] == "code"]


def test_the_notebook_holds_no_output_of_somebodys_machine() -> None:
    read = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in read["cells"])
    assert all(link in NOTEBOOK.read_text(encoding="utf-8") for link in ("../docs/first-audit.md", "../docs/python.md"))


def test_the_notebook_shows_a_leak_and_writes_the_page(tmp_path: Path) -> None:
    has_kernel = all(map(find_spec, ("nbclient", "nbformat", "ipykernel")))
    script = IN_A_KERNEL if has_kernel else "\n".join(cells())
    told = subprocess.run(
        [sys.executable, "-c", script, str(NOTEBOOK)], cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    assert "LEAK SHOWN (quickstart, 6 findings)" in told.stdout
    assert "The most telling: subject-compactness (k=2) in the dataset game" in told.stdout
    assert ("<td>subject-compactness (k=2)</td>" in told.stdout) == has_kernel, "a table, where a notebook shows one"
    assert "subject-compactness" in (tmp_path / "runs/quickstart/report.html").read_text(encoding="utf-8")
