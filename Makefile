# Every target sets up what it needs, on a machine that has only Python 3.11 or later and make.
# `make` alone says what there is.

VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# The libraries that integrations are for have a place of their own: three gigabytes that nothing else needs.
INTEGRATIONS ?= .venv-integrations
INTEGRATIONS_STAMP := $(INTEGRATIONS)/.installed
# The first interpreter that is new enough and can make a virtual environment; `make PYTHON=…` chooses another.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3 python; do \
	$$python -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
# Parts of the tests: `make test TESTS=tests/unit`.
TESTS ?=
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help install demo up test integrations test-integrations check format bench screenshots browser clean

help: ## Say what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

install: $(STAMP) ## Make .venv with everything in it

$(STAMP): pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later with venv is needed; on Debian: apt install python3-venv" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --editable '.[dev]'
	@touch $@

demo: $(STAMP) ## Train eight classifiers at once and watch them live (RUNCAST_DEMO_EXIT=1: check, print a table, end)
	$(BIN)/runcast demo $(ARGS)

up: $(STAMP) ## Start the service and the dashboard on http://127.0.0.1:8484
	$(BIN)/runcast up $(ARGS)

# The tests of one file stay together, as they share what they stand on.
test: $(STAMP) browser ## Run all tests
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder $(TESTS) $(ARGS)

integrations: $(INTEGRATIONS_STAMP)

test-integrations: $(INTEGRATIONS_STAMP) ## Run user programs with the newest transformers, lightning, keras, xgboost … (torch for the CPU)
	$(INTEGRATIONS)/bin/python -m pytest tests/integrations $(ARGS)

# PyTorch's own index has wheels without CUDA, a tenth of the size; where it cannot be reached, PyPI's serve.
$(INTEGRATIONS_STAMP): pyproject.toml tests/integrations/requirements.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later with venv is needed" >&2; exit 1; }
	@test -x $(INTEGRATIONS)/bin/python || $(PYTHON) -m venv $(INTEGRATIONS)
	$(INTEGRATIONS)/bin/python -m pip install --quiet --no-input torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu || \
		echo "PyTorch's index cannot be reached; taking torch from PyPI" >&2
	$(INTEGRATIONS)/bin/python -m pip install --quiet --disable-pip-version-check --no-input --upgrade \
		--requirement tests/integrations/requirements.txt --editable '.[server]'
	@touch $@

check: $(STAMP) ## Format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(STAMP) ## Rewrite the code in the house's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP) ## Measure everything and print one table
	$(BIN)/python -m tests.bench $(ARGS)

screenshots: $(STAMP) browser ## Draw the pictures of docs/images again
	$(BIN)/python -m tests.browser.gallery $(ARGS)
	$(BIN)/python -m tests.browser.walk

# The browser tests drive a Chromium of the system: Playwright's own download is not needed.
browser:
	@{ command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null 2>&1 || \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core; \
	else \
		echo "The browser tests need Chromium: 'apt install chromium', or your system's way to it." >&2; \
		echo "Without them: make test TESTS='tests/unit tests/flow tests/faults'" >&2; \
		[ -n "$(TESTS)" ]; \
	fi

clean: ## Remove what was built
	rm -rf $(VENV) $(INTEGRATIONS) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
