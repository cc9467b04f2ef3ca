# make demo   the whole story in minutes: train, audit, report
# make test   every check and every test
# make fmt    format the code            make docs   redraw docs/architecture.svg, rewrite the schemas
# make bench NAME=validity.verdicts      one benchmark of benchmarks/
# Nothing else to set up: both create .venv and install into it. Python 3.11 and make are needed.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check fmt docs bench setup clean

demo: $(VENV)/.installed
	$(BIN)/bareface demo --run runs/demo

# One process for each core, one thread in each: small matrices gain nothing from more. Tests of a file share fixtures
# that take seconds, so a file stays in one process; in the order of the names the last ones are quick.
test: check
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder

check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format .

docs: $(VENV)/.installed-dev
	$(BIN)/python docs/architecture.py
	$(BIN)/python docs/schemas.py

bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.$(NAME)

setup: $(VENV)/.installed-dev

# torch comes first and pinned: plain pip then finds the CPU build, and the constraint keeps every later step from
# replacing it by a CUDA build of several gigabytes. Set TORCH= to keep a torch that is already in the environment.
TORCH ?= torch==2.13.0

$(VENV)/.installed: pyproject.toml constraints/cpu.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(if $(TORCH),$(BIN)/python -m pip install --quiet --disable-pip-version-check "$(TORCH)")
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints/cpu.txt -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints/cpu.txt -e ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) runs build *.egg-info
