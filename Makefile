# Two commands on a fresh machine with Python 3.11, make and git: `make demo` and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
UV := $(shell command -v uv 2>/dev/null || echo $(BIN)/uv)
# what stays in one place for every command: no library here calls out
export BENTOML_DO_NOT_TRACK := true
export DO_NOT_TRACK := 1
export MLFLOW_DISABLE_TELEMETRY := true
export UV_NO_PROGRESS := 1
# compiled modules are kept: without them a process that imports everything takes twice as long
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format lint types imports docs lock clean

help: ## what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-8s %s\n", $$1, $$2}'

setup: .venv/.ready ## create .venv from the lock file, with what tests and checks need

.venv/.ready: .venv/.runtime
	$(UV) sync --locked --inexact --quiet --python $(BIN)/python
	@touch $@

# what the product itself needs: a demo waits for no Spark, no linter and no browser driver
.venv/.runtime: uv.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x "$(UV)" || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(UV) sync --locked --inexact --quiet --no-default-groups --python $(BIN)/python
	@touch $@

demo: .venv/.runtime ## simulate a bank and run every step on it (writes demo/ and mlruns/)
	$(BIN)/gridkeep demo --out demo

test: setup ## run every test
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -q

check: setup lint types imports ## format, lint, types and import contracts; `make test` is the rest

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/hadolint Dockerfile

types: setup
	$(BIN)/mypy

imports: setup
	$(BIN)/lint-imports --no-cache

format: setup ## format the code
	$(BIN)/ruff check --fix --exit-zero .
	$(BIN)/ruff format .

docs: setup ## write the generated pages of docs/
	$(BIN)/python docs/generate.py

lock: ## renew uv.lock within the ranges of pyproject.toml
	$(UV) lock --upgrade

clean: ## remove what the commands wrote, .venv excepted
	rm -rf demo tables quarantine grids reports snapshots logs trials unregistered .mypy_cache .ruff_cache .pytest_cache .hypothesis
