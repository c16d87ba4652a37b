# The two commands: `make run` and `make test`. Everything they need beyond Python 3.11 is installed into .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: run test test-slow test-quick check coverage mutants deptry pip-audit docs wheel reference measure bench-fanout format lock clean

run: $(VENV)/run.stamp  ## the service on http://127.0.0.1:8000
	@$(BIN)/notifier run

test: $(VENV)/dev.stamp  ## the tests; what needs a missing program skips and says what to install
	@$(BIN)/pytest -n 2 --dist loadfile $(TESTS)

test-slow: $(VENV)/dev.stamp  ## those that `make test` leaves out: real browsers, and what takes minutes
	@$(BIN)/pytest -n 2 --dist loadfile -m browser $(TESTS)
	@$(BIN)/pytest -n 0 -m slow $(TESTS)

test-quick: $(VENV)/dev.stamp  ## those of `make test` without what takes whole processes
	@$(BIN)/pytest -n 2 --dist loadfile --ignore tests/engine --ignore tests/test_kill.py $(TESTS)

check: $(VENV)/dev.stamp deptry  ## style, types, the project's import rules, and dependencies
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

deptry: $(VENV)/dev.stamp  ## what is imported is declared, and what is declared is imported
	$(BIN)/deptry notifier

pip-audit:  ## known vulnerabilities of what is pinned (needs uv and the network)
	uvx pip-audit@2.10.1 --require-hashes --disable-pip -r requirements.lock

coverage: $(VENV)/dev.stamp  ## also with browsers, and the lines that no test runs; the gate is in pyproject.toml
	@$(BIN)/pytest -n 2 --dist loadfile -m 'not slow' --cov --cov-report term:skip-covered $(TESTS)

mutants: $(VENV)/dev.stamp  ## changes to the deciding rooms that no test notices; MUTANTS='notifier.alerts.decide*' takes some
	$(BIN)/mutmut run $(MUTANTS)
	$(BIN)/mutmut results

docs: $(VENV)/docs.stamp  ## the pages as a site, in site/; a link that leads nowhere fails
	$(BIN)/sphinx-build -q -W --keep-going docs site

wheel: $(VENV)/run.stamp  ## the package, in dist/
	$(BIN)/python -m hatchling build -d dist

reference: $(VENV)/dev.stamp  ## docs/reference/, written from the code
	$(BIN)/python -m tools.reference

measure: $(VENV)/dev.stamp  ## lengths, complexity, comments, tests to code, dependencies
	$(BIN)/python -m tools.measure

bench-fanout: $(VENV)/dev.stamp  ## a fan-out beside its peers (needs node and npm)
	@$(BIN)/python -m benchmarks.fanout --subscribers 100000 --peers

format: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

COMPILE := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q
lock: $(VENV)/dev.stamp  ## pin what pyproject.toml asks for (needs uv: pip install uv)
	$(COMPILE) --group build -o requirements.lock > /dev/null
	$(COMPILE) --group dev -o requirements-dev.lock > /dev/null
	$(COMPILE) --group docs -c requirements-dev.lock -o requirements-docs.lock > /dev/null

# A stamp is younger than the lock that it installed, so a second `make run` starts at once.
INSTALL := $(BIN)/pip install -q --disable-pip-version-check
$(VENV)/run.stamp: requirements.lock pyproject.toml | $(BIN)/python
	$(INSTALL) --require-hashes -r requirements.lock
	$(INSTALL) --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock pyproject.toml | $(BIN)/python
	$(INSTALL) --require-hashes -r requirements-dev.lock
	$(INSTALL) --no-build-isolation --no-deps -e .
	@touch $@ $(VENV)/run.stamp

$(VENV)/docs.stamp: requirements-docs.lock $(VENV)/dev.stamp
	$(INSTALL) --require-hashes -r requirements-docs.lock
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Notifier needs Python 3.11 or newer: make run PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

clean:  ## forget the virtual environments, caches and what was built; data/ stays
	rm -rf .venv .venv-image .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage mutants site dist
