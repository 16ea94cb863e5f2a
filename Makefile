# Two commands do it all: `make demo` and `make test`. Set-up is done on the way.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
PACKAGES := orthanc orthanc-dicomweb dcmtk dicom3tools chromium libreoffice-calc-nogui

.PHONY: demo test check bench rehearsal endurance format clean system

demo: .stamps/install ## simulate England's week, play its busiest minute, build the report
	$(BIN)/filmless demo

test: .stamps/test system ## everything, against real archives
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not alone"
	$(BIN)/python -m pytest -m alone  # they time things: nothing runs beside them

check: .stamps/test ## lint and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .stamps/test ## speeds, as ratios of paired runs on this machine
	$(BIN)/python -m tests.bench

rehearsal: .stamps/test system ## England's busiest hour against five Orthancs, in real time and at twice that
	$(BIN)/python -m tests.rehearsal

endurance: .stamps/test system ## a thousand images a second for ten minutes into sinks
	$(BIN)/python -m tests.endurance

format: .stamps/test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.stamps/install: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv || (scripts/system-packages python3-venv && $(PYTHON) -m venv --clear .venv)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	mkdir -p .stamps && touch $@

.stamps/test: .stamps/install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $@

# Real archives and tools for the tests. Needs root on Debian; elsewhere it says what is missing, and the tests fail.
system:
	@scripts/system-packages $(PACKAGES)

clean:
	rm -rf .venv .stamps .pytest_cache .mypy_cache .ruff_cache .hypothesis
