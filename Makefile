# Everything a user or a contributor does starts here; scripts/setup makes the checkout ready.
SHELL := /bin/bash
PY := .venv/bin/python
SANDBOX := $(PY) -m ringfence.lab.sandbox --
RECORD := build/scorecard.jsonl
WORKERS ?= 3
PYTEST := .venv/bin/pytest -q --durations=5
# Compiled tests are kept, else every run compiles every assertion anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: lab test check static unit integration scorecard breaks bench soak docs messages interop applications pictures lock clean setup-lab setup-test

lab: setup-lab
	@.venv/bin/ringfence lab up

test: setup-test
	@mkdir -p build && rm -f $(RECORD)
	@RINGFENCE_SCORECARD=$(abspath $(RECORD)) $(MAKE) --no-print-directory check integration
	@$(PY) scripts/scorecard.py --summary $(RECORD)

setup-lab:
	@scripts/setup lab

setup-test:
	@scripts/setup test

# Format, lint, types, floors and the pure tests, next to each other: under a minute.
check:
	@$(MAKE) --no-print-directory -j 2 static unit

static:
	@.venv/bin/ruff format --check --quiet . || { echo "ruff format . would change files"; exit 1; }
	@.venv/bin/ruff check --quiet .
	@$(PY) scripts/messages.py --check
	@.venv/bin/mypy --no-error-summary
	@.venv/bin/lint-imports --no-logo 2>&1 | tail -n 1; exit $${PIPESTATUS[0]}

unit:
	@$(PYTEST) tests/unit -n 2 --dist loadfile

# Against the real components, in namespaces of its own.
integration:
	@mkdir -p build
	@$(SANDBOX) $(PYTEST) tests/integration tests/procedures --basetemp=build/pytest -n $(WORKERS) --dist loadfile

# One line a row: ID, proven|own-peer|unit|missing, component, test.
scorecard:
	@test -s $(RECORD) || $(MAKE) --no-print-directory test >&2
	@$(PY) scripts/scorecard.py $(RECORD)

breaks: setup-test
	@$(PY) scripts/breaks.py $(BREAKS)

# Each file ends with 1 where a limit is passed; all of them run.
bench: setup-test build/peers
	@failed=; for file in bench/bench_*.py; do echo "== $$file"; \
	  $(SANDBOX) $(PY) $$file || failed+=" $$file"; done; \
	  [ -z "$$failed" ] || { echo "a limit was passed:$$failed"; exit 1; }

build/peers: bench/requirements.txt
	@rm -rf $@
	@.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --target $@ -r $<
	@rm -rf $@/tests  # which one of them brings, and which would hide ours

soak: setup-test
	@$(SANDBOX) $(PYTEST) tests -m soak

docs: setup-lab
	@.venv/bin/ringfence parameters --markdown > docs/parameters.md
	@.venv/bin/ringfence check --rules --markdown > docs/rules.md

# Read the texts of page and screen into the catalogues, compile them, name what is not translated.
messages: setup-test
	@$(PY) scripts/messages.py

# Call the peers, and write down who heard whom.
interop: setup-test
	@mkdir -p build && rm -f build/interop.jsonl
	@RINGFENCE_INTEROP=$(abspath build/interop.jsonl) $(SANDBOX) \
	  $(PYTEST) tests/integration/test_calls_peers.py --basetemp=build/pytest -n $(WORKERS)
	@$(PY) -m tests.support.interop build/interop.jsonl > docs/interop.md

# Set off every TLS application with every cipher list and certificate, and write down what came.
applications: setup-test
	@mkdir -p build && rm -f build/applications.jsonl
	@RINGFENCE_TLS_TABLE=$(abspath build/applications.jsonl) $(SANDBOX) $(PYTEST) \
	  tests/integration/test_tls_matrix_*.py --basetemp=build/pytest -n $(WORKERS) --dist loadfile
	@$(PY) -m tests.support.tls_table build/applications.jsonl > docs/tls-applications.md

# Page and screen of a phone in the lab, as they are now.
pictures: setup-test
	@PYTHONPATH=. $(PY) scripts/pictures.py

lock:
	@scripts/lock

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
