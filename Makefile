# The two commands of a newcomer: `make run` (or `make demo`) and `make test`. Needs python3 with venv, and make.
SHELL := /bin/sh
PORT ?= 8000
HOST ?= 127.0.0.1
PYTHON3 ?= python3
BIN := .venv/bin
MANAGE := $(BIN)/python manage.py
export UV_PYTHON_DOWNLOADS = never
export PYTHONUNBUFFERED = 1

.PHONY: help run demo test check lock messages clean

help:
	@echo "make run    Poststelle starten (PORT=8000, DATA_DIR=./data)"
	@echo "make demo   dasselbe mit Beispielfirma, Postfächern und lebendem Mailverkehr"
	@echo "make test   alle Tests"
	@echo "make check  Stil, Typen, Abhängigkeiten, Vorlagen, Übersetzungen"
	@echo "make lock   requirements.lock neu berechnen"

# One stamp per state of the lock file; a changed lock installs again.
.venv/.installed: requirements.lock
	@echo "Umgebung wird eingerichtet (.venv, etwa 10 bis 60 Sekunden) …"
	@$(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Poststelle braucht Python 3.11 oder neuer.")'
	@if command -v uv >/dev/null 2>&1; then UV=uv; \
	else test -x .boot/bin/uv || { $(PYTHON3) -m venv .boot && .boot/bin/pip install -q --disable-pip-version-check uv || rm -rf .boot/bin/uv; }; UV=.boot/bin/uv; fi; \
	if command -v $$UV >/dev/null 2>&1; then \
	  $$UV venv -q --allow-existing --python "$$(command -v $(PYTHON3))" .venv && $$UV pip sync -q --python $(BIN)/python --require-hashes requirements.lock; \
	else \
	  $(PYTHON3) -m venv .venv && $(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock; \
	fi
	@touch $@

run: .venv/.installed
	@exec $(MANAGE) serve --host $(HOST) --port $(PORT)

demo: .venv/.installed
	@DATA_DIR="$${DATA_DIR:-./data/demo}" exec $(MANAGE) demo --host $(HOST) --port $(PORT)

test: .venv/.installed
	@$(BIN)/python scripts/test.py $(ARGS)

check: .venv/.installed
	@$(BIN)/python scripts/check.py

lock: .venv/.installed
	uv pip compile --universal --generate-hashes --all-extras --no-emit-index-url --no-annotate --no-header -q pyproject.toml -o requirements.lock

messages: .venv/.installed
	@$(BIN)/python scripts/messages.py

clean:
	rm -rf .venv .boot
