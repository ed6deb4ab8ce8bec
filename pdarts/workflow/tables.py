"""The files that the tables of the config are made of."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pdarts import paths
from pdarts.reporting.paper import paper, quoted_by
from pdarts.reporting.table_files import (
    MeasuredColumn,
    RandomSearchFiles,
    ReleasedFiles,
    RowFiles,
    Runs,
    SearchFiles,
    TableFiles,
)  # fmt: skip
from pdarts.settings.config import Config
from pdarts.settings.random_searches import draws_of, draws_training
from pdarts.settings.tables import Row, Table
from pdarts.settings.trainings import DrawnCell, FromRandomSearch, FromSearch, RandomCells
from pdarts.workflow.declared import declared
from pdarts.workflow.genotypes import genotype_of, seed_of, seeds_behind, validations

Seeds = Mapping[str, Iterable[int]]
"""Seeds by the name of a training."""


def table_files(config: Config, table: str) -> TableFiles:
    """Find the files of a table's rows; a complete table also has the rows that only the paper has."""
    found: Table = declared(config, "tables", table)
    columns = {
        name: MeasuredColumn(heading=column.heading, measure=column.measure)
        for name, column in found.columns.items()
        if column.heading is not None and column.measure is not None
    }
    rows = _with_quotes(found, [_row_files(config, found, row) for row in found.rows])
    return TableFiles(title=found.title, paper=found.paper, baseline=found.baseline, columns=columns, rows=tuple(rows))


def table_settings(config: Config, table: str) -> str:
    """Write `table_files` as one line of JSON."""
    return table_files(config, table).model_dump_json()


def table_inputs(config: Config, table: str) -> list[str]:
    """All results that a table is made of, each once."""
    return list(dict.fromkeys(table_files(config, table).results()))


def results_so_far(config: Config, table: str) -> str:
    """Hash which results of a table exist and how old they are; a partial table is current until the hash changes."""
    present = [Path(path) for path in table_inputs(config, table) if Path(path).exists()]
    lines = [f"{path} {path.stat().st_mtime_ns}" for path in present]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _with_quotes(table: Table, rows: list[RowFiles]) -> Iterator[RowFiles]:
    """Yield the rows and, in a complete table, quotes of the paper's other rows, in the paper's order."""
    theirs = [row.architecture for row in paper().tables[table.paper].rows] if table.paper and table.complete else []
    stood_for = {row.paper for row in rows}
    for row in rows:
        while row.paper in theirs:
            architecture = theirs.pop(0)
            if architecture == row.paper:
                break
            if architecture not in stood_for:
                yield _quote(architecture)
        yield row
    yield from (_quote(architecture) for architecture in theirs if architecture not in stood_for)


def _quote(architecture: str) -> RowFiles:
    return RowFiles(
        architecture=architecture, runs={}, searches={}, released={}, paper=architecture, independent={}, cells=(),
        curves=(),
    )  # fmt: skip


def _row_files(config: Config, table: Table, row: Row) -> RowFiles:
    alike, several = _shown(config, table, row)
    found = {column: _of_several_searches(config, name, alike.get(column)) for column, name in several.items()}
    searches = {column: seeds for column, seeds in found.items() if seeds}
    names = dict.fromkeys([*alike.values(), *(name for seeds in searches.values() for name in seeds)])
    pictured = dict.fromkeys(alike.values()) or names
    return RowFiles(
        architecture=row.architecture,
        runs={column: _runs(config, {name: config.trainings[name].seeds}) for column, name in alike.items()},
        searches={column: _runs(config, seeds) for column, seeds in searches.items()},
        released=_released(config, table, row),
        paper=quoted_by(table, row),
        independent=row.independent,
        cells=tuple(dict.fromkeys(path for name in pictured for path in _cells(config, name))),
        curves=tuple(dict.fromkeys(path for name in pictured for path in _curves(config, name))),
    )


def _shown(config: Config, table: Table, row: Row) -> tuple[dict[str, str], dict[str, str]]:
    """Find the trainings that a row shows, by column: those of one genotype, and those of a genotype for each seed."""
    alike: dict[str, str] = {}
    several: dict[str, str] = {}
    for column, settings in table.columns.items():
        for name in row.trainings(column, settings):
            (several if config.trainings[name].differs_by_seed else alike)[column] = name
    if table.compares:
        return alike, several
    listed = list((alike or several).values()) or filter(None, [row.training])
    return {name: name for name in listed}, {}


def _runs(config: Config, trainings: Seeds) -> Runs:
    """Find trained seeds by folder, and the searches behind them.

    Args:
        config: the whole config.
        trainings: seeds by name of a training; all have one dataset, and their genotypes come from one search or none.
    """
    pairs = [(config.trainings[name].genotype, seed) for name, seeds in trainings.items() for seed in seeds]
    drawn = {seed_of(genotype.random, seed) for genotype, seed in pairs if isinstance(genotype, RandomCells)}
    drawn |= {seed_of(genotype.draw, seed) for genotype, seed in pairs if isinstance(genotype, DrawnCell)}
    chosen = [(genotype, seed) for genotype, seed in pairs if isinstance(genotype, FromRandomSearch)]
    searched = [(genotype, seed) for genotype, seed in pairs if isinstance(genotype, FromSearch)]
    return Runs(
        trainings={paths.TRAINING.format(training=name): tuple(seeds) for name, seeds in trainings.items()},
        dataset=config.trainings[next(iter(trainings))].dataset,
        search=_search_files(config, searched) if searched else None,
        independent=any(config.trainings[name].differs_by_seed for name in trainings),
        random_search=_random_search_files(config, chosen) if chosen else None,
        drawn=tuple(sorted(drawn)),
    )


def _search_files(config: Config, searched: list[tuple[FromSearch, int]]) -> SearchFiles:
    """Find the files of the search from which the seeds of trainings have their genotypes."""
    first, _ = searched[0]
    chosen = first.seed == "chosen"
    ending = paths.variant(first.max_skips, first.stage)
    return SearchFiles(
        folder=paths.SEARCH.format(search=first.search),
        seeds=tuple(sorted({found for genotype, seed in searched for found in seeds_behind(config, genotype, seed)})),
        stages=first.stage or len(config.searches[first.search].stages),
        choice=paths.CHOICE.format(search=first.search, variant=ending) if chosen else None,
        validations=tuple(validations(config, first.search)) if chosen else (),
    )


def _random_search_files(config: Config, chosen: list[tuple[FromRandomSearch, int]]) -> RandomSearchFiles:
    """Find the files of the random search from which the seeds of trainings have their genotypes."""
    name = chosen[0][0].random_search
    return RandomSearchFiles(
        folder=paths.RANDOM_SEARCH.format(random_search=name),
        seeds=tuple(sorted({seed_of(genotype.seed, seed) for genotype, seed in chosen})),
        draws=config.random_searches[name].draws,
        training=paths.TRAINING.format(training=draws_training(name)),
    )


def _of_several_searches(config: Config, name: str, beside: str | None) -> dict[str, list[int]]:
    """Find the seeds, by training, that retrain the genotype of each seed of a search once.

    A seed with which the training `beside` does the same is taken from there; empty if all are such seeds.
    """
    own = list(config.trainings[name].seeds)
    shared = [seed for seed in own if beside is not None and _same_run(config, name, beside, seed)]
    own = [seed for seed in own if seed not in shared]
    found = {folder: seeds for folder, seeds in ((beside, shared), (name, own)) if folder is not None and seeds}
    return found if own else {}


def _same_run(config: Config, one: str, other: str, seed: int) -> bool:
    """Whether both trainings have this seed and do the same with it."""
    first, second = config.trainings[one], config.trainings[other]
    if seed not in second.seeds or first.dataset != second.dataset:
        return False
    alike = config.recipe_of(first) == config.recipe_of(second)
    return alike and _origin(config, one, seed) == _origin(config, other, seed)


def _origin(config: Config, training: str, seed: int) -> object:
    """Identify the genotype that a training's seed takes; the chosen one of a single search is that search's."""
    genotype = config.trainings[training].genotype
    if not isinstance(genotype, FromSearch):
        return genotype
    return genotype.search, seeds_behind(config, genotype, seed), genotype.max_skips, genotype.stage


def _released(config: Config, table: Table, row: Row) -> dict[str, ReleasedFiles]:
    """Find weights that others trained, by each column of their dataset."""
    if row.checkpoint is None:
        return {}
    checkpoint = config.checkpoints[row.checkpoint]
    test = paths.CHECKPOINT_TEST.format(checkpoint=row.checkpoint)
    files = ReleasedFiles(test=test, dataset=checkpoint.dataset, file=checkpoint.file, origin=checkpoint.origin)
    shown = [name for name, column in table.columns.items() if column.dataset in (None, checkpoint.dataset)]
    return {name: files for name in shown if row.columns is None or name in row.columns}


def _cells(config: Config, training: str) -> list[str]:
    """List a drawing of each genotype of a training."""
    seeds = config.trainings[training].seeds
    first = {genotype_of(config, training, seed): seed for seed in reversed(seeds)}
    return [paths.CELLS.format(training=training, seed=seed) for seed in sorted(first.values())]


def _curves(config: Config, training: str) -> list[str]:
    """List curves of a training and of each seed of the search behind it; first one of all seeds, if all are used."""
    genotype, seeds = config.trainings[training].genotype, config.trainings[training].seeds
    curves = []
    if isinstance(genotype, FromSearch):
        searched = sorted({found for seed in seeds for found in seeds_behind(config, genotype, seed)})
        if len(searched) > 1 and searched == sorted(config.searches[genotype.search].seeds):
            curves.append(paths.SEARCH_CURVES.format(search=genotype.search))
        curves += [paths.SEED_CURVES.format(search=genotype.search, seed=seed) for seed in searched]
    if isinstance(genotype, FromRandomSearch):
        short, draws = draws_training(genotype.random_search), config.random_searches[genotype.random_search].draws
        searched = sorted({seed_of(genotype.seed, seed) for seed in seeds})
        if [number for seed in searched for number in draws_of(seed, draws)] == sorted(config.trainings[short].seeds):
            curves.append(paths.TRAINING_CURVES.format(training=short))
    return [*curves, paths.TRAINING_CURVES.format(training=training)]
