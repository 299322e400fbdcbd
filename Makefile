# SPDX-License-Identifier: Apache-2.0
#
# make             builds the programs for debugging
# make test        all checks and tests: exactly what CI runs
# make soak        real programs at work in a folder for minutes each, with the programs built for use
# make repeat      REPEATS runs of the end-to-end tests, to find those that do not always pass
# make bench       what the hot inner parts cost
# make install     builds the programs for use, and installs them under PREFIX

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build

PREFIX ?= /usr/local
DESTDIR ?=
SEEDS ?= 10000
REPEATS ?= 20
SOAKS ?= editors sqlite git deep crowd
PROGRAMS := relay-server relay-agent relay-ctl relay-watch
EXAMPLES := two-agents store-limit-zero demo
PACKAGES := libinotifytools0-dev libsqlite3-dev libzstd-dev
HEADERS := inotifytools/inotifytools.h sqlite3.h zstd.h
FORMATTED := Package.swift Sources Tests
STRICT := --explicit-target-dependency-import-check error

.PHONY: build release install format check test soak repeat simulate bench demo setup clean

# The libraries that are not Swift packages. Does nothing when their headers are there.
setup:
	@command -v swift >/dev/null || { echo "swift is missing: see https://www.swift.org/install/linux/" >&2; exit 1; }
	@missing=; for header in $(HEADERS); do \
		[[ -e /usr/include/$$header || -e /usr/local/include/$$header ]] || missing="$$missing $$header"; \
	done; \
	if [[ -n $$missing ]]; then \
		command -v apt-get >/dev/null || { \
			echo "these headers are missing:$$missing" >&2; \
			echo "apt-get is missing as well: install the development packages of libinotifytools," \
				"SQLite and zstd with your system's package tool" >&2; \
			exit 1; }; \
		as_root=; if (( EUID != 0 )); then as_root=sudo; fi; \
		$$as_root apt-get update -q; \
		$$as_root env DEBIAN_FRONTEND=noninteractive \
			apt-get install -q -y --no-install-recommends $(PACKAGES); \
	fi

build:
	swift build

release:
	for program in $(PROGRAMS); do swift build -c release --product $$program; done

install: release
	install -d "$(DESTDIR)$(PREFIX)/bin"
	directory=$$(swift build -c release --show-bin-path); \
	for program in $(PROGRAMS); do \
		install -m 755 "$$directory/$$program" "$(DESTDIR)$(PREFIX)/bin/$$program"; \
	done

format:
	swift format format --in-place --recursive $(FORMATTED)

# The end-to-end tests have a process of their own: for an instant, each program that they start holds all files
# that other tests have open, which those would notice.
# RELAY_STRICT makes warnings in our own targets errors (see Package.swift).
check: export RELAY_STRICT := 1
check:
	swift format lint --strict --recursive $(FORMATTED)
	swift build --build-tests $(STRICT)
	swift test $(STRICT) --skip EndToEndTests
	swift test $(STRICT) --skip-build --filter EndToEndTests
	directory=$$(swift build --show-bin-path); \
	for example in $(EXAMPLES); do RELAY_BIN=$$directory examples/$$example.sh; done

test: setup check

# Needs git, perl, sqlite3 and vim.
soak: release
	directory=$$(swift build -c release --show-bin-path); \
	for soak in $(SOAKS); do echo "== $$soak"; RELAY_BIN=$$directory Tests/Soak/$$soak.sh; done

# FILTER='EndToEndTests.ScenarioRaceTests' repeats those alone.
FILTER ?= EndToEndTests
repeat:
	swift build --build-tests
	REPEATS=$(REPEATS) FILTER='$(FILTER)' Tests/Soak/repeat.sh

# SEEDS cases for the planner (two machines that change apart and meet again; a world has ten), and a tenth as many
# worlds in which everything happens at once; or what ARGUMENTS say, as in ARGUMENTS='--replay 7'.
ARGUMENTS ?=
SIMULATE = $$(swift build -c release --show-bin-path)/relay-simulate
simulate:
	swift build -c release --product relay-simulate
	if [[ -n "$(ARGUMENTS)" ]]; then $(SIMULATE) $(ARGUMENTS); else \
		$(SIMULATE) --planner --seeds $$(( ($(SEEDS) + 9) / 10 )); \
		$(SIMULATE) --seeds $$(( ($(SEEDS) + 9) / 10 )); \
	fi

# What the hot inner parts cost on this machine: chunks, hashes, planner, databases, folder. FILTER chooses.
bench:
	swift build -c release --product relay-bench
	$$(swift build -c release --show-bin-path)/relay-bench $(if $(filter-out EndToEndTests,$(FILTER)),'$(FILTER)')

demo: setup build
	examples/demo.sh

clean:
	swift package clean
