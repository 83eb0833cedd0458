# What one types here. The work is in .ci/*.sh, in plain sh; each target says what it does in `make help`.

BIN := .venv/bin
OUT ?= out
DATA ?= ../shared/data/hippocampus_mr
# The Python to build .venv with, and another index to take torch from (README, "A smaller torch").
export PYTHON TORCH_INDEX

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format soak pictures study wheel clean

help:            ## this list
	@sed -n 's/^\([a-z]*\): *[a-z]* *## */\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; do printf '  make %-10s %s\n' "$$name" "$$text"; done

setup:           ## .venv with the pinned packages, and the system libraries Qt needs
	@sh .ci/setup.sh

demo: setup      ## the demo workspace in the window; without a screen, its tour into out/tour
	@sh .ci/demo.sh $(OUT)/tour

test: setup      ## the tests, two files at a time (ten minutes on two cores at most)
	@QT_QPA_PLATFORM=$${QT_QPA_PLATFORM:-offscreen} $(BIN)/python -m pytest -q -n 2 --dist loadfile $(ARGS)

lint: setup      ## style, types and the layers of the imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: setup    ## what ruff can put right by itself
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

soak: setup      ## long campaigns: kills, many examples (an hour and more)
	@QT_QPA_PLATFORM=$${QT_QPA_PLATFORM:-offscreen} HYPOTHESIS_PROFILE=soak \
		$(BIN)/python -m pytest -q -m soak --timeout=7200 -o faulthandler_timeout=7200 $(ARGS)

pictures: setup  ## the pictures of the README and docs, remade from phantoms
	@QT_QPA_PLATFORM=$${QT_QPA_PLATFORM:-offscreen} $(BIN)/python -m pytest -q -m pictures --timeout=900 $(ARGS)

study: setup     ## what the gates gain: 12 short trainings (resumable; DATA, ARGS), tables for docs/results.md
	@$(BIN)/python -m model.bench.study --data $(DATA) --out $(OUT)/study $(ARGS)

wheel: setup     ## the wheel, in dist/
	@$(BIN)/python -m build --wheel --no-isolation --outdir dist .

clean:           ## removes what the other targets made, .venv excepted
	@rm -rf $(OUT) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find app model resources tests -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
