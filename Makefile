# make demo: sets up and runs the main job on real photographs. make test: sets up and passes the tests.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: setup demo test test-all lite-model lint lock clean

setup: $(READY)

$(READY): setup.cfg pyproject.toml requirements.lock requirements/mmpose.txt requirements/watermark.txt requirements/studio.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable ".[ray,lite,torch,mmpose,synth,train,s3,dev]"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement requirements/mmpose.txt --requirement requirements/watermark.txt --requirement requirements/studio.txt
	touch $(READY)

demo: setup
	$(BIN)/python examples/demo.py demo

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/humanverse models pull --preset lite
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile

test-all: lint
	$(BIN)/humanverse models pull --preset lite
	$(BIN)/python -m pytest -m "slow or not slow"

# Renders synthetic people and trains the lite structure network on them: hours on a CPU.
lite-model: setup
	$(BIN)/python -m pipelines.lite_structure render build/lite-structure/examples
	$(BIN)/python -m pipelines.lite_structure train build/lite-structure/examples build/lite-structure/run
	$(BIN)/python -m pipelines.lite_structure export build/lite-structure/run annotators/structure/lite-structure.onnx

lock: setup
	$(BIN)/python -m pip freeze --exclude-editable | sed 's/+cpu$$//' > requirements.lock

clean:
	rm -rf $(VENV) demo build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
