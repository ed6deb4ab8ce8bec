"""Checks the whole config before any job, and slices it: a job's params hold what its result depends on, and no more."""

import json
import os
import sys
from pathlib import Path

# The package beside this workflow and the interpreter that runs Snakemake, whatever else is installed.
sys.path.insert(0, workflow.basedir)
os.environ.update(PATH=os.pathsep.join([os.path.dirname(sys.executable), *os.get_exec_path()]))

from pdarts import settings
from pdarts.errors import InputError
from pdarts.sources import fingerprint
from pdarts.space.genotype import Genotype

TABLE_SUFFIXES = ("md", "csv", "tex", "html")


wildcard_constraints:
    dataset=r"[^/]+",
    search=r"[^/]+",
    training=r"[^/]+",
    table=r"[^/]+",
    seed=r"\d+",
    stage=r"[1-9]\d*",


def checked_config():
    """The whole config, every genotype file that it names, and the results folder."""
    checked = settings.parse(settings.Config, config, "config")
    for name, training in checked.trainings.items():
        if isinstance(training.genotype, str):
            check_genotype(f"trainings.{name}.genotype", training.genotype)
    results = Path("results")
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


def declared(kind, name):
    """What the config calls `name`, for targets that a user wrote by hand."""
    existing = getattr(CONFIG, kind)
    if name not in existing:
        refuse(f"{kind}: there is no {name!r}{settings.suggestion(name, existing)}")
    return existing[name]


def code(step):
    """A shell comment with the hash of a step's code: text of a command counts as code, so an edit reruns the step."""
    return f"# code {fingerprint(step)}\n"


def machine(wildcards, resources):
    """Where a job runs. A function of resources is no rerun trigger to Snakemake, and nothing in here changes results."""
    return CONFIG.machine.model_dump_json()


def manifest(kind):
    """The manifest of the dataset of a search or training."""
    return lambda wildcards: f"results/data/{declared(kind, wildcards[0]).dataset}.json"


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


def last_stage(wildcards):
    return stage_files(wildcards.search, wildcards.seed)[-1]


def max_skips_option(wildcards):
    limit = CONFIG.searches[wildcards.search].max_skips
    return "" if limit is None else f"--max-skips {limit}"


def search_of(training, seed):
    """Name and seed of the search whose genotype a training's seed takes; None for a genotype file."""
    genotype = declared("trainings", training).genotype
    if isinstance(genotype, str):
        return None
    return genotype.search, seed if genotype.seed == "each" else genotype.seed


def genotype_file(name):
    """Path of a published cell, or of a user's own file."""
    return name if name.endswith(".json") else f"pdarts/genotypes/{name}.json"


def genotype(wildcards):
    searched = search_of(wildcards.training, wildcards.seed)
    if searched is None:
        return genotype_file(CONFIG.trainings[wildcards.training].genotype)
    return "results/search/{}/seed{}/genotype.json".format(*searched)


def recipe(wildcards):
    return CONFIG.recipe_of(CONFIG.trainings[wildcards.training]).model_dump_json()


def training_metrics(wildcards):
    folder = f"results/train/{wildcards.training}"
    return [f"{folder}/seed{seed}/metrics.jsonl" for seed in declared("trainings", wildcards.training).seeds]


def row_files(row):
    """The files behind one row of a table, as `pdarts.report` takes them."""
    training, folder = CONFIG.trainings[row.training], f"results/train/{row.training}"
    searches = sorted({searched for seed in training.seeds if (searched := search_of(row.training, seed))})
    drawn = training.seeds if len(searches) > 1 else training.seeds[:1]
    search_curves = [f"results/search/{search}/seed{seed}/curves.svg" for search, seed in searches]
    return {
        "architecture": row.architecture,
        "tests": [f"{folder}/seed{seed}/test.json" for seed in training.seeds],
        "metrics": [f"{folder}/seed{seed}/metrics.jsonl" for seed in training.seeds],
        "searches": [stage_files(search, seed) for search, seed in searches],
        "cells": [f"{folder}/seed{seed}/cells.svg" for seed in drawn],
        "curves": [*search_curves, f"{folder}/curves.svg"],
    }


def table_files(wildcards):
    table = declared("tables", wildcards.table)
    return json.dumps({"title": table.title, "rows": [row_files(row) for row in table.rows]})


def table_inputs(wildcards):
    for row in json.loads(table_files(wildcards))["rows"]:
        yield from (*row["tests"], *row["metrics"], *row["cells"], *row["curves"])
        for stages in row["searches"]:
            yield from stages


try:
    CONFIG = checked_config()
except InputError as error:
    refuse(error)
