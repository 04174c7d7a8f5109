# `make report` runs the main job; `make test` runs every check.
# Both set up .venv themselves; nothing else has to be installed first but Python 3.11+ with venv and pip.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
REPORT ?= report
ACTIVATION ?=
SAMPLE ?= 60
SEED   ?= 0
JOBS   ?= 1
PLACE  ?=

.PHONY: help report test lint bench mutation clean
.DEFAULT_GOAL := help

help:
	@echo "make report   derive, check, evaluate, verify; write $(REPORT)/index.html"
	@echo "              (make report ACTIVATION=gelu adds a page for one activation function)"
	@echo "make test     lint, types, tests and doctests"
	@echo "make bench    benchmarks against named competitors"
	@echo "make mutation single errors planted in rules, definitions and premises: what notices them"
	@echo "              (make mutation SAMPLE=200 SEED=1 JOBS=2; outcomes are kept in .mutation)"
	@echo "              (make mutation PLACE=numerics: in numerics, and which tests notice them)"
	@echo "make clean    remove $(VENV), $(REPORT) and caches"

report: $(VENV)/.run
	@echo "== writing the report to $(REPORT)/"
	@$(BIN)/varprop report -o $(REPORT) $(if $(ACTIVATION),--activation '$(ACTIVATION)')

test: $(VENV)/.dev lint
	@echo "== tests and doctests"
	@# A worker has a core; threads of BLAS beside it would only wait for each other.
	@OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 \
	  $(BIN)/python -m pytest -q --numprocesses auto --dist worksteal

lint: $(VENV)/.dev
	@echo "== lint (ruff)"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@echo "== types (mypy strict)"
	@$(BIN)/mypy

bench: $(VENV)/.dev
	@$(BIN)/python -m pytest tests/benchmarks -q -s --benchmark-disable-gc

mutation: $(VENV)/.dev
	@$(BIN)/python tests/mutation/$(if $(filter numerics,$(PLACE)),mutate_numerics.py --sample $(SAMPLE) --seed $(SEED),mutate.py --sample $(SAMPLE) --seed $(SEED) --jobs $(JOBS))

$(VENV)/.venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "varprop needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@echo "== creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/.run: $(VENV)/.venv pyproject.toml
	@echo "== installing varprop"
	@# The report trains networks on the digits that scikit-learn ships.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[evidence]'
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@echo "== installing the development tools"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev
	@touch $@

clean:
	rm -rf $(VENV) $(REPORT) .mutation .pytest_cache .mypy_cache .ruff_cache
