.DEFAULT_GOAL := help
SHELL := /bin/sh

# Any Python from 3.11 on; `make PYTHON=python3.13 …` chooses one.
PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,$(shell \
  command -v $(name) >/dev/null 2>&1 && \
  $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
BIN := .venv/bin
INSTALLED := .venv/installed
PRODUCTION := .venv-production/installed

.PHONY: help
help: ## What can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(INSTALLED): requirements-dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed: none was found on PATH." >&2; exit 1; }
	@echo "Installing into .venv (once) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# What a server has, and nothing that only tests need: its memory and its start are measured.
$(PRODUCTION): requirements.txt
	@$(PYTHON) -m venv --clear .venv-production
	@.venv-production/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.PHONY: run
run: $(INSTALLED) ## The service on :5500, its database migrated; in a terminal, the console with it
	@$(BIN)/python -m tools.run

.PHONY: console
console: $(INSTALLED) ## The console beside a service that runs already
	@$(BIN)/opsconsole

.PHONY: test
test: $(INSTALLED) ## Every test, against real parts, but the long ones of test-deploy, -logs and faults
	@$(BIN)/pytest -n auto --dist loadgroup -m "not long"

.PHONY: contract
contract: $(INSTALLED) ## Every behaviour, of a Flask service and of this one, side by side
	@$(BIN)/python -m tests.contract

.PHONY: test-deploy
test-deploy: $(INSTALLED) ## What is in deploy/, each file by the tool that reads it (ten minutes)
	@DEPLOY_TOOLS=required $(BIN)/pytest -n auto --dist loadgroup tests/deploy

.PHONY: test-logs
test-logs: $(INSTALLED) ## The console over every hostile log, and 100 rotations of each kind (half an hour)
	@$(BIN)/pytest -m long tests/console
	@LOG_ROTATIONS=100 $(BIN)/pytest tests/console/logs/sources/test_rotation_under_load.py

.PHONY: faults
faults: $(INSTALLED) ## Every fault under load, held to its goal, as a table: on a machine with nothing else to do
	@DEPLOY_TOOLS=required $(BIN)/python -m tests.faults
	@$(BIN)/pytest -m long tests/service

.PHONY: soak
soak: $(INSTALLED) ## Half an hour of load, with a fault every minute
	@$(BIN)/python -m tests.faults.soak

.PHONY: lint
lint: $(INSTALLED) ## Format, style, types, and that imports only point down
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache --verbose >/dev/null || $(BIN)/lint-imports --no-cache

.PHONY: bench
bench: $(INSTALLED) $(PRODUCTION) ## Requests a second beside Flask, FastAPI and the bare server (ten minutes)
	@$(BIN)/python -m benchmarks --python .venv-production/bin/python \
	  --json benchmarks/results/bench.json --plot benchmarks/results/bench.svg
	@$(BIN)/python -m tools.benchmarks

.PHONY: profile
profile: $(INSTALLED) $(PRODUCTION) ## Where the CPU time of a request goes (one minute; may need root)
	@$(BIN)/python -m benchmarks.profile --python .venv-production/bin/python \
	  --json benchmarks/results/profile.json
	@$(BIN)/python -m tools.benchmarks

.PHONY: bench-logs
bench-logs: $(INSTALLED) ## The console over a log of 1 GB beside lnav, jq and others (a quarter of an hour)
	@$(BIN)/python -m benchmarks.logs --json benchmarks/results/logs.json
	@$(BIN)/python -m tools.logs

.PHONY: scale
scale: $(INSTALLED) $(PRODUCTION) ## What a request costs at 10 million users (half an hour, 11 GB of disk)
	@$(BIN)/python -m benchmarks.scale --python .venv-production/bin/python \
	  --json benchmarks/results/scale.json
	@$(BIN)/python -m tools.capacity

.PHONY: screenshots
screenshots: $(INSTALLED) ## The pictures in the README, of a service started for them
	@$(BIN)/python -m tools.screenshots

.PHONY: docs
docs: $(INSTALLED) ## The pages that are generated from the code
	@$(BIN)/python -m tools.configuration
	@$(BIN)/python -m tools.checklist

.PHONY: requirements
requirements: $(INSTALLED) ## Pin the newest versions, with hashes (needs uv)
	@$(BIN)/python -m tools.requirements
