# make demo   the whole story: train, audit, report, invert
# make test   every check and every test
# make fmt    format the code            make docs   redraw docs/architecture.svg, rewrite the schemas
# make bench NAME=validity.verdicts      one benchmark of benchmarks/
# make site   the pages of docs/ as a site, in build/site
# Nothing else to set up: all create .venv and install into it. Python from 3.11 on and make are needed; the first one that
# is found is taken, or make PYTHON=...

PYTHONS := python3.11 python3.12 python3.13 python3.14 python3
PYTHON ?= $(firstword $(foreach one,$(PYTHONS),$(shell $(one) -c 'import sys; sys.version_info < (3, 11) or print("$(one)")' 2>/dev/null)))
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check fmt docs site bench setup clean

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

site: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo build/site/index.html

bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.$(NAME)

setup: $(VENV)/.installed-dev

# torch comes first and pinned, and the constraint keeps every later step from replacing it. Which build plain pip finds is
# for its index to say: for Linux the public one has a CUDA build of several gigabytes. TORCH= takes another one, a wheel's
# file or address as well as a version; TORCH= with nothing behind it keeps a torch that is already in the environment.
TORCH ?= torch==2.13.0

$(VENV)/.installed: pyproject.toml constraints/cpu.txt
	@test -x $(BIN)/python || test -n "$(PYTHON)" || { echo "no Python from 3.11 on was found: make PYTHON=/path/to/it"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(if $(TORCH),$(BIN)/python -m pip install --quiet --disable-pip-version-check "$(TORCH)")
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints/cpu.txt -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints/cpu.txt -e ".[dev]"
	touch $@

$(VENV)/.installed-docs: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints/cpu.txt -e ".[docs]"
	touch $@

clean:
	rm -rf $(VENV) runs build *.egg-info
