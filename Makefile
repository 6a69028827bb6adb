# Every target makes its own environment: stdlib venv, then uv inside it, then the lock.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9

.DEFAULT_GOAL := help
.PHONY: help demo test check test-slow sim mutations bench fuzz soak bench-rivals docs screens lock wheel clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.ready: locks/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "p2pchat needs Python 3.11 or newer; call: make PYTHON=python3.12 <target>" >&2; exit 1; }
	@echo "Making the environment in $(VENV) (once, about a minute) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --no-deps -r locks/dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

demo: $(VENV)/.ready ## Start a bootstrap node and three people who chat, form a group and owe each other money
	@$(BIN)/python scripts/demo.py

test: $(VENV)/.ready $(VENV)/.extras ## Run formatting, linting, types, layers and the tests
	@scripts/check

test-slow: $(VENV)/.ready $(VENV)/.extras ## Run the soak and scale tests as well
	@$(BIN)/pytest -m "slow or not slow"

sim: $(VENV)/.ready ## Run the simulated scenarios with SEEDS seeds each (200); SEED=17 runs that one alone, ONLY=duel some
	@SEEDS=$(or $(SEEDS),200) PYTHONHASHSEED=0 $(BIN)/pytest -q --numprocesses $(if $(SEED),0,auto) -k "$(ONLY)" tests/sim

mutations: $(VENV)/.ready ## Disable each rule of groups in turn and see that a test turns red (about ten minutes)
	@$(BIN)/python scripts/mutations.py

bench: $(VENV)/.ready ## Measure beside raw limits, into docs/performance.md (about five minutes)
	@$(BIN)/python -m benchmarks

bench-rivals: $(VENV)/.ready ## Measure beside Tox, libp2p, XMPP, OMEMO, Matrix and LXMF; says first what it installs
	@$(BIN)/python -m benchmarks --rivals

$(VENV)/.extras: $(VENV)/.ready locks/extras.txt # optional packages that some tests need
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --no-deps -r locks/extras.txt
	@touch $@

docs: $(VENV)/.docs ## Build the documentation as a site in dist/site (offline, broken links are errors)
	@$(BIN)/p2pchat man --markdown > docs/guide/reference.md
	@$(BIN)/zensical build --clean --strict
	@echo "Open dist/site/index.html"

$(VENV)/.docs: $(VENV)/.ready locks/docs.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --no-deps -r locks/docs.txt
	@touch $@

screens: $(VENV)/.ready ## Draw the pictures of the terminal UI in docs/ anew
	@$(BIN)/python scripts/screenshots.py

soak: $(VENV)/.ready ## Run a bootstrap node under churn for MINUTES (30), FASTER times as much (1); draws docs/soak.svg
	@$(BIN)/python -m benchmarks.soak $(or $(MINUTES),30) docs/soak.svg $(or $(FASTER),1)

fuzz: $(VENV)/.ready ## Fuzz every decoder that strangers reach, SECONDS each (5); TARGET=yamux that one alone
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --only-binary :all: 'atheris>=3'
	@$(BIN)/python -W ignore scripts/fuzz.py $(or $(SECONDS),5) $(TARGET)
	@ROUNDS=1000 $(BIN)/pytest -q -s -n0 tests/net/test_attacks.py -k random

lock: $(VENV)/.ready ## Resolve the dependencies anew
	@cd locks && ../$(BIN)/uv pip compile -q ../pyproject.toml --universal --generate-hashes --override overrides.txt --custom-compile-command "make lock" -o run.txt
	@cd locks && ../$(BIN)/uv pip compile -q ../pyproject.toml --group ../pyproject.toml:dev --universal --generate-hashes --override overrides.txt --custom-compile-command "make lock" -o dev.txt
	@cd locks && ../$(BIN)/uv pip compile -q --group ../pyproject.toml:extras --universal --generate-hashes --constraints dev.txt --custom-compile-command "make lock" -o extras.txt
	@cd locks && ../$(BIN)/uv pip compile -q --group ../pyproject.toml:docs --universal --generate-hashes --constraints dev.txt --custom-compile-command "make lock" -o docs.txt

wheel: $(VENV)/.ready ## Build the wheel into dist/
	@$(BIN)/uv build --quiet --wheel

clean: ## Remove the environment and what was built
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
