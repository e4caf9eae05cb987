# make up      everything, on a fresh machine too: http://127.0.0.1:8000/
# make test    all tests            make lint   style, types, import rules
# make story   the main job, headless, in a scratch folder: make story ARGS="--data ../shared/data"
# make bench   figures of this machine
# make clean   forget what was installed and made (venv, assets, var)

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.hearth-runtime
DEV_STAMP := $(VENV)/.hearth-dev
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
ARGS ?=

.PHONY: up test bench lint story assets clean format
.DEFAULT_GOAL := up

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Hearth needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "making $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(STAMP): requirements.txt | $(BIN)/python
	@echo "installing requirements.txt"
	@$(PIP) install -r requirements.txt
	@touch $@

$(DEV_STAMP): requirements-dev.txt requirements.txt | $(BIN)/python
	@echo "installing requirements-dev.txt"
	@$(PIP) install -r requirements-dev.txt
	@touch $@ $(STAMP)

assets: $(STAMP)
	@$(BIN)/python manage.py assets

up: assets
	@exec $(BIN)/python manage.py up $(ARGS)

# Whole stacks have the machine to themselves, and their browser keeps an event loop that others must not meet.
test: $(DEV_STAMP) assets
	$(BIN)/pytest -n auto --dist loadgroup --ignore=tests/flows --ignore=tests/browser $(ARGS)
	$(BIN)/pytest tests/flows tests/browser $(ARGS)

bench: $(DEV_STAMP)
	$(BIN)/python -m tests.bench $(ARGS)

story: $(STAMP)
	@$(BIN)/python manage.py story $(ARGS)

lint: $(DEV_STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/lint_transactions.py chain enterprises fedlearn households marketplace

format: $(DEV_STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) node_modules var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
