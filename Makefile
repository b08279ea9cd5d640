# `make help` lists the targets. Two environments: .venv as a user has it, .venv-dev for the work.

PYTHON ?= python3
VENV ?= .venv
DEV_VENV ?= .venv-dev
# Pinned together: torchvision, which timm needs, loads beside the torch that it was built for alone.
# Options of pip may follow, such as an index with CPU builds, which spare some GB.
TORCH ?= torch==2.14.1 torchvision==0.29.1
# For pytest: make test ARGS="tests/colour -x"
ARGS ?=

PIP = -m pip install --quiet --disable-pip-version-check
DEV = $(DEV_VENV)/bin/python
SOURCES := $(shell find src/kolorit -type f ! -name '*.pyc')
PICTURES := $(wildcard examples/*.jpg examples/*.jpeg examples/*.png)

# Data and weights stand beside the checkout, where they stand at all; without them some tests skip.
ifndef KOLORIT_DATA
ifneq ($(wildcard ../shared/data/.),)
export KOLORIT_DATA := $(abspath ../shared/data)
endif
endif
ifndef KOLORIT_WEIGHTS
ifneq ($(wildcard ../shared/weights/.),)
export KOLORIT_WEIGHTS := $(abspath ../shared/weights)
endif
endif

.DEFAULT_GOAL := help
.PHONY: demo test test-page lint format types bench clean help

demo: $(VENV)/.installed ## colour the pictures of examples/ into demo/
	@test -n "$(PICTURES)" || { echo "examples/ holds no pictures" >&2; exit 1; }
	@mkdir -p demo
	$(VENV)/bin/kolorit $(PICTURES) -o demo/ --overwrite
	@echo "The coloured pictures lie in $(abspath demo):"
	@ls demo

test: $(DEV_VENV)/.installed ## run the tests that are quick
	$(DEV) -m pytest --durations=10 $(ARGS)

test-page: $(DEV_VENV)/.installed ## drive the page in a chromium that is installed
	$(DEV) -m pytest -m browser --durations=5 $(ARGS)

lint: $(DEV_VENV)/.installed ## check style and layout of the code
	$(DEV) -m ruff check .
	$(DEV) -m ruff format --check .

format: $(DEV_VENV)/.installed ## lay the code out and mend what can be mended
	$(DEV) -m ruff check --fix .
	$(DEV) -m ruff format .

types: $(DEV_VENV)/.installed ## check the types
	$(DEV) -m mypy

bench: $(DEV_VENV)/.installed ## measure seconds and memory of colouring
	$(DEV) benchmarks/image.py

clean: ## remove environments, caches, builds and the demo
	rm -rf $(VENV) $(DEV_VENV) demo build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

define new_environment
@$(PYTHON) -c 'import sys; sys.exit("Kolorit needs Python 3.11 or newer: make PYTHON=..." if sys.version_info < (3, 11) else 0)'
$(PYTHON) -m venv $(1)
endef

$(VENV)/.installed: pyproject.toml $(SOURCES)
	$(call new_environment,$(VENV))
	$(VENV)/bin/python $(PIP) .
	@touch $@

$(DEV_VENV)/.installed: pyproject.toml
	$(call new_environment,$(DEV_VENV))
	$(DEV) $(PIP) $(TORCH)
	$(DEV) $(PIP) --editable '.[dev,train,evaluate,depth,web]'
	@touch $@
