PYTHON ?= python3
VENV := .venv
LATEST := .venv-latest
DATA := records/flash_mnist_uci
RUN := runs/demo
BENCH := runs/bench
# A process a core; a file's tests stay together, as they share what they made.
# Files that take long are first: see tests/conftest.py.
PYTEST_FLAGS := --quiet --numprocesses=auto --dist=loadfile \
    --no-loadscope-reorder
# TensorFlow's own start-up notes are not for the user of these commands.
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: help demo test test-all test-latest bench lint format clean

help:
	@echo "make demo         Flash-MNIST from data to SavedModel, on the digits of scikit-learn"
	@echo "make test         tests that start no programs, one run, and the linter"
	@echo "make test-all     all tests and the linter"
	@echo "make test-latest  what may differ on TensorFlow 2.21"
	@echo "make bench        all benchmarks; fills the tables of docs/performance.md"
	@echo "make format       formats the code"
	@echo "make clean        removes the environments and the output of the demo"

$(VENV)/installed: setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --constraint constraints.txt \
	    --editable ".[digits,serving]"
	touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(VENV)/bin/pip install --quiet --constraint constraints.txt \
	    --editable ".[digits,test]"
	touch $@

$(LATEST)/installed: setup.py
	$(PYTHON) -m venv $(LATEST)
	$(LATEST)/bin/pip install --quiet --upgrade "tensorflow==2.21.*" \
	    "jax>=0.4" --editable ".[digits,test]"
	touch $@

demo: $(VENV)/installed
	$(VENV)/bin/python data/flash_mnist/prepare.py \
	    --flagfile=data/flash_mnist/demo.flags --output_dir=$(DATA)
	$(VENV)/bin/python trainers/train.py \
	    --flagfile=flash_mnist_demo.flags --data_dir=$(DATA) \
	    --output_dir=$(RUN)
	$(VENV)/bin/python trainers/predict.py --model=$(RUN)/model.keras \
	    --data_dir=$(DATA) --num_clips=3 --top_k=2
	@echo
	@echo "Records              $(DATA)"
	@echo "Result               $(RUN)/result.json"
	@echo "Model                $(RUN)/model.keras"
	@echo "SavedModel           $(RUN)/saved_model/1"
	@echo "Accuracy per epoch   $(RUN)/accuracy.png"
	@echo "Attention maps       $(RUN)/attention.png"
	@echo "TensorBoard          $(VENV)/bin/tensorboard --logdir $(RUN)/tensorboard"

lint: $(VENV)/installed-test
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check

test: lint
	$(VENV)/bin/python -m pytest $(PYTEST_FLAGS) \
	    -m "end_to_end or not (programs or stress)"

test-all: lint
	$(VENV)/bin/python -m pytest $(PYTEST_FLAGS)

test-latest: $(LATEST)/installed
	$(LATEST)/bin/python -m pytest $(PYTEST_FLAGS) \
	    -m "versions or not (programs or stress)"

# Nothing else should run meanwhile.
bench: $(VENV)/installed-test
	$(VENV)/bin/python benchmarks/all_programs.py --output_dir=$(BENCH)

format: $(VENV)/installed-test
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

clean:
	rm -rf $(VENV) $(LATEST) $(DATA) $(RUN) $(BENCH)
