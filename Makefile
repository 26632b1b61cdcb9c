# Everything runs in .venv, which is made when it is missing; only Python, make and git are needed.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-long check prove mutants pages diagrams docs bench lint types table wheel clean

demo: .venv/ready
	$(BIN)/python -m transport demo

test: .venv/ready
	$(BIN)/python -m pytest -n auto

test-long: .venv/ready
	HYPOTHESIS_PROFILE=long $(BIN)/python -m pytest -n auto

table: .venv/ready
	$(BIN)/statemodel table

check: .venv/ready
	$(BIN)/statemodel check

prove: .venv/ready
	$(BIN)/statemodel prove

mutants: .venv/ready
	$(BIN)/python -m tests.mutants.run

pages: .venv/ready
	$(BIN)/python docs/generate.py

diagrams: .venv/ready
	$(BIN)/statemodel diagrams

# Warnings are errors; the doctests of the pages run as well. Look at docs/_build/html/index.html.
docs: .venv/docs
	$(BIN)/sphinx-build -q -W --keep-going -n -b html docs docs/_build/html
	$(BIN)/sphinx-build -q -W --keep-going -b doctest docs docs/_build/doctest

# One interleaved run of some ten minutes, on a machine that does nothing else.
bench: .venv/bench
	$(BIN)/python -m tests.benchmarks --json docs/benchmarks/figures.json -o docs/benchmarks

lint: .venv/lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/lint
	$(BIN)/mypy

wheel: .venv/ready
	rm -rf dist
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

.venv/ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable . --group test
	touch $@

.venv/lint: .venv/ready
	$(BIN)/python -m pip install --quiet --group lint
	touch $@

.venv/bench: .venv/ready
	$(BIN)/python -m pip install --quiet --group bench
	touch $@

.venv/docs: .venv/ready
	$(BIN)/python -m pip install --quiet --group docs
	touch $@

clean:
	rm -rf .venv build dist docs/_build docs/_extra *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
