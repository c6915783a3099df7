# Everything runs in .venv, which is made once from the hash-pinned lock.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
PYTEST := $(BIN)/python -m pytest

.PHONY: demo test test-system test-long soak bench lint lock

demo: $(STAMP)
	$(BIN)/ballot-ledger demo

test: $(STAMP)
	$(PYTEST) -n 3 -m "not system and not long"
	$(MAKE) lint

test-system: $(STAMP)
	$(PYTEST) -n 2 -m "system and not long"

test-long: $(STAMP)
	$(PYTEST) -m long

# Ten minutes of kill -9 under load: SECONDS=60, SEED=7 for the same again, ON=--beside for a database beside the service.
SECONDS ?= 600
soak: $(STAMP)
	$(BIN)/python -m tests.soak --seconds $(SECONDS) $(if $(SEED),--seed $(SEED)) $(ON)

bench: $(STAMP)
	$(BIN)/python -m tests.benchmarks

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Resolved against the public index alone: no setting of the local pip may reach the lock.
lock: $(STAMP)
	env -u PIP_INDEX_URL -u PIP_EXTRA_INDEX_URL -u PIP_FIND_LINKS -u PIP_NO_INDEX PIP_CONFIG_FILE=/dev/null \
	  CUSTOM_COMPILE_COMMAND="make lock" \
	  $(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --extra dev --extra oidc --extra timestamps \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
	  --output-file requirements.lock pyproject.toml

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@
