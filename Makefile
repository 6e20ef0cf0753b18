# Every target sets up what it needs in .venv from the hashed lock files.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
OUT    ?= build/report
ENGINES := .venv-engines
SITE   := .venv-site

# One thread for each worker of a test run; the command line sets the same.
export OPENBLAS_NUM_THREADS := 1

.PHONY: report test test-all test-engines installed check bench bench-reading lab docs site fonts vega gallery policies notebooks lock clean
.DEFAULT_GOAL := report

# --- set-up ---------------------------------------------------------------------------------
$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements/runtime.lock pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes -r requirements/runtime.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.lock pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes -r requirements/dev.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.runtime

# --- the two commands of the README --------------------------------------------------------------
report: $(VENV)/.runtime
	$(BIN)/outage-analysis report --out $(OUT) --force

test: $(VENV)/.dev
	$(BIN)/python -m pytest $(WORKERS)
# Without the last option xdist starts the files with the most tests first, and the longest come last.
WORKERS := -n auto --dist loadfile --no-loadscope-reorder

# --- for contributors ----------------------------------------------------------------------------
# The tests of `make test` and those marked slow: kills, races, every byte, hostile grids, browsers, LibreOffice.
test-all: $(VENV)/.dev
	$(BIN)/python -m pytest -m 'not bench and not installed' $(WORKERS)

# Cubes from DuckDB, PostgreSQL and Spark Connect, in an environment of their own: ibis needs pandas 2.
test-engines: $(ENGINES)/.done
	$(ENGINES)/bin/python -m pytest tests/engines -m 'not bench'

$(ENGINES)/.done: requirements/engines.lock pyproject.toml
	$(PYTHON) -m venv $(ENGINES)
	$(ENGINES)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements/engines.lock
	$(ENGINES)/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --no-build-isolation -e .
	@touch $@

# The documentation site, build/site: it opens without a network and without a server.
site: $(SITE)/.done
	$(SITE)/bin/python docs/build_site.py
	$(SITE)/bin/python -m pytest tests/documentation_site -m 'not bench'

$(SITE)/.done: requirements/docs.lock pyproject.toml
	$(PYTHON) -m venv $(SITE)
	$(SITE)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements/docs.lock
	$(SITE)/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --no-build-isolation -e .
	@touch $@

# The wheel, installed: its command, its notebooks twice, a project of one's own, and JupyterLab in a browser.
installed: $(VENV)/.dev
	$(BIN)/python -m pytest -m installed -n auto --dist loadfile

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	$(BIN)/python -m pytest tests/benchmarks -m bench -s

# Damaged complaint files, read by this package and by others: the table in docs/claims.md.
bench-reading: $(VENV)/.dev
	$(BIN)/python -m pytest tests/benchmarks/test_reading_damaged_files.py -m bench -s
	$(BIN)/python docs/reading.py

lab: $(VENV)/.dev
	$(BIN)/outage-analysis lab notebooks

# Parts of others that the package carries: a cut of their fonts (needs fonts-noto-cjk), and Vega.
fonts: $(VENV)/.dev
	$(BIN)/python docs/fonts.py

vega: $(VENV)/.dev
	$(BIN)/python docs/vega.py

# Pictures of every format for the docs; needs chromium, LibreOffice and poppler.
gallery: $(VENV)/.dev
	$(BIN)/python docs/gallery.py
	$(BIN)/python docs/moving_picture.py

# The notebooks with their outputs, as a code host shows them.
notebooks: $(VENV)/.dev
	$(BIN)/python docs/notebooks.py

# The tables of docs/cases.md and docs/validation.md, from the code.
docs: $(VENV)/.dev
	$(BIN)/python docs/backtest.py
	$(BIN)/python -m tests.studies.left_out_one_by_one
	$(BIN)/python docs/forecasts.py

# After a policy was added or changed: its golden result, its line in docs/policies.md.
policies: docs
	$(BIN)/python docs/policies.py

lock: $(VENV)/.dev
	$(BIN)/uv pip compile pyproject.toml --group build $(LOCK) -o requirements/runtime.lock
	$(BIN)/uv pip compile pyproject.toml --extra notebooks --group dev $(LOCK) -o requirements/dev.lock
	$(BIN)/uv pip compile pyproject.toml --extra engines --group build --group engine-tests $(LOCK) -o requirements/engines.lock
	$(BIN)/uv pip compile pyproject.toml --extra notebooks --group build --group site $(LOCK) -o requirements/docs.lock
LOCK := --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url \
	--no-emit-find-links --custom-compile-command "make lock" --quiet

clean:
	rm -rf $(VENV) $(ENGINES) $(SITE) .cache build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
