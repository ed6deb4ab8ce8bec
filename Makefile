# The project's commands; `make` lists them. They need a POSIX shell and Python 3.11 or newer, nothing else.
# Settings, as in `make setup TORCH=cpu`:
#   TORCH=cpu        the CPU build of torch, from PyTorch's own index; remembered until VENV is removed
#   TORCH=default    the build on PyPI: with CUDA on Linux, for the CPU on macOS
#   PYTHON=python3   makes the virtual environment
#   VENV=.venv       where that environment lies
#   PYTEST_ARGS=     passed to pytest, such as '-k derive'
#   THREADS=1        CPU threads of make bench
#   DEVICE=cpu       or cuda, of make bench
#   STAGE=1          search stage of make profile
#   BASE=            commit that make moved compares with, such as main
#   OTHER=HEAD       what it compares with that: a commit, or . for the working tree as it is
#   TARGET=demo      what to accept, calibrate, plan, preflight: a target of the workflow, or result files
#   CONFIGFILE=      files with settings of your own that accept, calibrate, plan, ledger, preflight and tidy see, such as mine.yaml
#   CONFIG=          a single setting likewise, as in CONFIG='repeats={retrainings: 10}'
#   REASON=          why, for the results' provenance
#   WANDB=results    where wandb/ with offline runs lies

PYTHON ?= python3
VENV ?= .venv
TORCH ?= $(if $(wildcard $(VENV)/.torch-cpu),cpu,default)
PYTEST_ARGS ?=
TARGET ?= demo
CONFIGFILE ?=
CONFIG ?=
REASON ?=
THREADS ?= 1
DEVICE ?= cpu
STAGE ?= 1
BASE ?=
OTHER ?= HEAD
WANDB ?= results

TORCH_CPU_INDEX = https://download.pytorch.org/whl/cpu
BIN = $(VENV)/bin
REPORT = results/report.html
OWN = $(if $(CONFIGFILE),--configfile $(CONFIGFILE)) $(if $(CONFIG),--config '$(CONFIG)')

# Snakemake's report of $(1), unless nothing is newer than it.
report = if [ ! -f $(REPORT) ] || [ -n "$$(find results/search results/train results/tables -type f -newer $(REPORT))" ]; \
	then snakemake $(1) --report $(REPORT) >results/logs/report.log 2>&1 || { tail -n 20 results/logs/report.log; exit 1; }; fi

# Steps are started by name.
export PATH := $(if $(filter /%,$(VENV)),$(VENV),$(CURDIR)/$(VENV))/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK = 1

ifeq ($(filter cpu default,$(TORCH)),)
$(error TORCH is '$(TORCH)'; allowed: cpu, default)
endif

.PHONY: help setup demo rehearsal rehearsal-short accept calibrate plan ledger preflight tidy wandb-sync test \
	test-kills test-cluster test-cluster-long bench bench-check scaling profile moved check format schema lock clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-17s %s\n", $$1, $$2 }' Makefile
	@sed -n '/^#   [A-Z]/s/^#   /  /p' Makefile

setup: $(VENV)/.runtime ## Make the virtual environment with all that the workflow needs (once)

demo: setup ## Run the whole chain on the embedded digits, then show its table and where the files are
	$(BIN)/snakemake demo
	@$(call report,demo)
	@echo; cat results/tables/demo.md
	@echo; echo 'The table in four forms, and a report of the whole run to open in a browser:'
	@ls results/tables/demo.* $(REPORT)
	@echo; echo 'Cells that were found, curves of the searches and trainings:'
	@ls results/train/*/seed*/cells.svg results/search/*/curves.svg results/search/*/seed*/curves.svg results/train/*/curves.svg

# In a folder of its own, to which Snakemake's records and locks belong too, so that no result can be touched.
rehearse = set -e; start=$$(date +%s); $(BIN)/python -m pdarts.tools.rehearse --folder rehearsal; cd rehearsal; \
	snakemake paper methods methods_imagenet released --configfile $(1); \
	snakemake partial --configfile $(1); \
	$(call report,paper --configfile $(1)); \
	echo; echo "Every rule has run at toy size, in $$((($$(date +%s) - start + 30) / 60)) min. Nothing of it is a result:"; \
	ls $(addprefix $$PWD/,results/tables/*.html $(REPORT))

rehearsal: setup ## Rehearse the paper: every rule and row at toy size, in the folder rehearsal/, apart from all results
	@$(call rehearse,rules/rehearsal.yaml)

rehearsal-short: setup ## The same with one seed and fewer rows, but every rule and method
	@$(call rehearse,rules/rehearsal.yaml rules/rehearsal-short.yaml)

accept: setup ## Keep finished results after a harmless change of code: make accept TARGET=demo REASON="renamed a variable"
	@$(BIN)/python -m pdarts.tools.accept $(OWN) --target "$(TARGET)" --reason "$(REASON)"

calibrate: setup ## Time a few real steps of all that TARGET needs on this device: make calibrate TARGET=cifar
	@$(BIN)/python -m pdarts.tools.calibrate $(OWN) --target $(TARGET)

plan: setup ## Show all pending steps of TARGET with device-hours, memory and disk: make plan TARGET=cifar
	@$(BIN)/python -m pdarts.tools.plan $(OWN) --target $(TARGET)

ledger: setup ## Show what finished steps of TARGET took, against what the calibration made expect
	@$(BIN)/python -m pdarts.tools.plan $(OWN) --ledger --target $(TARGET)

preflight: setup ## Ask a SLURM site whether the jobs of TARGET can run there: make preflight TARGET=paper
	@$(BIN)/python -m pdarts.tools.preflight $(OWN) --target $(TARGET)

tidy: setup ## List files in results/ that nothing declared makes any more
	@$(BIN)/python -m pdarts.tools.tidy $(OWN)

wandb-sync: setup ## Upload the runs that W&B left in WANDB, those of one step in their order
	@ls -d $(WANDB)/wandb/offline-run-* >/dev/null 2>&1 || { echo '$(WANDB)/wandb holds no offline runs: name the folder with make wandb-sync WANDB=FOLDER (machine.wandb.directory), or run a step with machine.wandb.mode: offline'; exit 1; }
	@WANDB_RESUME=allow $(BIN)/wandb sync --yes $(WANDB)/wandb

# Snakemake asks SLURM for its settings at every start: where one is installed but down, that takes 10 s each time.
test: $(VENV)/.dev ## Run the tests, one worker a core
	OMP_NUM_THREADS=1 SLURM_CONF=/dev/null $(BIN)/pytest --numprocesses auto --dist loadfile $(PYTEST_ARGS)

test-kills: $(VENV)/.dev ## Kill searches and trainings 100 times at random moments: each must end with the same bits (tens of minutes)
	OMP_NUM_THREADS=1 SLURM_CONF=/dev/null PDARTS_KILLS=100 $(BIN)/pytest tests/engine/test_resume.py -k killed_at_random $(PYTEST_ARGS)

test-cluster: $(VENV)/.dev ## Run the workflow on a real SLURM of this machine, which it brings up and takes down (root, Debian)
	OMP_NUM_THREADS=1 $(BIN)/pytest -m 'cluster and not long' -rs tests/cluster $(PYTEST_ARGS)

test-cluster-long: $(VENV)/.dev ## The same, with everything that can happen to jobs, nodes and Snakemake
	OMP_NUM_THREADS=1 $(BIN)/pytest -m cluster -rs -s tests/cluster $(PYTEST_ARGS)

bench: setup ## Compare speed with the textbook formulation: make bench THREADS=2 DEVICE=cpu (many minutes; results/benchmark)
	$(BIN)/python -m benchmarks.run --threads $(THREADS) --device $(DEVICE) --output results/benchmark

bench-check: setup ## Fail if a speed ratio is far below its floor: a few smaller cases, a minute or two
	$(BIN)/python -m benchmarks.run --check --repeats 2

scaling: setup ## Draw how a search step and a dry run grow with their sizes (many minutes; results/benchmark)
	$(BIN)/python -m benchmarks.scaling --output results/benchmark

profile: setup ## Show which operations a search step spends its time in: make profile STAGE=2
	$(BIN)/python -m benchmarks.profile --stage $(STAGE)

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

schema: setup ## Generate rules/config.schema.yaml from pdarts/settings
	$(BIN)/python -m pdarts.settings.schema >rules/config.schema.yaml

# What CUDA needs is not pinned: torch itself asks for it where its build has CUDA, and other builds go without.
PINS = $(VENV)-lock/bin/pip freeze --all | grep -v -i -E '^(pdarts|pip|triton|cuda-[a-z]+|nvidia-[a-z0-9-]+)( @|==)' \
	| sed 's/+cpu$$//'

lock: ## Pin the newest versions that fit in envs/; PYTHON must be the oldest supported one, 3.11
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
	rm -rf .mypy_cache .pytest_cache .ruff_cache build pdarts.egg-info
	find pdarts tests -type d -name __pycache__ -prune -exec rm -rf {} +

# Each stamp in VENV is newer than what it was made from, so that a second call does nothing.
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
	@touch $@

$(VENV)/.dev: envs/requirements-dev.txt $(VENV)/.runtime
	$(BIN)/pip install --quiet --requirement envs/requirements-dev.txt
	@touch $@
