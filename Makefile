# Two commands: `make demo` shows what the package does, `make test` checks that it does it.
# Each sets up everything it needs in .venv from the pinned requirements.lock.

VENV ?= .venv
# The first of these that runs: a version manager's stub may stand in the path and refuse to.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3.10 python3; do \
	$$python -c "" 2>/dev/null && { echo $$python; break; }; done)
RUN := $(VENV)/bin/python
READY := $(VENV)/.ready
# Most of a test's time is one thread that traces graphs, so that two processes take half as long.
# Files stay whole: what they make once for all their tests is made once.
WORKERS ?= 2
PYTEST := TF_CPP_MIN_LOG_LEVEL=2 $(RUN) -m pytest -n $(WORKERS) --dist loadfile

# Rooms whose tests start no other process and train nothing.
QUICK := layout_test.py conventions_test.py core geometry lighting io losses metrics results morphable_models \
	layers rendering

.PHONY: help demo test test-quick test-slow lint clean

help:
	@echo "make demo        reconstruct a photograph, train for a minute; results in demo/"
	@echo "make test        lint and the default test suite"
	@echo "make test-quick  the tests that need neither training nor other processes"
	@echo "make test-slow   the tests that take minutes"
	@echo "make lint        ruff"
	@echo "More cores: make test WORKERS=4"
	@echo "Another interpreter: make test-quick PYTHON=python3.12 VENV=.venv-3.12"

demo: $(READY)
	TF_CPP_MIN_LOG_LEVEL=2 $(RUN) tools/demo.py --out demo

test: lint
	$(PYTEST)

test-quick: $(READY)
	$(PYTEST) $(addprefix tests/,$(QUICK))

test-slow: $(READY)
	$(PYTEST) -m slow

lint: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

# pip fills a fresh folder: a half-installed environment never gets its stamp. The lock is complete;
# older pips stumble over extras when they resolve it again, hence --no-deps.
$(READY): requirements.lock setup.py
	@test -n "$(PYTHON)" || { echo "Python 3.10 to 3.13 is needed; none was found." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "Python 3.10 to 3.13 is needed; $(PYTHON) is another." >&2; exit 1; }
	@echo "Setting up $(VENV) (a few minutes, once) ..."
	$(PYTHON) -m venv --clear $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		-r requirements.lock
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

clean:
	rm -rf $(VENV) demo
