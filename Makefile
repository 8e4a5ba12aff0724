# Two commands need nothing but git, make, Python 3.11 and either Docker or root on Debian/Ubuntu:
#   make demo    the main job on real input
#   make test    every check there is
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

UV_VERSION := 0.13.9
UV := .tools/uv-$(UV_VERSION)/bin/uv
VENV := .venv/.ready
BIN := .venv/bin
ENGINE := $(BIN)/python -m tools.engine

# A Python that is new enough; `make PYTHON=...` names another.
PYTHON := $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$name && break; done)

PARTS := lint unit contract engine-test workflow-test

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: up ## build examples/pip on new runners and show what was cached (4 minutes from nothing)
	@eval "$$($(ENGINE) env)" && exec $(BIN)/python -m tools.demo

.PHONY: test
test: venv ## every check: lint, unit, contract, engine and workflow tests
	@summary=""; failed=""; \
	for part in $(PARTS); do \
		printf '\n== %s\n' "$$part"; start=$$SECONDS; \
		if $(MAKE) "$$part"; then result=passed; else result=FAILED; failed="$$failed $$part"; fi; \
		summary+="$$(printf '  %-14s %-7s %4d s' "$$part" "$$result" "$$((SECONDS - start))")"$$'\n'; \
	done; \
	printf '\n%s  %-14s %-7s %4d s\n' "$$summary" all "$$([ -z "$$failed" ] && echo passed || echo FAILED)" "$$SECONDS"; \
	echo 'Not part of it: make slow (the larger examples, every fault of a cache, locks against the tools that made them)'; \
	[ -z "$$failed" ] || { echo "make test: failed:$$failed" >&2; exit 1; }

.PHONY: lint
lint: venv ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

.PHONY: fmt
fmt: venv ## put the code into the project's format
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .

.PHONY: unit
unit: venv ## no engine, no network
	@$(call pytest,unit)

.PHONY: contract
contract: venv ## action.yml, inputs, README and command line say the same
	@$(call pytest,contract)

.PHONY: engine-test
engine-test: tools ## real builds on new runners
	@eval "$$($(ENGINE) env)" && $(call pytest,engine)

.PHONY: slow
slow: tools ## what takes too long for every change
	@eval "$$($(ENGINE) env)" && $(BIN)/pytest -q -m slow tests/engine && $(BIN)/pytest -q tests/tools_equivalence

.PHONY: workflow-test
workflow-test: tools ## real workflow files, run by act
	@eval "$$($(ENGINE) env)" && $(call pytest,workflow)

.PHONY: image-size
image-size: up ## compressed size of the action's image
	@$(ENGINE) image-size

.PHONY: venv
venv: $(VENV) ## the virtual environment, from uv.lock
	@:

.PHONY: up
up: venv ## an engine and a registry; those that are there are used
	@$(ENGINE) up

.PHONY: tools
tools: up ## act, actionlint and images for the tests (some minutes, once)
	@$(ENGINE) tools

.PHONY: down
down: ## end what `make up` started
	@$(PYTHON) -m tools.engine down

# $(call pytest,PART): fails, rather than passing by, where there is nothing to run.
define pytest
[ -n "$$(find tests/$(1) -name 'test_*.py' -print -quit)" ] \
	|| { echo 'make: tests/$(1) has no tests' >&2; exit 1; }; \
	$(BIN)/pytest -q -m 'not slow' tests/$(1)
endef

$(VENV): pyproject.toml uv.lock $(UV)
	@UV_PYTHON_DOWNLOADS=never UV_NATIVE_TLS=1 $(UV) sync --frozen --quiet --python "$(PYTHON)"
	@touch $@

$(UV):
	@[ -n "$(PYTHON)" ] || { echo 'make: no Python 3.11 or newer on PATH' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
			|| { echo 'make: this Python cannot make virtual environments: install python3-venv' >&2; exit 1; }; \
		echo 'make: installing python3-venv'; apt-get update -qq; \
		DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends python3-venv >/dev/null; }
	@echo 'make: uv $(UV_VERSION) and the virtual environment'
	@$(PYTHON) -m venv --clear .tools/uv-$(UV_VERSION)
	@.tools/uv-$(UV_VERSION)/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
