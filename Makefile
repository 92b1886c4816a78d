# leadlife: `make demo` sets up and runs the main job; `make test` sets up and passes the tests.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
export PYTHONWARNINGS := ignore::DeprecationWarning:pip

.DEFAULT_GOAL := help
.PHONY: help demo test cover lint types docs fuzz plugin tryton spark soak bench clean

help: ## say what there is to make
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.core: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade "pip>=25.1"
	$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	$(PIP) install -c constraints.txt --group dev --group docs
	@touch $@

demo: $(VENV)/.core ## set up and walk a simulated funnel, from first contact to the honest table
	$(BIN)/leadlife demo

test: $(VENV)/.dev ## set up and run the tests
	$(BIN)/python -m pytest -n auto --dist loadfile --deselect tests/batch/test_spark.py

cover: $(VENV)/.dev ## run the tests without ../shared and demand every branch of the package
	PYTHONHASHSEED=0 LEADLIFE_SHARED=none LEADLIFE_EXAMPLES=20 LEADLIFE_DERANDOMIZE=1 $(BIN)/python -m pytest -n auto --dist loadfile --ignore tests/hosts --ignore tests/stores/test_campaign.py --ignore tests/batch/test_spark.py --ignore tests/test_lab.py --deselect tests/economics/test_forecast.py::test_the_intervals_cover_what_comes_as_often_as_they_say --deselect tests/scoring/test_points.py::test_a_million_activities_on_one_lead --cov --cov-report=term:skip-covered --cov-fail-under=100

lint: $(VENV)/.dev ## ruff and the layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.dev ## mypy strict and pyright: the package, what users write, every block of the docs; the public types are complete
	$(BIN)/python tests/typed_docs.py build/typed_docs
	$(BIN)/mypy && $(BIN)/mypy --strict --config-file= build/typed_docs tests/typed_spellings.py
	export PATH="$(CURDIR)/$(BIN):$$PATH"; pyright && pyright build/typed_docs tests/typed_spellings.py && pyright --verifytypes leadlife --ignoreexternal

docs: $(VENV)/.dev ## build the documentation, warnings as errors
	$(BIN)/sphinx-build -n -W -q -b html docs docs/_build/html
fuzz: $(VENV)/.dev ; $(BIN)/python tests/fuzzing.py 30 ## break definition and mapping files for 30 seconds
plugin: $(VENV)/.dev ; sh examples/acme_plugin/try.sh $(PYTHON) ## build the example plugin, and try it in a fresh environment
tryton: $(VENV)/.dev ; sh examples/tryton_plugin/try.sh $(PYTHON) ## build the Tryton module, and run its scenario in a fresh environment
spark: $(VENV)/.dev ; sh tests/batch/on_spark.sh $(BIN) ## the replay and the scores on Spark, in local mode and over Spark Connect; needs Java
soak: $(VENV)/.dev ## long campaigns: many more random lives and laws, and the simulated year of a small firm
	LEADLIFE_EXAMPLES=2000 $(BIN)/python -m pytest -n auto tests/planning tests/properties tests/economics && $(BIN)/python tests/year.py
	PYTHONPATH=src:tests $(BIN)/python -m reference.campaign --lives 2000 --seed 1 --features all && $(BIN)/python tests/batch/soak.py 500000 && $(BIN)/python tests/batch/soak.py one 2000000
	for job in "kills --count 300" "cuts --count 2000" "flips --count 2000" "writers --count 1600" "duplicates --count 50000"; do PYTHONPATH=src:tests $(BIN)/python -m stores.campaign $$job || exit 1; done
bench: $(VENV)/.dev ## measure, against named rivals in the same run
	for job in moves scoring bayes checks record planning economics stores batch; do $(BIN)/python benchmarks/bench_$$job.py || exit 1; done
clean: ; rm -rf $(VENV) docs/_build dist build .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache ## remove what was built
