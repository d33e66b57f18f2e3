# Every target sets up the virtual environment by itself; a second call finds it in place.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DATA_DIR ?= data
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export DO_NOT_TRACK := 1

.DEFAULT_GOAL := help
.PHONY: help run test chaos dev lint format types docs lock audit clean

help:  ## show the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Nulmeting needs Python 3.11 or newer; found $$($(PYTHON) --version). Set PYTHON=python3.11." >&2; exit 2; }
	@echo "Setting up $(VENV) (once, one to three minutes)" >&2
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --require-hashes --requirement requirements.lock
	@$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

run: $(READY)  ## the main job on the bundled sample: marts, checks, alerts and data/published/
	@$(BIN)/nulmeting run --data-dir $(DATA_DIR)

test: $(READY)  ## all tests, linters and type checks
	@$(MAKE) --no-print-directory lint types
	@$(BIN)/pytest -n auto --dist loadgroup --no-loadscope-reorder

chaos: $(READY)  ## a hundred whole runs killed at random moments, each held against an undisturbed twin (hours)
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.chaos.whole_runs --runs 100

dev: $(READY)  ## the Dagster interface on http://localhost:3000
	@$(BIN)/nulmeting dev --data-dir $(DATA_DIR)

lint: $(READY)  ## style of Python and SQL, and whether the definitions load
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/sqlfluff lint --processes 2 --disable-progress-bar dbt_project/models
	@$(BIN)/dg check defs

format: $(READY)  ## bring Python and SQL into shape
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .
	@$(BIN)/sqlfluff fix --processes 2 --quiet dbt_project/models

types: $(READY)
	@$(BIN)/mypy

docs: $(READY)  ## write docs/data-dictionary.md and docs/indicators.md anew
	@$(BIN)/python -m pipelines.dictionary docs/data-dictionary.md

lock: $(READY)  ## resolve requirements.lock anew, for every platform, with hashes
	@$(BIN)/pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes --no-strip-extras \
		--no-header --no-annotate --no-emit-index-url --output-file requirements.lock pyproject.toml

audit: $(READY)  ## what is installed against the lock, and licences; ADVISORIES=URL asks for known vulnerabilities
	@$(BIN)/python -m pipelines.dependency_audit --advisories "$(ADVISORIES)"

clean:  ## remove what runs and tools made, the environment too
	@rm -rf $(VENV) data build *.egg-info .pytest_cache .hypothesis .mypy_cache .ruff_cache .dg dbt_project/target dbt_project/logs
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
