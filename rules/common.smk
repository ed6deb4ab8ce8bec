"""Checks the whole config before any job, and slices it: a job's params hold what its result depends on, and no more."""

import json
import os
import shlex
import socket
import sys
from functools import cache
from pathlib import Path

# The package beside this workflow and the interpreter that runs Snakemake, whatever else is installed.
sys.path.insert(0, workflow.basedir)
os.environ.update(PATH=os.pathsep.join([os.path.dirname(sys.executable), *os.get_exec_path()]))

from pdarts import extensions
from pdarts.checking import suggestion
from pdarts.data.catalog import SOURCES
from pdarts.errors import InputError
from pdarts.reporting.paper import check_quotes
from pdarts.settings.config import REHEARSED, parse_config
from pdarts.settings.datasets import ImageFolder
from pdarts.settings.trainings import FromSearch, RandomCells
from pdarts.sources import fingerprint
from pdarts.space.genotype import Genotype

TABLE_SUFFIXES = ("md", "csv", "tex", "html")


wildcard_constraints:
    dataset=r"[^/]+",
    search=r"[^/]+",
    training=r"[^/]+",
    checkpoint=r"[^/]+",
    table=r"[^/]+",
    seed=r"0|[1-9]\d*",
    stage=r"[1-9]\d*",
    variant=r"|_skips[0-8]|_stage[1-9]\d*",


def checked_config():
    """The whole config, what its extensions register, every genotype file that it names, and the results folder."""
    extensions.load(extensions.named_in(config))
    checked = parse_config(config)
    for name, training in checked.trainings.items():
        if isinstance(training.genotype, str):
            check_genotype(f"trainings.{name}.genotype", training.genotype)
    for name, table in checked.tables.items():
        check_quotes(name, table)
    for name, checkpoint in checked.checkpoints.items():
        check_genotype(f"checkpoints.{name}.genotype", checkpoint.genotype)
    results = Path("results")
    if checked.rehearsal != (results / REHEARSED).exists():
        raise InputError(
            "rehearsal is true, but this folder is not set up for one, so that no result can be touched; call make rehearsal"
            if checked.rehearsal
            else "this folder is a rehearsal's; add --configfile rehearsal.yaml, or go to that of the real results"
        )
    if results.exists() and not (results.is_dir() and os.access(results, os.W_OK)):
        raise InputError(
            f"{results.resolve()} is no folder that can be written; move it away or change its permissions"
        )
    return checked


def check_genotype(key, name):
    path = Path(genotype_file(name))
    if not path.exists():
        published = ", ".join(sorted(file.stem for file in Path("pdarts/genotypes").glob("*.json")))
        raise InputError(
            f"{key} is {name!r}, but there is no {path}; allowed: {published}, or the path of a genotype file ending in .json"
        )
    try:
        Genotype.parse(json.loads(path.read_text()), f"{key}: {path}")
    except ValueError as error:
        raise InputError(str(error) if isinstance(error, InputError) else f"{key}: {path} is no JSON: {error}")


def refuse(message):
    """End with a message alone: to any other exception Snakemake adds a traceback."""
    sys.exit(f"error: {message}")


def check_tables(rules):
    """Refuse a table that is called like a rule which is not its own target, so that a name means one thing."""
    for each in rules:
        if each.name in CONFIG.tables and f"results/tables/{each.name}.md" not in each.input:
            refuse(
                f"tables.{each.name}: this is the name of a rule, so it cannot be the table's target; rename the table"
            )


def declared(kind, name):
    """What the config calls `name`, for targets that a user wrote by hand."""
    existing = getattr(CONFIG, kind)
    if name not in existing:
        refuse(f"{kind}: there is no {name!r}{suggestion(name, existing)}")
    return existing[name]


def command(step, launch="python -m", code=None):
    """What every command starts with: the step, and behind a stamp, if this is a rehearsal, its options.

    In front stands a shell comment with the hash of the step's code: text of a command counts as code, so an edit reruns
    the step. Where jobs of a rule are made of other code, `code` names the param that holds each one's hash.
    A list of files, a manifest and a random genotype are the same in a rehearsal and in earnest, so they take no stamp.
    """
    stamp = " --rehearsal" if CONFIG.rehearsal and step not in ("download", "prepare", "sample") else ""
    return f"# code {code or fingerprint(step)}\n{launch} pdarts.{step}{stamp}"


@cache
def code(step, method, files):
    """The hash of a step's code with a method and extensions, computed once for all jobs that are made of the same."""
    return fingerprint(step, method, extensions=named(files))


def code_of_search(wildcards):
    """The hash of the code of a search: its method's, no other's, and that of the extensions that it uses."""
    return code("search", declared("searches", wildcards.search).method, used_by_search(wildcards.search))


def code_of_derivation(wildcards):
    """That of a derivation, which does not depend on what operations compute."""
    method = declared("searches", wildcards.search).method
    return code("derive", method, extensions.behind(methods=[method]))


def code_of_training(step):
    """That of a training or its test, with the extensions that it uses."""
    return lambda wildcards: code(step, None, used_by_training(wildcards.training))


def used_by_search(name):
    """The extensions that hold a search's method, its schedule or one of its candidates."""
    search = declared("searches", name)
    return extensions.behind(search.candidates, [search.method], [search.schedule])


def used_by_training(name):
    """The extensions that hold a training's schedule, or an operation that its genotype has, or may have once it is found."""
    training = declared("trainings", name)
    schedule = CONFIG.recipe_of(training).schedule
    if isinstance(training.genotype, FromSearch):
        return extensions.behind(CONFIG.searches[training.genotype.search].candidates, schedules=[schedule])
    return extensions.behind(operations_in(training.genotype), schedules=[schedule])


def operations_in(genotype):
    """Names of the operations in a published cell or a user's file; of random cells none, since they have no extensions'."""
    if isinstance(genotype, RandomCells):
        return []
    path = genotype_file(genotype)
    return Genotype.parse(json.loads(Path(path).read_text()), path).operations()


def named(files):
    return [extension.file for extension in files]


def load(files):
    """The option that hands extensions to a step, which loads them; empty without any."""
    return " ".join(["--extensions", *map(shlex.quote, named(files))]) if files else ""


def extensions_of_search(wildcards, resources):
    """Like `machine`: where files lie changes no result, and what is in them counts as code."""
    return load(used_by_search(wildcards.search))


def extensions_of_training(wildcards, resources):
    return load(used_by_training(wildcards.training))


def extensions_of_checkpoint(wildcards, resources):
    return load(extensions.behind(operations_in(declared("checkpoints", wildcards.checkpoint).genotype)))


def all_extensions(wildcards, resources):
    return " ".join(["--extensions", *map(shlex.quote, CONFIG.extensions)]) if CONFIG.extensions else ""


def machine(wildcards, resources):
    """Where a job runs. A function of resources is no rerun trigger to Snakemake, and nothing in here changes results."""
    return CONFIG.machine.model_dump_json()


def decoders(name):
    """Processes that decode images of a dataset for one set of batches."""
    streamed = isinstance(declared("datasets", name), ImageFolder)
    return CONFIG.machine.workers if streamed else 0


def prepare_threads(wildcards):
    return max(1, decoders(wildcards.dataset))


def search_processes(wildcards):
    return declared("searches", wildcards.search).processes


def training_processes(wildcards):
    return CONFIG.recipe_of(declared("trainings", wildcards.training)).processes


def launched(processes):
    """What starts a step of so many processes, before the name of its module: on all nodes of a SLURM job that has several."""
    if processes == 1:
        return "python -m"
    nodes = int(os.environ.get("SLURM_JOB_NUM_NODES", 1))
    if nodes == 1:
        return f"torchrun --standalone --nproc-per-node {processes} -m"
    if processes % nodes:
        refuse(
            f"processes is {processes}, but this SLURM job has {nodes} nodes; ask for a number of nodes that divides it"
        )
    job = os.environ.get("SLURM_JOB_ID", "")
    port = 20000 + int(job) % 10000  # one for every job, below those that the system gives out
    return (
        f"srun --nodes={nodes} --ntasks-per-node=1 --kill-on-bad-exit torchrun --nnodes {nodes} --nproc-per-node "
        f"{processes // nodes} --rdzv-backend c10d --rdzv-id {job} --rdzv-endpoint {socket.gethostname()}:{port} -m"
    )


def search_launch(wildcards, resources):
    """Like `machine`: over how many nodes processes are spread changes no result."""
    return launched(search_processes(wildcards))


def training_launch(wildcards, resources):
    return launched(training_processes(wildcards))


def search_threads(wildcards):
    each = CONFIG.machine.threads + 2 * decoders(declared("searches", wildcards.search).dataset)
    return search_processes(wildcards) * each


def training_threads(wildcards):
    return training_processes(wildcards) * test_threads(wildcards)


def test_threads(wildcards):
    return CONFIG.machine.threads + decoders(declared("trainings", wildcards.training).dataset)


def request(step, wildcards):
    """What a job asks a scheduler for."""
    kinds = {"search": "searches", "training": "trainings", "checkpoint": "checkpoints"}
    found = [declared(kinds[name], wildcards[name]).dataset for name in kinds if name in wildcards.keys()]
    return CONFIG.requests.of(step, *(found or [wildcards.get("dataset")]))


def gpus(step):
    processes = {"search": search_processes, "train": training_processes}.get(step, lambda wildcards: 1)
    return lambda wildcards: processes(wildcards) * request(step, wildcards).gpus


def memory(step):
    """In MB. Too little may be why an attempt failed."""
    return lambda wildcards, attempt: request(step, wildcards).memory * min(attempt, 2)


def minutes(step):
    """So may too short a time, unless the next attempt continues where this one stopped."""
    continues = step in ("search", "train")
    return lambda wildcards, attempt: request(step, wildcards).minutes * (1 if continues else min(attempt, 2))


def manifest(kind):
    """The manifest of the dataset of a search, training or checkpoint."""
    return lambda wildcards: f"results/data/{declared(kind, wildcards[0]).dataset}.json"


def downloaded(wildcards):
    """What says that the files of a dataset's source are there, if it is one that can be downloaded."""
    source = SOURCES.get(declared("datasets", wildcards.dataset).source)  # an image folder has no record
    return f"results/data/files/{source.name}.json" if source and source.files else []


def dataset_settings(wildcards):
    return declared("datasets", wildcards.dataset).model_dump_json()


def previous_stage(wildcards):
    stage, stages = int(wildcards.stage), len(declared("searches", wildcards.search).stages)
    if stage > stages:
        refuse(f"searches.{wildcards.search} has no stage {stage}; allowed: 1 to {stages}")
    return [] if stage == 1 else f"results/search/{wildcards.search}/seed{wildcards.seed}/stage{stage - 1}.json"


def previous_option(wildcards, input):
    return f"--previous {input.previous}" if input.previous else ""


def stage_settings(wildcards):
    return CONFIG.searches[wildcards.search].stage_settings(int(wildcards.stage)).model_dump_json()


def stage_files(search, seed, suffix=".json"):
    folder, stages = f"results/search/{search}/seed{seed}", len(declared("searches", search).stages)
    return [f"{folder}/stage{stage}{suffix}" for stage in range(1, stages + 1)]


def stages_of_seeds(search, suffix=".json"):
    return [path for seed in declared("searches", search).seeds for path in stage_files(search, seed, suffix)]


def variant(max_skips=None, stage=None):
    """What the name of a genotype ends in that has another skip limit, or comes from another stage, than it would have."""
    if stage is not None:
        return f"_stage{stage}"
    return "" if max_skips is None else f"_skips{max_skips}"


def stage_of_genotype(wildcards):
    """The last stage, unless the genotype's name says another."""
    stages = stage_files(wildcards.search, wildcards.seed)
    _, _, number = wildcards.variant.partition("_stage")
    if number and int(number) > len(stages):
        refuse(f"searches.{wildcards.search} has no stage {number}; allowed: 1 to {len(stages)}")
    return stages[int(number or len(stages)) - 1]


def limit_in_name(wildcards):
    _, _, limit = wildcards.variant.partition("_skips")
    return f"--max-skips {limit}" if limit else ""


def max_skips_option(wildcards):
    """The search's own skip limit, also for the cells of its earlier stages, unless the genotype's name says another."""
    limit = CONFIG.searches[wildcards.search].max_skips
    return limit_in_name(wildcards) or ("" if limit is None else f"--max-skips {limit}")


def seed_of(wanted, seed):
    """The seed of the search or draw that a training's seed takes its genotype from."""
    return seed if wanted == "each" else wanted


def seeds_behind(genotype, seed):
    """The seeds of the search that a training's seed takes its genotype from: all, where one of them is chosen."""
    if genotype.seed == "chosen":
        return CONFIG.searches[genotype.search].seeds
    return (int(seed_of(genotype.seed, seed)),)


def genotypes_of_seeds(wildcards):
    folder = f"results/search/{wildcards.search}"
    seeds = declared("searches", wildcards.search).seeds
    return [f"{folder}/seed{seed}/genotype{wildcards.variant}.json" for seed in seeds]


def validations(wildcards):
    """Where there is a choice: the test of each seed's genotype, whatever skip limit or stage is asked for."""
    search = declared("searches", wildcards.search)
    if len(search.seeds) == 1:
        return []
    if search.validation is None:
        refuse(
            f"searches.{wildcards.search}: validation is null, so none of its {len(search.seeds)} seeds can be chosen"
        )
    return [f"results/train/{wildcards.search}-validation/seed{seed}/test.json" for seed in search.seeds]


def genotype_file(name):
    """Path of a published cell, or of a user's own file."""
    return name if name.endswith(".json") else f"pdarts/genotypes/{name}.json"


def genotype(wildcards):
    """The file with the genotype of a training's seed."""
    wanted = declared("trainings", wildcards.training).genotype
    if isinstance(wanted, str):
        return genotype_file(wanted)
    if isinstance(wanted, RandomCells):
        folder = f"results/random/seed{seed_of(wanted.random, wildcards.seed)}"
        return f"{folder}/genotype{variant(wanted.max_skips)}.json"
    seed = "chosen" if wanted.seed == "chosen" else f"seed{seed_of(wanted.seed, wildcards.seed)}"
    return f"results/search/{wanted.search}/{seed}/genotype{variant(wanted.max_skips, wanted.stage)}.json"


def checkpoint_file(wildcards):
    """The weights file that a checkpoint names; nothing here can make it."""
    named = declared("checkpoints", wildcards.checkpoint)
    if not Path(named.file).exists():
        refuse(
            f"checkpoints.{wildcards.checkpoint}: there is no {named.file}; get the file ({named.origin}) and put it "
            "there, or name the path of yours under file"
        )
    return named.file


def recipe(wildcards):
    return CONFIG.recipe_of(CONFIG.trainings[wildcards.training]).model_dump_json()


def training_metrics(wildcards):
    folder = f"results/train/{wildcards.training}"
    return [f"{folder}/seed{seed}/metrics.jsonl" for seed in declared("trainings", wildcards.training).seeds]


try:
    CONFIG = checked_config()
except InputError as error:
    refuse(error)

PAPER_TABLES = [name for name, table in CONFIG.tables.items() if table.of_paper]
