# The station's own commands. Every target makes the environment it needs in .venv first.
#   DEMO_ARGS, PYTEST_ARGS, BENCH_ARGS, SOAK_ARGS, LOCK_ARGS   handed on
#   WORKERS                                                    processes the tests run in (2); 0: in one, as for a debugger
#   PYTHON                                                     the interpreter .venv is made with
#   CHECK=1                                                    with bench and soak: fail where a goal is missed

BIN := .venv/bin
WORKERS ?= 2
.DEFAULT_GOAL := help
.PHONY: help env demo test check format bench soak lock wheel clean

help: ## what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: ## the environment for working on the station, without the training extra
	@.ci/environment dev

demo: ## the station with a simulated rig; needs no hardware
	@.ci/environment base
	@$(BIN)/station demo $(DEMO_ARGS)

# one thread of linear algebra for each process: with more they wait for each other, and small fits take ten times as long
test: ## the whole suite, in an environment with every extra
	@.ci/packages test || true
	@.ci/environment all
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal $(PYTEST_ARGS)

check: ## format, lint, types, floors of the house, generated files
	@.ci/environment dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python .ci/schema_drift.py
	$(BIN)/python -m station.calibrate.printed.printing --out calibration --check
	$(BIN)/python -m station.scan.batch.diagram docs/batch.md --check
	$(BIN)/python .ci/protocol_reference.py --check
	@if [ -e firmware/generate.py ]; then set -x; $(BIN)/python firmware/generate.py --check; fi

format: ## put the sources in shape
	@.ci/environment dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: ## measure speed and accuracy, write docs/figures.md
	@.ci/environment dev
	$(BIN)/python tests/benchmarks/run.py bench $(BENCH_ARGS)

soak: ## the long proofs, write docs/figures.md
	@.ci/environment dev
	$(BIN)/python tests/benchmarks/run.py soak $(SOAK_ARGS)

lock: ## resolve constraints.txt anew (LOCK_ARGS=--upgrade takes newer releases)
	@.ci/environment dev
	$(BIN)/uv pip compile --universal --python-version 3.11 --all-extras --quiet \
	    --custom-compile-command 'make lock' --output-file constraints.txt $(LOCK_ARGS) pyproject.toml

wheel: ## dist/*.whl
	@.ci/environment dev
	$(BIN)/python -m build --wheel

clean: ## remove what was built; .venv stays
	rm -rf build dist out .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
