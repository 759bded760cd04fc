# `make demo` shows what the package does, `make test` tests it. Each target sets up everything it
# needs in .venv from the pinned requirements.lock.

VENV ?= .venv
# The first of these that runs: stubs of version managers may be in the path and fail.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3.10 python3; do \
	$$python -c "" 2>/dev/null && { echo $$python; break; }; done)
RUN := $(VENV)/bin/python
READY := $(VENV)/.ready
# Most of the time of a test is single-threaded graph tracing, so two processes take half as long.
# `loadfile` keeps the tests of a file, and their shared fixtures, in one process.
WORKERS ?= 2
PYTEST := TF_CPP_MIN_LOG_LEVEL=2 $(RUN) -m pytest -n $(WORKERS) --dist loadfile

# Packages whose tests start no other process and train nothing.
QUICK := layout_test.py conventions_test.py core geometry lighting io losses metrics results morphable_models \
	layers rendering

.PHONY: help demo test test-quick test-slow test-torch lint package package-test clean

help:
	@echo "make demo        reconstruct a photograph, train for a minute; results in demo/"
	@echo "make test        lint and the default test suite"
	@echo "make test-quick  the tests that need neither training nor other processes"
	@echo "make test-slow   the tests that take minutes"
	@echo "make test-torch  the tests that read files of PyTorch"
	@echo "make lint        ruff"
	@echo "make package     wheel and sdist in dist/"
	@echo "make package-test  install the wheel in an empty environment and use it"
	@echo "More cores: make test WORKERS=4"
	@echo "Another interpreter: make test-quick PYTHON=python3.12 VENV=.venv-3.12"

demo: $(READY)
	TF_CPP_MIN_LOG_LEVEL=2 $(RUN) -m tf_facerecon demo --out demo

test: lint
	$(PYTEST)

test-quick: $(READY)
	$(PYTEST) $(addprefix tests/,$(QUICK))

test-slow: $(READY)
	$(PYTEST) -m slow

# PyTorch (2.6 or newer) must be installed in the environment; without it these tests are skipped.
test-torch: $(READY)
	@$(RUN) -c "import torch" || { echo "Install PyTorch: $(RUN) -m pip install torch" >&2; exit 1; }
	$(PYTEST) -n 0 tests/models/converters

lint: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

# The wheel is built from the sdist, outside of the checkout: so the sdist is complete, and no stale
# file of build/ gets in.
package: $(READY)
	rm -rf dist
	$(RUN) -c "from setuptools import build_meta; build_meta.build_sdist('dist')"
	$(RUN) -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation \
		--wheel-dir dist dist/tf_facerecon-*.tar.gz

package-test: package
	.ci/package_test $(PYTHON)

# The stamp is written last, so that a half-installed environment is set up again. The lock is
# complete; older versions of pip fail on extras when they resolve it again, hence --no-deps.
$(READY): requirements.lock pyproject.toml
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
	rm -rf $(VENV) demo build dist
