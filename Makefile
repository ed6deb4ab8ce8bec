# The project's commands; `make` lists them. They need a POSIX shell and Python 3.11 or newer, nothing else.
# Settings, as in `make setup TORCH=cpu`:
#   TORCH=cpu        the CPU build of torch, from PyTorch's own index; remembered until VENV is removed
#   TORCH=default    the build on PyPI: with CUDA on Linux, for the CPU on macOS
#   PYTHON=python3   makes the virtual environment
#   VENV=.venv       where that environment lies
#   PYTEST_ARGS=     passed to pytest, such as '-k derive'
#   THREADS=1        CPU threads that make bench uses
#   DEVICE=cpu       the device that make bench, profile and scaling measure: cpu or cuda
#   ARGS=            passed to make gpu-check, such as --dry or --limit 300, and to make study, such as --dry-run
#   STUDY=studies/cifar10   the folder of a study
#   STAGE=1          search stage that make profile looks at
#   BASE=            the commit that make moved starts from, such as main
#   OTHER=HEAD       what make moved compares with BASE: a commit, or . for the working tree as it is
#   TARGET=demo      what to accept, calibrate, plan or preflight: a target of the workflow, or result files
#   CONFIGFILE=      files with settings of your own, such as mine.yaml, for accept, calibrate, plan, ledger, preflight and tidy
#   CONFIG=          a single setting for the same commands, as in CONFIG='repeats={retrainings: 10}'
#   REASON=          why make accept may keep the results; their provenance repeats it
#   WANDB=results    the folder that contains wandb/ with offline runs

PYTHON ?= python3
VENV ?= .venv
TORCH ?= $(if $(wildcard $(VENV)/.torch-cpu),cpu,default)
PYTEST_ARGS ?=
STUDY ?= studies/cifar10
TARGET ?= demo
CONFIGFILE ?=
CONFIG ?=
REASON ?=
THREADS ?= 1
DEVICE ?= cpu
ARGS ?=
STAGE ?= 1
BASE ?=
OTHER ?= HEAD
WANDB ?= results

TORCH_CPU_INDEX = https://download.pytorch.org/whl/cpu
BIN = $(VENV)/bin
REPORT = results/report.html
OWN = $(if $(CONFIGFILE),--configfile $(CONFIGFILE)) $(if $(CONFIG),--config '$(CONFIG)')

# Make Snakemake's report of the target $(1), if any result is newer than the report.
report = if [ ! -f $(REPORT) ] || [ -n "$$(find results/search results/train results/tables -type f -newer $(REPORT))" ]; \
	then snakemake $(1) --report $(REPORT) >results/logs/report.log 2>&1 || { tail -n 20 results/logs/report.log; exit 1; }; fi

# Snakemake and the steps start programs by name, so the environment's folder comes first.
export PATH := $(if $(filter /%,$(VENV)),$(VENV),$(CURDIR)/$(VENV))/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK = 1

ifeq ($(filter cpu default,$(TORCH)),)
$(error TORCH is '$(TORCH)'; allowed: cpu, default)
endif

.PHONY: help setup demo rehearsal rehearsal-short accept calibrate plan ledger preflight study study-tables tidy wandb-sync test \
	test-kills test-kernels release-check test-cluster test-cluster-long bench bench-check gpu-check scaling profile moved check format docs gallery schema lock clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-17s %s\n", $$1, $$2 }' Makefile
	@sed -n '/^#   [A-Z]/s/^#   /  /p' Makefile

setup: $(VENV)/.runtime ## Make the virtual environment with all that the workflow needs (once)

demo: setup ## Run the whole chain on digits that come with the package, then show the table and the paths of its files
	$(BIN)/snakemake demo
	@$(call report,demo)
	@echo; cat results/tables/demo.md
	@echo; echo 'The table in four forms, and a report of the whole run to open in a browser:'
	@ls results/tables/demo.* $(REPORT)
	@echo; echo 'Cells that were found, curves of the searches and trainings:'
	@ls results/train/*/seed*/cells.svg results/search/*/curves.svg results/search/*/seed*/curves.svg results/train/*/curves.svg

# A rehearsal runs in a folder with its own results, and its own records and locks of Snakemake, so it cannot touch any result.
rehearse = set -e; start=$$(date +%s); $(BIN)/python -m pdarts.tools.rehearse --folder rehearsal; cd rehearsal; \
	snakemake paper methods methods_imagenet released --configfile $(1); \
	snakemake partial results/train/published-on-cifar10/seed0/network.onnx --configfile $(1); \
	$(call report,paper --configfile $(1)); \
	echo; echo "Every rule has run at toy size, in $$((($$(date +%s) - start + 30) / 60)) min. Nothing of it is a result:"; \
	ls $(addprefix $$PWD/,results/tables/*.html $(REPORT))

rehearsal: setup ## Rehearse the paper: run every rule and row at toy size in the folder rehearsal/, apart from all results
	@$(call rehearse,rules/rehearsal.yaml)

rehearsal-short: setup ## Rehearse every rule and method with one seed and fewer rows
	@$(call rehearse,rules/rehearsal.yaml rules/rehearsal-short.yaml)

accept: setup ## Keep finished results after a harmless change of code: make accept TARGET=demo REASON="renamed a variable"
	@$(BIN)/python -m pdarts.tools.accept $(OWN) --target $(TARGET) --reason "$(REASON)"

calibrate: setup ## Time a few real iterations of all that TARGET needs on this device: make calibrate TARGET=cifar
	@$(BIN)/python -m pdarts.tools.calibrate $(OWN) --target $(TARGET)

plan: setup ## Show all pending steps of TARGET with device-hours, memory and disk: make plan TARGET=cifar
	@$(BIN)/python -m pdarts.tools.plan $(OWN) --target $(TARGET)

ledger: setup ## Compare what finished steps of TARGET took with what the calibration predicted
	@$(BIN)/python -m pdarts.tools.plan $(OWN) --ledger --target $(TARGET)

preflight: setup ## Ask a SLURM site whether the jobs of TARGET can run there: make preflight TARGET=paper
	@$(BIN)/python -m pdarts.tools.preflight $(OWN) --target $(TARGET)

study: setup ## Run what is missing of a study whose results are in git, in jobs of minutes: make study STUDY=studies/cifar10
	@$(BIN)/python -m pdarts.tools.study --folder $(STUDY) $(ARGS)

study-tables: setup ## Make the tables and figures of a study from its results in git, without training anything
	@$(BIN)/python -m pdarts.tools.study --folder $(STUDY) --tables

tidy: setup ## List files in results/ that no entry of the config makes any more
	@$(BIN)/python -m pdarts.tools.tidy $(OWN)

wandb-sync: setup ## Upload the runs that W&B left in WANDB, in the order in which they were made
	@ls -d $(WANDB)/wandb/offline-run-* >/dev/null 2>&1 || { echo '$(WANDB)/wandb holds no offline runs: name the folder with make wandb-sync WANDB=FOLDER (machine.wandb.directory), or run a step with machine.wandb.mode: offline'; exit 1; }
	@WANDB_RESUME=allow $(BIN)/wandb sync --yes $(WANDB)/wandb

# Snakemake asks SLURM for its settings at every start. If SLURM is installed but down, that would take 10 s each time.
test: $(VENV)/.dev ## Run the tests, with one worker for each core
	OMP_NUM_THREADS=1 SLURM_CONF=/dev/null $(BIN)/pytest --numprocesses auto --dist loadfile $(PYTEST_ARGS)

test-kills: $(VENV)/.dev ## Kill searches and trainings 102 times at random moments: each must end with the same bits (tens of minutes)
	OMP_NUM_THREADS=1 SLURM_CONF=/dev/null PDARTS_KILLS=100 $(BIN)/pytest tests/engine/test_resume.py -k killed_at_random $(PYTEST_ARGS)

test-kernels: $(VENV)/.dev ## Compute all forms of Triton's kernels in its interpreter, and compile them for GPUs (no GPU needed; hours)
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses auto -m kernels tests/nets/backends/triton $(PYTEST_ARGS)

test-cluster: $(VENV)/.dev ## Bring up a real SLURM on this machine, run the workflow on it, and take it down (root, Debian)
	OMP_NUM_THREADS=1 $(BIN)/pytest -m 'cluster and not long' -rs tests/cluster $(PYTEST_ARGS)

test-cluster-long: $(VENV)/.dev ## Run test-cluster with everything that can happen to jobs, nodes and Snakemake
	OMP_NUM_THREADS=1 $(BIN)/pytest -m cluster -rs -s tests/cluster $(PYTEST_ARGS)

# Neither a test nor the build may see files that are not in git, so the first check is that there are none.
release-check: $(VENV)/.dev ## Check what must hold before a release, run .ci/run, and build what is released in dist/ (an hour)
	$(BIN)/pytest -m release tests/test_release.py
	bash .ci/run
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist
	@ls dist/*

bench: setup ## Compare speed with the textbook formulation: make bench THREADS=2 DEVICE=cpu (many minutes; results/benchmark)
	$(BIN)/python -m benchmarks.run --threads $(THREADS) --device $(DEVICE) --output results/benchmark

bench-check: setup ## Run a few small comparisons of speed, and fail if a ratio is far below its floor (a minute or two)
	$(BIN)/python -m benchmarks.run --check --repeats 2

gpu-check: setup ## Check on a GPU what is right, what repeats and how fast it is, for an issue (ten minutes; results/gpu-check)
	@$(BIN)/python -m benchmarks.gpu_check --output results/gpu-check $(ARGS)

scaling: setup ## Draw how the times of a search iteration and a dry run grow with their sizes (many minutes; results/benchmark)
	$(BIN)/python -m benchmarks.scaling --device $(DEVICE) --output results/benchmark

profile: setup ## Show in which operations a search iteration spends its time: make profile STAGE=2
	$(BIN)/python -m benchmarks.profile --stage $(STAGE) --device $(DEVICE)

moved: setup ## List which results of two commits are equal bit for bit: make moved BASE=main (an hour or more; results/moved)
	@$(BIN)/python -m benchmarks.moved --base "$(BASE)" --other "$(OTHER)"

check: $(VENV)/.dev ## Run linters, formatters and type checks, changing nothing
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint

format: $(VENV)/.dev ## Format all code and mend what linters can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/snakefmt Snakefile rules

# Sphinx warns of a page only when it reads it, so it reads all of them anew.
docs: $(VENV)/.dev ## Make a site of all pages, config keys and docstrings, and check its links (build/site)
	@rm -rf build/site
	$(BIN)/sphinx-build --quiet --fresh-env --fail-on-warning --keep-going --conf-dir docs/site --doctree-dir build/doctrees . build/site
	@echo 'build/site/index.html'

gallery: setup ## Draw the published cells, write docs/gallery.md, and draw the cell that README.md shows
	$(BIN)/python -m pdarts.tools.gallery --output docs/gallery.md
	$(BIN)/python -m pdarts.draw --genotype studies/cifar10/results/search/pdarts/seed0/genotype.json --output docs/found.svg

schema: setup ## Generate rules/config.schema.yaml from pdarts/settings
	$(BIN)/python -m pdarts.settings.schema >rules/config.schema.yaml

# The packages of CUDA are not pinned: a torch build with CUDA asks for them itself, and other builds do not need them.
PINS = $(VENV)-lock/bin/pip freeze --all | grep -v -i -E '^(pdarts|pip|triton|cuda-[a-z]+|nvidia-[a-z0-9-]+)( @|==)' \
	| sed 's/+cpu$$//'

lock: ## Pin the newest compatible versions in envs/; PYTHON must be the oldest supported version, 3.11
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
	|| { echo "PYTHON=$(PYTHON) is not Python 3.11; newer ones may choose versions that 3.11 cannot use"; exit 1; }
	rm -rf $(VENV)-lock
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install .
	$(PINS) >$(VENV)-lock/runtime
	$(VENV)-lock/bin/pip install --constraint $(VENV)-lock/runtime '.[dev]'
	$(PINS) | grep -v -x -F -f $(VENV)-lock/runtime >$(VENV)-lock/dev
	sed '/^[^#]/d' envs/requirements.txt | cat - $(VENV)-lock/runtime >$(VENV)-lock/requirements.txt
	sed '/^[^#]/d' envs/requirements-dev.txt | cat - $(VENV)-lock/dev >$(VENV)-lock/requirements-dev.txt
	sed 's/^/      - /' $(VENV)-lock/runtime >$(VENV)-lock/indented
	sed '/^  - pip:/q' envs/pdarts.yaml | cat - $(VENV)-lock/indented >$(VENV)-lock/pdarts.yaml
	mv $(VENV)-lock/requirements.txt $(VENV)-lock/requirements-dev.txt $(VENV)-lock/pdarts.yaml envs/
	rm -rf $(VENV)-lock build

clean: ## Remove caches; results/ and the virtual environment stay
	rm -rf .mypy_cache .pytest_cache .ruff_cache build dist pdarts.egg-info
	find pdarts tests -type d -name __pycache__ -prune -exec rm -rf {} +

# Each of these files in VENV marks a finished installation. It is newer than what it was made from, so a second call does
# nothing.
$(VENV)/.python:
	@command -v $(PYTHON) >/dev/null || { echo "PYTHON=$(PYTHON): there is no such command; name a Python 3.11 or newer, as in make setup PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	|| { echo "PYTHON=$(PYTHON) is $$($(PYTHON) --version 2>&1), but 3.11 or newer is needed; name one, as in make setup PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.torch-cpu: envs/requirements.txt $(VENV)/.python
	@echo 'Installing the CPU build of torch …'
	$(BIN)/pip install --quiet --force-reinstall --no-deps --index-url $(TORCH_CPU_INDEX) $$(grep -E '^torch(vision)?==' envs/requirements.txt)
	@touch $@

ifeq ($(TORCH),cpu)
$(VENV)/.runtime: $(VENV)/.torch-cpu
endif

$(VENV)/.runtime: envs/requirements.txt pyproject.toml $(VENV)/.python
	@echo 'Installing what envs/requirements.txt lists: a few minutes, several GB with CUDA …'
	$(BIN)/pip install --quiet --requirement envs/requirements.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@command -v which >/dev/null || { printf '#!/bin/sh\ncommand -v "$$@"\n' >$(BIN)/which; chmod +x $(BIN)/which; } # for Snakemake
	@touch $@

$(VENV)/.dev: envs/requirements-dev.txt $(VENV)/.runtime
	$(BIN)/pip install --quiet --requirement envs/requirements-dev.txt
	@touch $@
