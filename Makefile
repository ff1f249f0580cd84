# Every recipe works on a fresh machine: the virtual environment is made on first use.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

# The sample newsroom lives on this day, so that it gives the same result in any year.
SAMPLE_NOW := 2026-11-25T09:00:00+01:00

.DEFAULT_GOAL := help
.PHONY: help publish test soak lint format messages bench bench-million clean

help:
	@echo "make publish   publish the sample newsroom in sandbox mode (nothing leaves this machine)"
	@echo "make test      run the tests"
	@echo "make soak      the long tests: hundreds of kills, a million rows (a quarter of an hour)"
	@echo "make lint      ruff, mypy, import-linter"
	@echo "make messages  bring the French catalogue and docs/checks.md to the source"
	@echo "make bench     measurements (benchmarks/README.md)"
	@echo "make bench-million  the same with 1,000,000 readers"

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("veille needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

publish: export VEILLE_NOW = $(SAMPLE_NOW)
publish: $(READY)
	$(BIN)/veille subscribers import subscribers.example.csv
	$(BIN)/veille publish --yes
	$(BIN)/veille run --once
	$(BIN)/veille status

test: $(READY)
	$(BIN)/python -m pytest -m "not soak" -n 2 --dist loadfile

soak: $(READY)
	$(BIN)/python -m pytest -m soak -n 2 --dist load

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

messages: $(READY)
	$(BIN)/python -m tests.support.messages
	$(BIN)/python -m tests.support.checks_page

bench: $(READY)
	$(BIN)/python -m benchmarks.startup
	$(BIN)/python -m benchmarks.checking
	$(BIN)/python -m benchmarks.sending

bench-million: $(READY)
	$(BIN)/python -m benchmarks.million

clean:
	rm -rf .venv dist
