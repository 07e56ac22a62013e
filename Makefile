# Everything below needs python3 (3.11 or later) and make; it installs into .venv and nowhere else.
.DEFAULT_GOAL := help
.PHONY: help run test races chaos bench lint audit lock clean venv

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
# A process for each core, and not fewer than two: most tests wait for other processes.
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); [ $$n -lt 2 ] && n=2; echo $$n)
ARGS ?=
# The broker of `make test`: valkey, which is in the requirements, or rabbitmq, which the system has.
BROKER ?= valkey

# Installs a lock file, hashes checked, unless .venv holds a copy of that very file.
install = @cmp -s $(1) .venv/$(1) || { echo "Installing $(1) into .venv" && \
	$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r $(1) && \
	cp $(1) .venv/$(1); }

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-7s %s\n", $$1, $$2}' Makefile

run: venv ## Start everything; Ctrl-C ends it (ONCEPROOF_HOME, PORT, FLOWER_PORT)
	$(call install,requirements.txt)
	@ONCEPROOF_END_WITH_PARENT=1 exec $(BIN)/python manage.py up

test: venv ## Run the whole suite on throwaway servers (ARGS="-k name"; BROKER=rabbitmq)
	$(call install,requirements-dev.txt)
	@TEST_BROKER=$(BROKER) $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

races: venv ## Explore every race on a throwaway server (ARGS="--json", ARGS="NAME --draw")
	$(call install,requirements.txt)
	@$(BIN)/python manage.py races $(ARGS)

chaos: venv ## Break everything under load, compare the books (ARGS="--messages N --faults M --json")
	$(call install,requirements.txt)
	@$(BIN)/python manage.py chaos $(ARGS)

bench: venv ## Measure it beside bare Celery and others (QUICK=1: a few minutes, without peers)
	$(call install,requirements.txt)
	@$(BIN)/python -m benchmarks --size $(if $(QUICK),quick,full) $(ARGS)

lint: venv ## Check style, types, import contracts, migrations, deployment settings
	$(call install,requirements-dev.txt)
	@failed=0; for check in "ruff check --quiet ." "ruff format --check --quiet ." mypy \
		"lint-imports --no-cache" "python -m tests.checks"; do \
		echo "== $$check"; $(BIN)/$$check || failed=1; done; exit $$failed

audit: venv ## Look the locked packages up among known vulnerabilities (asks the package index)
	$(call install,requirements-dev.txt)
	@$(BIN)/python -m tests.audit

lock: venv ## Resolve requirements*.in anew and write the hashed lock files
	@$(BIN)/python -m pip install -qq --disable-pip-version-check uv
	@for name in requirements requirements-observability requirements-dev; do \
		$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 \
			--upgrade $$name.in $$([ $$name = requirements ] || echo -c requirements.txt) -o $$name.txt || exit 1; \
	done

clean: ## Remove .venv and caches; the data in ONCEPROOF_HOME stays
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis staticfiles
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

venv:
	@[ -n "$(PYTHON)" ] || { echo "Onceproof needs Python 3.11 or later; none was found."; exit 1; }
	@[ -x $(BIN)/pip ] || $(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo "Could not make .venv (on Debian and Ubuntu: apt install python3-venv)."; exit 1; }
