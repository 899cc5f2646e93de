# One word per intent. Each target makes the environment it needs, from Python and make alone.
# `make test` runs where no torch is installed; `make parity` has an environment with one.

PYTHON ?= python3
ENV := .venv

EXTRAS_test := test,dev
EXTRAS_parity := parity
EXTRAS_demo := examples
EXTRAS_bench := bench

.DEFAULT_GOAL := help
.PHONY: help check test parity conformance demo bench stubs clean
.SECONDARY:

$(ENV)/%/.ready: pyproject.toml
	$(PYTHON) -m venv $(ENV)/$*
	$(ENV)/$*/bin/pip install --quiet --editable '.[$(EXTRAS_$*)]'
	touch $@

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "  make %-12s %s\n", $$1, $$2 }'

check: $(ENV)/test/.ready ## format, lint, types, the front door and the floor plan
	$(ENV)/test/bin/ruff format --check .
	$(ENV)/test/bin/ruff check .
	$(ENV)/test/bin/pyright --pythonpath $(ENV)/test/bin/python
	$(ENV)/test/bin/python -m pytest -q tests/test_tiny.py tests/test_architecture.py

test: $(ENV)/test/.ready ## all tests that need no torch
	$(ENV)/test/bin/python -m pytest -q -n auto

parity: $(ENV)/parity/.ready ## the tests against a live PyTorch
	$(ENV)/parity/bin/python -m pytest -q -n auto -m parity

conformance: $(ENV)/parity/.ready ## transforms of every operator of PyTorch's database (slow)
	$(ENV)/parity/bin/python -m pytest -q -n auto tests/conformance

demo: $(ENV)/demo/.ready ## train a small CNN on handwritten digits and draw the result
	$(ENV)/demo/bin/python -m functorch_lite run examples/digits_cnn.py --out build/digits

bench: $(ENV)/bench/.ready ## time us beside PyTorch, torch.compile, plain JAX, flax
	$(ENV)/bench/bin/python -m benchmarks
	$(ENV)/bench/bin/python -m benchmarks.functional

stubs: $(ENV)/test/.ready ## write functorch_lite/torch/__init__.pyi anew
	$(ENV)/test/bin/python -m tools.stubs

clean: ## remove environments and everything built
	rm -rf $(ENV) build dist .pytest_cache .ruff_cache .hypothesis
