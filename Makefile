# Two commands start everything: `make test` and `make up`. Nothing but Python 3.11 needs to be installed.

SHELL := /bin/bash
# The distribution's interpreter where it is fit, for it is the faster one; PYTHON=... chooses another.
PYTHON ?= $(shell python3 deploy/interpreter.py 2>/dev/null || echo python3)
PEOPLE ?= 200
# The share of them that is handed over in files: none, or 0.9 of 5000 people and more; BULK=... chooses another.
BULK ?=
TESTS ?= tests
# `make faults`: rounds of some minutes each, and what the faults are drawn from.
ROUNDS ?= 1
SEED ?= 1
ALONE := stack or faults or browser or processes
PY := .venv/bin/python
# Whoever has turned byte code off would read every test anew each time, which takes a third of `make check`.
unexport PYTHONDONTWRITEBYTECODE
OURS := services shared simulation deploy benchmarks
LOCKS := requirements.txt requirements-dev.txt

.PHONY: up test demo check faults mutants bench down reset fmt docs setup lock

up: setup
	@$(PY) -m deploy.local up

demo: setup
	@$(PY) -m deploy.local demo --people $(PEOPLE) $(if $(BULK),--bulk $(BULK))

down: setup
	@$(PY) -m deploy.local down

reset: setup
	@$(PY) -m deploy.local reset

# What needs no system of its own goes two files at a time; then one after the other what starts whole systems, kills
# processes or looks at pages, also when something failed before. Where TESTS leaves nothing of a part pytest says 5.
test: setup
	@$(PY) -m deploy.local.browser
	@failed=0; \
	$(PY) -m pytest -q -n 2 --dist loadfile -m "not ($(ALONE))" $(TESTS) || test $$? -eq 5 || failed=1; \
	$(PY) -m pytest -q -m "$(ALONE)" $(TESTS) || test $$? -eq 5 || failed=1; \
	exit $$failed

# Every mutant, quietly and under faults; writes docs/mutants.md.
mutants: setup
	@KILL_TABLE=1 $(PY) -m pytest -q tests/faults/test_mutants.py tests/faults/test_booking_mutant.py tests/faults/test_service_mutants.py

check: setup
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy $(OURS)
	.venv/bin/lint-imports
	$(PY) -m pytest -q -n 2 --dist worksteal --hypothesis-profile=quick -m "not processes and not postgres and not kafka and not stack and not faults and not browser" tests

# Harm to the whole system, on a stack of its own under .local/faults; the same call goes on with a run that was interrupted.
faults: setup
	@$(PY) -m tests.faults.run --rounds $(ROUNDS) --seed $(SEED)

# What things cost here and beside others; the figures stand in benchmarks/results.json, the plots of them in docs/plots.
# PART=kernel, ceilings, journeys, steady, half, alarms, lanes, flat, full, crowd or sides measures one alone.
# Other people's libraries, to be measured against or to draw with, are put into .venv here alone; nothing else needs them.
# Where there is Go, `sides` builds Temporal's server once, which takes some minutes, and measures it too.
bench: setup
	@cmp -s requirements-bench.txt .venv/bench || { $(PY) -m pip install -q --disable-pip-version-check --no-deps --require-hashes \
		-r requirements-bench.txt && cp requirements-bench.txt .venv/bench; }
	@$(PY) -m benchmarks.run $(PART); held=$$?; $(PY) -m benchmarks.plots && exit $$held

fmt: setup
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

docs: setup
	$(PY) -m shared.contracts.publish
	$(PY) -m deploy.authorization

# A no-op while the locks are the ones .venv was made from: the stamp is a copy of them.
setup:
	@cat $(LOCKS) | cmp -s - .venv/locked || $(MAKE) --no-print-directory .venv/locked

# The locks are complete, so --no-deps skips resolving; byte code is compiled on all cores, not by pip on one.
.PHONY: .venv/locked
.venv/locked:
	@echo "Setting up .venv (once; about a minute) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed (PYTHON=...)")'
	@$(PYTHON) -m venv --clear .venv
	@$(PY) -m pip install -q --disable-pip-version-check --no-compile --no-deps --require-hashes -r requirements-dev.txt
	@$(PY) -m compileall -q -j 0 .venv/lib $(wildcard $(OURS)) || true
	@$(PY) -m deploy.local.java
	@cat $(LOCKS) > $@

# After a change of a .in file; needs uv.
lock:
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --python-version 3.11 requirements.in -o requirements.txt
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --python-version 3.11 requirements-dev.in -o requirements-dev.txt
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --python-version 3.11 requirements-bench.in -o requirements-bench.txt
