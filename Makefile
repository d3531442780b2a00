# EnhanceMe: `make study` runs the study, `make test` checks everything. Both install what they need into .venv first.
#
#   make study [PROFILE=quick] [DATA=folder] [OUT=reports/local] [SEED=0] [FORCE=1]
#   make weights [WEIGHTS=reports/local-weights]     (train `fusion` on simulated scenes, an hour; resumes)
#   make weights SENSOR=OUT.yaml WEIGHTS=folder      (train folder/run for the sensor of `enhanceme fit-sensor`)
#   make weights-real DATA=folder [WEIGHTS_REAL=reports/local-weights-real]     (train `fusion-real` on real scenes, an hour; resumes)
#   make test | lint | lab | bench | venv | clean

PROFILE ?= quick
OUT     ?= reports/local
SEED    ?= 0
WEIGHTS ?= reports/local-weights
SENSOR  ?= weights
WEIGHTS_REAL ?= reports/local-weights-real

# The first Python from 3.11 to 3.13 that really runs.
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
ifndef PYTHON
PYTHON := $(shell for p in python3 python python3.13 python3.12 python3.11; do $$p -c "$(SUPPORTED)" >/dev/null 2>&1 && { echo $$p; break; }; done)
endif

VENV  := .venv
BIN   := $(VENV)/bin
STAMP := $(VENV)/.installed
export TF_CPP_MIN_LOG_LEVEL ?= 3
export PYTHONHASHSEED ?= 0
export OPENBLAS_NUM_THREADS ?= 1

# Git: the hooks in .githooks, and notebooks merged cell by cell, both with the environment's own commands.
HOOKS = git config --local core.hooksPath .githooks \
	&& git config --local merge.nbdev-merge.name "merge notebooks cell by cell" \
	&& git config --local merge.nbdev-merge.driver '"$(CURDIR)/$(BIN)/nbdev_merge" %O %A %B %P'

# What ruff checks. enhanceme/ is generated: only names that an exported cell takes from a hidden one are searched there.
LINTED := nbs tests benchmarks setup.py

.PHONY: study weights weights-real test lint library lab bench venv clean
.DEFAULT_GOAL := study

study: venv
	@$(BIN)/enhanceme study --profile "$(PROFILE)" --out "$(OUT)" --seed "$(SEED)" $(if $(DATA),--data "$(DATA)") $(if $(FORCE),--force)

# Scenes and run are kept under WEIGHTS: a call that was interrupted goes on. Weights for another SENSOR stay there.
weights: venv
	@$(BIN)/enhanceme simulate "$(WEIGHTS)/data" --profile "$(SENSOR)"
	@$(BIN)/enhanceme train --profile "$(SENSOR)" --data "$(WEIGHTS)/data" --store "$(WEIGHTS)/store" --run "$(WEIGHTS)/run"
	@test "$(SENSOR)" != weights || { $(BIN)/enhanceme export "$(WEIGHTS)/run" "$(WEIGHTS)/run/best.keras" --set registration.choice=real && mkdir -p enhanceme/weights && cp "$(WEIGHTS)/run/best.keras" enhanceme/weights/.fusion.keras && mv enhanceme/weights/.fusion.keras enhanceme/weights/fusion.keras; }

# From `fusion` and labelled real scenes: profiles/weights-real.txt names them. Resumes, too.
weights-real: venv
	@test -n "$(DATA)" || { echo "enhanceme: give the data set with the real scenes, DATA=folder"; exit 2; }
	@$(BIN)/enhanceme validate "$(DATA)" "$(WEIGHTS_REAL)" --profile weights-real --scenes profiles/weights-real.txt --from fusion --flips 4 --networks 2
	@$(BIN)/enhanceme export "$(WEIGHTS_REAL)/folds/average.keras" "$(WEIGHTS_REAL)/folds/average.keras"
	@for f in average.keras:enhanceme/weights/fusion-real.keras choice.csv:enhanceme/weights/choice.csv scores.csv:benchmarks/validation.csv uncertainty.csv:benchmarks/uncertainty.csv; do \
		to="$${f#*:}"; cp "$(WEIGHTS_REAL)/folds/$${f%%:*}" "$$to.part" && mv "$$to.part" "$$to" || exit 1; done

test: venv lint
	@$(BIN)/python -m pytest tests -n 2 --dist loadgroup -q -rs

lint: venv
	@$(BIN)/ruff check $(LINTED)
	@$(BIN)/ruff check --isolated --select F821 enhanceme
	@$(BIN)/ruff format --check --quiet $(LINTED) || { $(BIN)/ruff format --check $(LINTED); exit 1; }

# The library's notebooks as pages in reports/library; those that did not change are skipped.
library: venv
	@$(BIN)/python -c "from enhanceme.library import render_library; print(render_library())"

lab: venv
	@$(BIN)/jupyter lab --notebook-dir=. nbs/explore.ipynb

# speed, as ratios in one run; the other benchmarks are surveys and want data: see their --help
SPEED := explorer feeding large losses metrics models preparation simulation
bench: venv
	@set -e; for f in $(SPEED:%=benchmarks/bench_%.py); do echo "== $$f"; $(BIN)/python $$f; done

venv: $(STAMP)

# An install that was cut short leaves .installing behind: then the environment is made anew.
$(STAMP): settings.ini setup.py constraints.txt
	@test -n "$(PYTHON)" || { echo "enhanceme: needs Python 3.11, 3.12 or 3.13 on the PATH (or PYTHON=/path/to/python3.12); found none"; exit 2; }
	@$(PYTHON) -c "$(SUPPORTED)" 2>/dev/null || { echo "enhanceme: PYTHON=$(PYTHON) is not a Python from 3.11 to 3.13; name another one"; exit 2; }
	@if [ -e $(VENV)/.installing ] || ! $(BIN)/python -m pip --version >/dev/null 2>&1; then rm -rf $(VENV); $(PYTHON) -m venv $(VENV); fi
	@touch $(VENV)/.installing
	@echo "Installing into $(VENV) (about 3 GB, some minutes; once)"
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt -e '.[dev]'
	@if git rev-parse --git-dir >/dev/null 2>&1; then $(HOOKS); fi
	@rm -f $(VENV)/.installing
	@touch $@

clean:
	rm -rf $(VENV) reports/local build dist *.egg-info .pytest_cache
