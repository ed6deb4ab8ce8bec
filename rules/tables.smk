"""The files behind the rows of tables, as `pdarts.report` takes them."""

import hashlib
from functools import cache
from types import SimpleNamespace


def runs(trainings):
    """Trained seeds by folder, and the searches behind them, as `pdarts.report` takes them.

    Args:
        trainings: seeds by name of a training; the genotypes of all come from one search, or from none.
    """
    folders = {f"results/train/{name}": list(seeds) for name, seeds in trainings.items()}
    genotypes = {name: CONFIG.trainings[name].genotype for name in trainings}
    searched = {name: genotype for name, genotype in genotypes.items() if isinstance(genotype, FromSearch)}
    random = {name: genotype for name, genotype in genotypes.items() if isinstance(genotype, RandomCells)}
    drawn = {int(seed_of(random[name].random, seed)) for name in random for seed in trainings[name]}
    if not searched:
        return {"trainings": folders, "search": None, "drawn": sorted(drawn)}
    first, *_ = searched.values()
    seeds = {found for name in searched for seed in trainings[name] for found in seeds_behind(searched[name], seed)}
    search = {
        "folder": f"results/search/{first.search}",
        "seeds": sorted(seeds),
        "stages": first.stage or len(CONFIG.searches[first.search].stages),
        "choice": None,
        "validations": [],
    }
    if first.seed == "chosen":
        wildcards = SimpleNamespace(search=first.search)
        choice = f"results/search/{first.search}/chosen/choice{variant(first.max_skips, first.stage)}.json"
        search |= {"choice": choice, "validations": validations(wildcards)}
    return {"trainings": folders, "search": search, "drawn": sorted(drawn)}


def of_several_searches(name, beside):
    """Seeds by training of one retraining for each of several searches.

    A seed that is the same in the training `beside` is taken from there, not run twice; none where that is so of all.
    """
    training, other = CONFIG.trainings[name], CONFIG.trainings.get(beside)
    shared = [seed for seed in training.seeds if other and seed in other.seeds and same_run(name, beside, seed)]
    own = [seed for seed in training.seeds if seed not in shared]
    return {folder: seeds for folder, seeds in ((beside, shared), (name, own)) if seeds} if own else {}


def same_run(one, other, seed):
    """Whether two trainings do the same with a seed."""
    first, second = CONFIG.trainings[one], CONFIG.trainings[other]
    settings_of = lambda training: (training.dataset, CONFIG.recipe_of(training))
    return settings_of(first) == settings_of(second) and origin(first.genotype, seed) == origin(second.genotype, seed)


def origin(genotype, seed):
    """What decides which genotype a training's seed takes; the chosen one of a single search is that search's."""
    if not isinstance(genotype, FromSearch):
        return genotype
    return genotype.search, seeds_behind(genotype, seed), genotype.max_skips, genotype.stage


def released(name):
    """The test of weights that others trained, as `pdarts.report` takes it."""
    named = CONFIG.checkpoints[name]
    return {"test": f"results/checkpoints/{name}/test.json", "file": named.file, "origin": named.origin}


def row_files(row, columns):
    """The files behind one row of a table, as `pdarts.report` takes them."""
    trained = row.trained(columns or [row.training])
    several = {
        column: found
        for column, name in row.searches.items()
        if (found := of_several_searches(name, trained.get(column)))
    }
    names = list(dict.fromkeys([*trained.values(), *(name for column in several.values() for name in column)]))
    drawn = names if not trained else list(dict.fromkeys(trained.values()))
    return {
        "architecture": row.architecture,
        "runs": {column: runs({name: CONFIG.trainings[name].seeds}) for column, name in trained.items()},
        "searches": {column: runs(found) for column, found in several.items()},
        "released": {column: released(name) for column, name in row.checkpoints.items()},
        "paper": row.paper,
        "independent": row.independent,
        "cells": list(dict.fromkeys(path for name in drawn for path in cells_drawn(name))),
        "curves": list(dict.fromkeys(path for name in drawn for path in curves_drawn(name))),
    }


def searches_of(training):
    """Name and seed of each search that the genotypes of a training come from, or are chosen from."""
    genotype, seeds = CONFIG.trainings[training].genotype, CONFIG.trainings[training].seeds
    if not isinstance(genotype, FromSearch):
        return []
    return sorted({(genotype.search, found) for seed in seeds for found in seeds_behind(genotype, seed)})


def cells_drawn(training):
    """A drawing of each genotype of a training."""
    seeds = CONFIG.trainings[training].seeds
    drawn = {genotype(SimpleNamespace(training=training, seed=seed)): seed for seed in reversed(seeds)}
    return [f"results/train/{training}/seed{seed}/cells.svg" for seed in sorted(drawn.values())]


def curves_drawn(training):
    """Curves of each search behind a training, of all seeds of a search where all are behind it, and of the training."""
    searched = searches_of(training)
    curves = [f"results/search/{search}/seed{seed}/curves.svg" for search, seed in searched]
    for search in {search for search, _ in searched}:
        declared_seeds = [(search, seed) for seed in sorted(CONFIG.searches[search].seeds)]
        if len(searched) > 1 and searched == declared_seeds:
            curves.insert(0, f"results/search/{search}/curves.svg")
    return [*curves, f"results/train/{training}/curves.svg"]


@cache
def table_files(name):
    table = declared("tables", name)
    columns = {column: setting.model_dump() for column, setting in table.columns.items()}
    rows = [row_files(row, columns) for row in table.rows]
    return {"title": table.title, "paper": table.paper, "columns": columns, "rows": rows}


def table_settings(wildcards):
    return json.dumps(table_files(wildcards.table))


def results_of(name):
    """All results that a table is made of; tests of weights that others trained only where their file is there."""
    for row in table_files(name)["rows"]:
        yield from (each["test"] for each in row["released"].values() if Path(each["file"]).exists())
        for each in (*row["runs"].values(), *row["searches"].values()):
            for folder, seeds in each["trainings"].items():
                for seed in seeds:
                    yield from (f"{folder}/seed{seed}/test.json", f"{folder}/seed{seed}/metrics.jsonl")
            if search := each["search"]:
                folder, stages = search["folder"], range(1, search["stages"] + 1)
                yield from (f"{folder}/seed{seed}/stage{stage}.json" for seed in search["seeds"] for stage in stages)
                yield from filter(None, [search["choice"], *search["validations"]])
        yield from (*row["cells"], *row["curves"])


def table_inputs(wildcards):
    return list(dict.fromkeys(results_of(wildcards.table)))


def results_so_far(wildcards):
    """A hash of which results of a table are there and how old they are: a table of these is current until it changes."""
    found = [f"{path} {Path(path).stat().st_mtime_ns}" for path in table_inputs(wildcards) if Path(path).exists()]
    return hashlib.sha256("\n".join(found).encode()).hexdigest()[:16]
