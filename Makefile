# Two commands: `make demo` shows what kclassify does, `make test` proves it. Both make their own .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
DEMO   := demo-output

.PHONY: demo test format lint types unit test-zoo test-families test-reliability test-backends test-parity test-hub bench bench-train-step bench-zoo bench-finetune docs clean

$(VENV)/.installed: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

demo: $(VENV)/.installed
	$(BIN)/python tools/demo.py $(DEMO)

test: lint types unit

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

unit: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow and not zoo and not gpu"

test-reliability: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist worksteal -rP -m slow tests/test_benchmarks.py tests/test_reliability.py tests/test_devices.py tests/test_cluster.py tests/test_resume.py tests/test_guards.py tests/test_finetune.py tests/test_pipeline.py tests/test_policies.py

test-backends: .venv-parity/.installed
	.venv-parity/bin/python -m pytest -m slow -s tests/test_backends.py
	KERAS_BACKEND=jax .venv-parity/bin/python -m pytest -m "not zoo" tests/test_zoo.py -k logits_equal
	KERAS_BACKEND=torch .venv-parity/bin/python -m pytest -m "not zoo" tests/test_zoo.py -k logits_equal

# Hundreds of models in one process: oneDNN's own pool gives nothing back and would grow until the kernel kills a worker.
test-zoo test-families: export TF_ONEDNN_USE_SYSTEM_ALLOCATOR = 1

test-zoo: $(VENV)/.installed-dev
	$(BIN)/python -m pytest tests/test_zoo.py -k no_family
	$(BIN)/python -m pytest -n 2 --dist load -m zoo tests/test_zoo.py
	$(BIN)/python -m pytest -n 2 --dist load -m zoo tests/test_reparameterise.py tests/test_applications.py

test-families: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist load -m zoo tests/test_zoo_families.py

test-hub: .venv-hub/.installed
	.venv-hub/bin/python -m pytest tests/test_kerashub.py

.venv-hub/.installed: setup.cfg constraints.txt
	$(PYTHON) -m venv .venv-hub
	.venv-hub/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[keras-hub]" pytest
	touch $@

test-parity: .venv-parity/.installed .venv-paddle/.installed
	.venv-parity/bin/python tools/parity.py --save

.venv-parity/.installed: constraints.txt constraints-parity.txt
	$(PYTHON) -m venv .venv-parity
	.venv-parity/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e . safetensors huggingface_hub pytest
	.venv-parity/bin/python -m pip install --quiet --disable-pip-version-check -r constraints-parity.txt --no-deps
	touch $@

bench: .venv-bench/.installed
	.venv-bench/bin/python benchmarks/input_pipeline.py --save

.venv-bench/.installed: constraints.txt benchmarks/constraints.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e . scikit-image
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r benchmarks/constraints.txt
	touch $@

bench-train-step: .venv-parity/.installed-bench .venv-paddle/.installed
	.venv-parity/bin/python benchmarks/train_step.py mobilenetv3_large --save --paddle-python .venv-paddle/bin/python
	.venv-parity/bin/python benchmarks/train_step.py resnet50 --rounds 3 --restart --save --paddle-python .venv-paddle/bin/python

bench-zoo: .venv-parity/.installed-bench
	.venv-parity/bin/python benchmarks/zoo_speed.py --save

bench-finetune: $(VENV)/.installed
	$(BIN)/python benchmarks/finetune.py --save

.venv-parity/.installed-bench: .venv-parity/.installed
	.venv-parity/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[jax]" scikit-image
	touch $@

.venv-paddle/.installed: benchmarks/constraints-paddle.txt
	$(PYTHON) -m venv .venv-paddle
	.venv-paddle/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/constraints-paddle.txt
	touch $@

docs: $(VENV)/.installed-dev
	$(BIN)/python tools/docs.py

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) .venv-parity .venv-bench .venv-paddle .venv-hub $(DEMO) runs build *.egg-info
