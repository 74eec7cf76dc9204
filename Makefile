# Everything a developer types. Each word sets up what it needs, in .venv.
#
#   make demo    count the words of Python's own library, on all cores
#   make test    run the tests             (make test ARGS="-k name" for some)
#   make test-cluster   many processes, several hosts, attacks (some 20 minutes; root
#                for all of it, on Linux)
#   make test-engines   on Spark, Dask and Ray, which it installs (some 15 minutes;
#                Spark needs Java 17)
#   make test-exact   the comparisons with programs by hand, in full (some 15 minutes)
#   make bench   mincer against programs by hand (an hour; benchmarks/README.md):
#                ROW=3 one row, QUICK=1 small inputs, PEERS=1 the table of peers
#   make check   style, types, architecture, tidiness, coverage of both planes
#   make clean   remove what the above made

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: help demo test test-cluster test-engines test-exact bench check format changelog clean
help:
	@sed -n 's/^#   //p' Makefile

# The stamps: made again when the project's table of dependencies changes.
$(VENV)/python.stamp:
	@set -e; found=; \
	for python in "$(PYTHON)" python3.14 python3.13 python3.12 python3.11 python3 python; do \
	    test -n "$$python" || continue; \
	    if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
	        2>/dev/null; then found="$$python"; break; fi; \
	done; \
	if test -z "$$found"; then \
	    echo "error: mincer needs Python 3.11 or later, with its venv module." >&2; \
	    echo "Install one (Debian: apt install python3 python3-venv), or say which:" >&2; \
	    echo "  make test PYTHON=/path/to/python3.12" >&2; \
	    exit 1; \
	fi; \
	if test ! -x $(BIN)/python; then \
	    echo "making $(VENV) with $$found"; "$$found" -m venv $(VENV); \
	fi; \
	touch $@

$(VENV)/install.stamp: $(VENV)/python.stamp pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/test.stamp: $(VENV)/python.stamp pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@ $(VENV)/install.stamp

$(VENV)/dev.stamp: $(VENV)/python.stamp pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/install.stamp $(VENV)/test.stamp

$(VENV)/engines.stamp: $(VENV)/python.stamp pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[engines]'
	@touch $@ $(VENV)/install.stamp $(VENV)/test.stamp

$(VENV)/bench.stamp: $(VENV)/python.stamp pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@ $(VENV)/install.stamp

demo: $(VENV)/install.stamp
	@$(BIN)/python examples/stdlib_words/stdlib_words.py

test: $(VENV)/test.stamp
	$(BIN)/python -m pytest -m "not cluster and not engines" $(ARGS)

test-cluster: $(VENV)/test.stamp
	$(BIN)/python -m pytest -m cluster $(ARGS)

test-engines: $(VENV)/engines.stamp
	$(BIN)/python -m pytest -m engines $(ARGS)

test-exact: $(VENV)/test.stamp
	MINCER_EXACT_SCALE=1 MINCER_KILLS=200 $(BIN)/python -m pytest -s \
	    -o faulthandler_timeout=0 tests/exact tests/faults $(ARGS)

bench: $(VENV)/bench.stamp
	$(BIN)/python -m benchmarks $(ROW) $(if $(QUICK),--quick) $(if $(PEERS),--peers)

# All of them run, so that one call shows all that is wrong.
check: $(VENV)/dev.stamp
	@status=0; \
	for what in \
	    "ruff check --no-cache ." \
	    "ruff format --check ." \
	    "mypy" \
	    "lint-imports --no-logo" \
	    "pytest -q tests/test_tidy.py" \
	    "pytest -q tests/core tests/flow --cov=mincer.core --cov=mincer.flow \
	        --cov-branch --cov-report=term-missing --cov-fail-under=100"; do \
	    echo "== $$what"; $(BIN)/$$what || status=1; \
	done; \
	exit $$status

format: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Put the fragments of changes.d/ into CHANGELOG.md: make changelog VERSION=0.2.0
changelog: $(VENV)/python.stamp
	$(BIN)/python changes.d/assemble.py $(VERSION)

clean:
	rm -rf $(VENV) build dist out htmlcov .coverage .pytest_cache .mypy_cache .ruff_cache
	rm -rf .hypothesis .import_linter_cache src/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
