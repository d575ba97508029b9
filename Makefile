# Siaga. `make run` and `make test` need Python 3.11 or newer and nothing else.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DATA ?= var

.PHONY: help run test lint format kafka bench clean

help: ## Say what can be made
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/siaga: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(BIN)/pytest: setup.cfg pyproject.toml $(BIN)/siaga
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch $@

run: $(BIN)/siaga ## Run everything with six simulated cameras; the desk is at http://127.0.0.1:8080
	$(BIN)/siaga run --demo --data $(DATA)

test: $(BIN)/pytest ## Run all tests; what this machine lacks is skipped with the reason
	$(BIN)/python -m coverage erase
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --cov --cov-report=term:skip-covered

lint: $(BIN)/pytest ## Check style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(BIN)/pytest ## Put the code in form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

kafka: ## Run Apache Kafka 4 on this machine (needs Java 17 and Maven)
	scripts/kafka/kafka.sh run

bench: $(BIN)/siaga ## Measure what a camera costs, within 15 minutes; figures in docs/performance.md
	$(BIN)/siaga bench --json $(DATA)/bench.json --page docs/performance.md

clean: ## Remove what was made, data of runs included
	rm -rf $(VENV) $(DATA) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
