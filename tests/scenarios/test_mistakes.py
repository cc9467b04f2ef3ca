"""What people get wrong, and the sentence each mistake gets, through the command line; nothing heavy runs."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from bareface.cli.app import app
from bareface.settings.spec import ImageSpec
from bareface.synthetic import write_folder
from bareface.targets.build import build
from bareface.targets.store import save_target
from bareface.targets.target import Target

MODEL = ("audit", "--model", "net", "-o", "run")
FOLDERS = ("--members", "members", "--nonmembers", "others")
CASES = {
    "a misspelt role": ((*MODEL, "--roster", "role.csv"), "the role outsider for 4 images; .* Did you mean outside?"),
    "a misspelt attack": (
        (*MODEL, *FOLDERS, "--attack", "bn-distnace"),
        r"got 'bn-distnace'.*Did you mean bn-distance\?",
    ),
    "a misspelt parameter": (
        (*MODEL, *FOLDERS, "--attack", "subject-compactness:kk=5"),
        r"attack subject-compactness, parameter kk: got an unknown key; expected one of .* Did you mean k\?",
    ),
    "a misspelt key": (("audit", "attaks.yaml", "-o", "run"), r"attaks: got an unknown key; .*Did you mean attacks\?"),
    "members alone": ((*MODEL, "--members", "members"), "got members and nobody beside them; .*--nonmembers"),
    "nobody": (MODEL, "got no members; expected a roster, or members and nonmembers"),
    "a roster and folders": ((*MODEL, *FOLDERS, "--roster", "role.csv"), "got both a roster and folders"),
    "one folder twice": (
        (*MODEL, "--members", "members", "--nonmembers", "./members"),
        "got one folder in two roles; expected both sides to be different pictures",
    ),
    "shadows without people": ((*MODEL, *FOLDERS, "--shadow", "1"), "got nobody in the role auxiliary; .*--auxiliary"),
    "code without its input": (
        ("audit", "--model", "own:make", *FOLDERS, "-o", "run"),
        r"own:make: got a module without an input spec; .* Try: --spec 112x112:RGB:127\.5/128 \(spec= from Python\)",
    ),
    "code of another input": (
        ("audit", "--model", "own:narrow", "--spec", "16x16", *FOLDERS, "-o", "run"),
        r"narrow: got RuntimeError \(.*\) for images of 16x16 RGB.*; expected the spec of images that it takes. Try: "
        r"another spec: height, width and channels as they were in training",
    ),
    "a spec of another size": (
        (*MODEL, *FOLDERS, "--spec", "32x32"),
        r"net.*: got a spec of 32x32 in colour; expected 16x16 in colour, by its tensors \(.*\)\. "
        "Try: leaving the spec out, or one of that size",
    ),
    "a spec of another number of channels": (
        (*MODEL, *FOLDERS, "--spec", "16x16:GRAY"),
        "got a spec of 16x16 in grey; expected 16x16 in colour, by its tensors",
    ),
    "pairs of images elsewhere": (
        ("verify", "lists/pairs.csv", "--model", "net"),
        r"lists/p\d+/000\.png: got unreadable .* Try: --images with the folder that they lie in",
    ),
    "shadow knowledge": ((*MODEL, *FOLDERS, "--knowledge", "shadow"), "Try: --shadow 1"),
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two folders of rendered people, a small net, and files with mistakes in them."""
    monkeypatch.chdir(tmp_path)
    write_folder(Path("everybody"), people=4, images=2, size=16, seed=1)
    for number, person in enumerate(sorted(Path("everybody").iterdir())):
        shutil.copytree(person, Path("members" if number < 2 else "others") / person.name)
    spec = ImageSpec(16, 16)
    save_target(Target("net", "ir-tiny", build("ir-tiny", spec=spec, embedding_size=8).eval(), spec), Path("net"))
    rows = [(image, image.parent.name, image.parts[0]) for image in sorted(Path().glob("*s/*/*.png"))]
    for name, separator in (("role.csv", ","), ("semicolons.csv", ";"), ("tabs.csv", "\t")):
        other = "outsider" if name == "role.csv" else "outside"
        lines = [separator.join((str(i), p, "member" if side == "members" else other)) for i, p, side in rows]
        Path(name).write_text("\n".join([separator.join(("image", "subject", "role")), *lines]))
    Path("attaks.yaml").write_text("model: net\nroster: role.csv\nattaks: [bn-distance]\n")
    Path("own.py").write_text(
        "from torch import nn\n\ndef make():\n    return nn.Flatten()\n\n"
        "def narrow():\n    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 12, 8))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    Path("lists").mkdir()
    first, second = (str(Path(i).relative_to("members")) for i, _, side in rows[:2] if side == "members")
    Path("lists/pairs.csv").write_text(f"first,second,same,fold\n{first},{second},1,0\n{second},{first},1,1\n")
    return tmp_path


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_gets_its_sentence_and_the_exit_code_of_mistakes(case: str, here: Path) -> None:
    words, sentence = CASES[case]
    with torch.random.fork_rng(devices=[]):
        ended = CliRunner().invoke(app, list(words))
    assert ended.exit_code == 2, ended.output
    said = " ".join(ended.stderr.split())
    assert "Traceback" not in said
    assert not Path("run").exists()
    assert re.search(sentence, said)


def test_mistakes_in_words_and_people_are_found_before_torch_is_imported(here: Path) -> None:
    brings_torch = ("code", "spec", "pairs")  # they are about what torch reads
    words = [["query", "members", "--photos", "others"], ["score", "members", "--images", "others"]]
    words += [list(words) for name, (words, _) in CASES.items() if not any(one in name for one in brings_torch)]
    script = (
        "import json, sys\nfrom typer.testing import CliRunner\nfrom bareface.cli.app import app\n"
        "codes = {int(CliRunner().invoke(app, words).exit_code) for words in json.loads(sys.argv[1])}\n"
        "print(codes, [name for name in ('torch', 'scipy', 'sklearn', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script, json.dumps(words)], capture_output=True, text=True, check=True)
    assert done.stdout == "{2, 4} []\n"


@pytest.mark.parametrize("name", ["semicolons.csv", "tabs.csv"])
def test_semicolons_and_tabs_separate_where_there_is_no_comma(name: str, here: Path) -> None:
    from bareface.rosters.roster import read_manifest

    roster = read_manifest(Path(name))
    assert roster.head_count() == {"member": (2, 4), "outside": (2, 4)}


def test_a_short_training_warms_up_no_longer_than_it_lasts(here: Path) -> None:
    ended = CliRunner().invoke(app, ["train", "members", "-o", "made", "--epochs", "1", "--size", "16"])
    assert ended.exit_code == 0, ended.output
    assert json.loads(Path("made/training.json").read_text())["recipe"]["warmup_epochs"] == 1
