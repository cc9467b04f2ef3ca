"""Configuration: strict, and its mistakes are named."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

import bareface
from bareface.auditing.config_file import make_config, read_config, schema
from bareface.auditing.settings import AuditConfig, attacks_named, make_attack
from bareface.cli.init import run_init
from bareface.errors import UnsafeFileError, UsageError

USUAL = (
    "folds", "seed", "title", "max_reject_rate", "max_shared_rate", "device", "selfcheck", "ignore_head", "batch_size",
    "games", "shadow", "knowledge", "spec", "trained_references",
)  # fmt: skip
MISSING = object()
GOOD = {"model": "m.ckpt", "members": "in", "nonmembers": "out"}


def test_attacks_are_written_as_words_or_mappings() -> None:
    listed = ["bn-distance", "subject-compactness:k=5", {"name": "bn-distance", "convention": "variance"}]
    config = make_config(GOOD | {"attacks": listed}, "here")
    assert list(config.attacks) == [
        *attacks_named("bn-distance", "subject-compactness:k=5"),
        make_attack("bn-distance", {"convention": "variance"}),
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sede": 7}, r"here, sede: got an unknown key; expected one of title, attacks, .* Did you mean seed\?"),
        ({"folds": 1}, r"here, folds: got 1; expected at least 2"),
        ({"games": ["records"]}, r"here, games.0: got 'records'; expected 'record', 'person' or 'dataset'"),
        ({"roster": "people.csv"}, r"the people: got both a roster and folders"),
        ({"attacks": ["bn-distence"]}, r"attack: got 'bn-distence'; expected one of"),
        ({"attacks": [7]}, r"here, attacks.0: .*expected write an attack as name:key=value"),
        ({"shadow": {"train": {"epoch": 3}}}, r"here, shadow.train.epoch: .* Did you mean epochs\?"),
        ({"shadow": {"train": {"epochs": 0}}}, r"Recipe.epochs: got 0; expected 1 to 9999"),
        ({"modell": "m.ckpt", "model": MISSING}, r"here, modell: got an unknown key; .* Did you mean model\?"),
        ({"model": MISSING}, r"here, model: got nothing; expected a value"),
        ({"seed": "9" * 5000}, r"here, seed: got .*; expected a whole number of fewer digits\.$"),
        ({"folds": "many"}, r"here, folds: got 'many'; expected a whole number"),
        ({"model": None}, r"here, model: got None; expected text"),
        ({"members": None}, r"expected a roster, or members and nonmembers"),
        ({"attacks": ["bn-distance", "bn-distance"]}, r"an attack with the same parameters is listed twice"),
        ({"attacks": []}, r"here, attacks: got \[\]; expected at least 1 of them"),
    ],
)
def test_a_mistake_is_named(change: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_config({key: value for key, value in (GOOD | change).items() if value is not MISSING}, "here")


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "m.ckpt").write_bytes(b"")
    (tmp_path / "audit.yaml").write_text("model: m.ckpt\nroster: people.csv\n")
    config = read_config(tmp_path / "audit.yaml", {"seed": 3})
    assert config.roster == tmp_path / "people.csv"
    assert config.model == str(tmp_path / "m.ckpt")
    assert config.seed == 3


@pytest.mark.parametrize(("content", "message"), [("- a\n", "got a list"), ("a: [", "got a file that is no YAML")])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "audit.yaml").write_text(content)
    with pytest.raises(UsageError, match=message):
        read_config(tmp_path / "audit.yaml")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.yaml: got no such file; expected a YAML configuration"):
        read_config(tmp_path / "none.yaml")


def test_yaml_runs_no_code(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    (tmp_path / "audit.yaml").write_text(f"model: !!python/object/apply:os.system ['touch {marker}']\n")
    with pytest.raises(UsageError, match="no YAML"):
        read_config(tmp_path / "audit.yaml")
    assert not marker.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"spec": {"height": 10**6, "width": 8}}, r"spec.height: got 1000000; expected at most 4096"),
        ({"spec": {"height": 8, "width": 8, "mean": [1, 2]}}, r"give one number, or 3 of them for RGB"),
        ({"spec": {"height": 8, "width": 8, "std": [float("inf")]}}, r"spec.std.0: got inf; expected a finite number"),
        ({"endpoint": {"timeout": float("inf")}}, r"endpoint.timeout: got inf; expected"),
        ({"endpoint": {"per_second": 1e-300}}, r"endpoint.per_second: got 1e-300; expected"),
    ],
)
def test_sizes_and_times_beyond_all_measure_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_config(GOOD | change, "here")


CODE = "os.path:join"


@pytest.mark.parametrize("field", ["model", "foreign", "recogniser", "references"])
def test_code_in_a_file_needs_a_word_of_the_person_who_runs_it(tmp_path: Path, field: str) -> None:
    value = f"[m.ckpt, '{CODE}']" if field == "references" else CODE
    model = "" if field == "model" else "model: m.ckpt\n"
    (tmp_path / "audit.yaml").write_text(f"{model}{field}: {value}\nroster: people.csv\n")
    told = rf"audit\.yaml, {field}: got '{CODE}', which is code to run; .* Try: --allow-code"
    with pytest.raises(UnsafeFileError, match=told):
        read_config(tmp_path / "audit.yaml")
    allowed = getattr(read_config(tmp_path / "audit.yaml", allow_code=True), field)
    assert CODE in (allowed, *allowed)


def test_code_that_a_person_typed_stands_above_the_file(tmp_path: Path) -> None:
    (tmp_path / "audit.yaml").write_text("model: evil:make\nroster: people.csv\n")
    assert read_config(tmp_path / "audit.yaml", {"model": CODE}).model == CODE


def test_a_file_that_is_called_like_code_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "os:path").write_bytes(b"")
    (tmp_path / "audit.yaml").write_text("model: os:path\nroster: people.csv\n")
    assert read_config(tmp_path / "audit.yaml").model == str(tmp_path / "os:path")


def test_a_mistake_is_shown_in_its_beginning_only() -> None:
    bomb: object = ["x"]
    for _ in range(40):
        bomb = [bomb, bomb, bomb]
    with pytest.raises(UsageError) as caught:
        make_config(GOOD | {"title": bomb}, "here")
    assert len(str(caught.value)) < 500


def test_the_resolved_configuration_reads_back() -> None:
    config = make_config(GOOD, "here")
    assert AuditConfig.model_validate(config.model_dump(mode="json")) == config


def test_the_example_is_a_configuration_that_shows_every_key(tmp_path: Path) -> None:
    told = run_init(tmp_path)
    config = read_config(tmp_path / "audit.yaml")
    assert str(tmp_path / "audit.yaml") in told
    assert (config.members, config.seed) == (tmp_path / "photos/members", 7)
    text = (tmp_path / "audit.yaml").read_text()
    assert not [key for key in AuditConfig.model_fields if f"{key}:" not in text]
    with pytest.raises(UsageError, match="got a file that is there already"):
        run_init(tmp_path)


def test_what_the_example_shows_as_usual_is_usual(tmp_path: Path) -> None:
    run_init(tmp_path)
    shown = [
        line[2:] for line in (tmp_path / "audit.yaml").read_text().splitlines() if line.startswith("# ") and ":" in line
    ]
    plain = yaml.safe_load("\n".join(line for line in shown if line.split(":")[0] in USUAL))
    assert {key: plain[key] for key in USUAL} == {key: AuditConfig.model_fields[key].default for key in USUAL}


def test_the_shipped_schema_accepts_the_example(tmp_path: Path) -> None:
    shipped = Path(bareface.__file__).parent / "audit.schema.json"
    assert shipped.read_text(encoding="utf-8") == schema(), "write it again: make docs"
    run_init(tmp_path)
    jsonschema.Draft202012Validator(json.loads(schema())).validate(
        yaml.safe_load((tmp_path / "audit.yaml").read_text())
    )
