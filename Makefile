# The two commands: `make run` and `make test`. Everything they need beyond Python 3.11 is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test check bench-fanout format lock clean

run: .venv/run.stamp  ## the service on http://127.0.0.1:8000
	@$(BIN)/notifier run

test: .venv/dev.stamp  ## all tests; what needs a missing program skips and says what to install
	@$(BIN)/pytest -n 2 --dist loadgroup $(TESTS)

check: .venv/dev.stamp  ## style, types and the house's import rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench-fanout: .venv/dev.stamp  ## a fan-out beside its peers (needs node and npm)
	@$(BIN)/python -m benchmarks.fanout --subscribers 100000 --peers

format: .venv/dev.stamp
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: .venv/dev.stamp  ## pin what pyproject.toml asks for (needs uv: pip install uv)
	uv pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o requirements.lock > /dev/null
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o requirements-dev.lock > /dev/null

# A stamp is younger than the lock that it installed, so a second `make run` starts at once.
.venv/run.stamp: requirements.lock pyproject.toml | .venv/bin/python
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install -q --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

.venv/dev.stamp: requirements-dev.lock pyproject.toml | .venv/bin/python
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/pip install -q --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@ .venv/run.stamp

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Notifier needs Python 3.11 or newer: make run PYTHON=python3.12")'
	$(PYTHON) -m venv .venv

clean:  ## forget the virtual environment and caches; data/ stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
