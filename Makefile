# `make run` and `make test` need Python 3.11 or later, and make; everything else they fetch themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A worker a core. The tests of a file stay together, and each worker has servers of its own.
PARALLEL := --numprocesses auto --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help run test test-full chaos check lock clean

help:  ## Show what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

run: $(VENV)/.run  ## Load 336,776 real flights, from nothing to a summary
	@$(BIN)/python -m deployments.stack.install rabbitmq
	@$(BIN)/python -m deployments.main_job

test: $(VENV)/.test  ## Run the tests, on real servers
	@$(BIN)/python -m deployments.stack.install --required rabbitmq prometheus
	@$(BIN)/python -m pytest $(PARALLEL)

test-full: $(VENV)/.bench  ## Run all tests, also those that take long, and the benchmarks
	@$(BIN)/python -m deployments.stack.install --required rabbitmq prometheus
	@$(BIN)/python -m pytest $(PARALLEL) -m ""
	@$(BIN)/python -m benchmarks.api_to_lake
	@$(BIN)/python -m benchmarks.webhooks
	@$(BIN)/python -m benchmarks.pages
	@$(BIN)/python -m benchmarks.quality
	@$(BIN)/python -m benchmarks.start

chaos: $(VENV)/.test  ## Kill the main job 500 times and more, and count what is lost; QUICK=1 within a minute
	@$(BIN)/python -m tests.chaos $(if $(QUICK),--quick) $(if $(SEED),--seed $(SEED))

check: $(VENV)/.test  ## Lint, format and types
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

lock:  ## Write requirements/*.txt anew from pyproject.toml (needs uv)
	@sh requirements/lock.sh

clean:  ## Remove the environment; data under .datastream stay
	rm -rf $(VENV)

# A lock is complete, so nothing is resolved (--no-deps): pip would take a package with an extra for another package.
# Debian's python may lack ensurepip: then `venv` fails, and `virtualenv` does not.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "datastream needs Python 3.11 or later; $$($(PYTHON) --version) was found. Try: make PYTHON=python3.12 run"; exit 1; }
	@echo "Making the environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) 2>/dev/null && $(BIN)/python -m pip --version >/dev/null 2>&1 || \
	  { rm -rf $(VENV); $(PYTHON) -m virtualenv -q $(VENV) 2>/dev/null; } || \
	  { echo "$(PYTHON) can make no environment: it lacks ensurepip, and virtualenv is not installed." \
	         "Install one of them (Debian: apt-get install python3-venv), and run again."; exit 1; }

$(VENV)/.run: requirements/run.txt pyproject.toml | $(BIN)/python
	@echo "Installing what the main job needs (a minute)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements/run.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.test: requirements/test.txt $(VENV)/.run
	@echo "Installing what the tests need"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements/test.txt
	@touch $@

$(VENV)/.bench: requirements/bench.txt $(VENV)/.test
	@echo "Installing the peers to be measured against"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements/bench.txt
	@touch $@
