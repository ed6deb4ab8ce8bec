"""The checked config that a run of the workflow begins with, and look-ups in it by name."""

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pdarts import extensions, paths
from pdarts.checking import suggestion
from pdarts.data.catalog import SOURCES
from pdarts.errors import InputError
from pdarts.paths import REHEARSAL, RESULTS
from pdarts.reporting.paper import check_quotes
from pdarts.settings.config import Config, parse_config
from pdarts.space import genotype_file
from pdarts.space.genotype import Genotype
from pdarts.space.topology import KINDS, kinds_of_cells
from pdarts.workflow.given import with_settings

PUBLISHED = Path("pdarts/genotypes")
"""Folder of the published cells."""
PROGRAMS = ("bash", "tee")
"""Programs that the commands of all rules start."""


def checked(values: dict[str, Any], entries: Sequence[str]) -> Config:
    """Check the config, genotype files that it names, and the results folder; load its extensions.

    Args:
        values: the config as Snakemake read it.
        entries: single settings on Snakemake's command line, as it was given them.

    Raises:
        InputError: for what is wrong.
    """
    if not PUBLISHED.is_dir():
        raise InputError(
            f"there is no {PUBLISHED} in {Path.cwd()}, so this is not a folder of the project; call Snakemake in that "
            "of its Snakefile, or name that folder by --directory"
        )
    for program in PROGRAMS:
        if shutil.which(program) is None:
            raise InputError(f"there is no {program} on the PATH, which every rule's command needs; install it")
    values = with_settings(values, entries)
    extensions.load(extensions.named_in(values))
    config = parse_config(values)
    if problems := list(dict.fromkeys(_problems_of_files(config))):
        raise InputError("\n".join(problems))
    _check_folder(config)
    return config


def _problems_of_files(config: Config) -> Iterator[str]:
    """Say what is wrong with the genotypes, files and quotations that entries of the config name."""
    genotypes = {f"trainings.{name}.genotype": training.genotype for name, training in config.trainings.items()}
    genotypes |= {f"checkpoints.{name}.genotype": each.genotype for name, each in config.checkpoints.items()}
    checks: list[partial[Any]] = [
        *(partial(published_or_own, key, name) for key, name in genotypes.items() if isinstance(name, str)),
        *(partial(_check_path, f"checkpoints.{name}.file", each.file) for name, each in config.checkpoints.items()),
        *(partial(check_quotes, name, table) for name, table in config.tables.items()),
    ]
    for check in checks:
        try:
            check()
        except InputError as error:
            yield str(error)


def ignored_roots(config: Config) -> Iterator[str]:
    """Say which folders with data count for nothing, since the dataset of that name reads another one.

    A rehearsal is silent: its datasets read other folders on purpose.
    """
    folders = {dataset.folder for dataset in config.datasets.values()}
    for name, root in config.machine.data_roots.items():
        if name in SOURCES and SOURCES[name].files is None and not config.rehearsal:
            yield f"machine.data_roots.{name} is {root!r} and counts for nothing: {name} is part of the package"
            continue
        unused = name in config.datasets and name not in folders and root != f"data/{name}"
        if unused and not config.rehearsal:
            folder = config.datasets[name].folder
            yield (
                f"machine.data_roots.{name} is {root!r} and counts for nothing: dataset {name} reads folder {folder}; "
                f"set machine.data_roots.{folder} instead"
            )


def idle_alphas(config: Config) -> Iterator[str]:
    """Say which searches have supernets without a cell of one kind, so that this kind's alphas never move."""
    for name, search in config.searches.items():
        for number, stage in enumerate(search.stages):
            for kind in set(KINDS) - set(kinds_of_cells(stage.cells)):
                yield (
                    f"searches.{name}.stages[{number}].cells is {stage.cells}: this supernet has no {kind} cell, so no "
                    f"image decides what a {kind} cell keeps; with 3 cells and more there are both kinds"
                )


def _check_folder(config: Config) -> None:
    if config.rehearsal != REHEARSAL.exists():
        raise InputError(
            "rehearsal is true, but this folder is not set up for one, so that no result can be touched; call make "
            "rehearsal"
            if config.rehearsal
            else "this folder is a rehearsal's; add --configfile rules/rehearsal.yaml, or go to that of the real "
            "results"
        )
    if RESULTS.exists() and not (RESULTS.is_dir() and os.access(RESULTS, os.W_OK)):
        raise InputError(
            f"{RESULTS.resolve()} is not a folder that can be written; move it away or change its permissions"
        )


def genotype_path(name: str) -> str:
    """Return the path of a published cell, such as `PDARTS`; any other name is the path of a user's own file."""
    return f"{PUBLISHED}/{name}.json" if name in _published() else name


def _published() -> list[str]:
    return sorted(path.stem for path in PUBLISHED.glob("*.json"))


def published_or_own(key: str, name: str) -> Genotype:
    """Read the genotype of a published cell or of a user's file.

    Args:
        key: in the config, for messages.
        name: as in `genotype_path`.

    Raises:
        InputError: if there is no such file, or it holds no genotype.
    """
    _check_path(key, name)
    path = Path(genotype_path(name))
    if not path.exists():
        raise InputError(
            f"{key} is {name!r}, but this is not a published cell, and there is no such file; allowed: "
            f"{', '.join(_published())}, or the path of a genotype file"
        )
    try:
        return genotype_file.read(path)
    except InputError as error:
        raise InputError(f"{key}: {error}") from error


def _check_path(key: str, path: str) -> None:
    if {"{", "}"} & {*path}:
        raise InputError(f"{key} is {path!r}, but braces are wildcards to Snakemake; rename the file")


def declared(config: Config, noun: str, name: str) -> Any:
    """Look up the entry `name` under a first key of the config, such as `searches`.

    Raises:
        InputError: if there is none, such as when a user wrote the path of a result by hand.
    """
    existing = getattr(config, noun)
    if name not in existing:
        raise InputError(f"{noun}: there is no {name!r}{suggestion(name, existing)}")
    return existing[name]


def source_files(config: Config, dataset: str) -> list[str]:
    """List the file that records a dataset's source as present; empty if there is nothing to download."""
    source = SOURCES.get(declared(config, "datasets", dataset).source)  # folders of images have no record
    return [paths.SOURCE_FILES.format(source=source.name)] if source and source.files else []


def check_targets(config: Config, rules: Iterable[Any]) -> None:
    """Refuse tables that are called like a rule, so that each name means one target.

    Args:
        config: whose tables become targets.
        rules: of the workflow, before the tables'.

    Raises:
        InputError: naming the first such table.
    """
    for rule in rules:
        if rule.name in config.tables:
            raise InputError(
                f"tables.{rule.name}: this is the name of a rule, so it cannot be the table's target; rename the table"
            )


def unknown_target(target: str, rules: Iterable[Any]) -> str:
    """Make the message about a target that no rule makes, with the nearest targets.

    Args:
        target: as the user wrote it.
        rules: of the workflow.
    """
    targets = [rule.name for rule in rules if not rule.has_wildcards()]
    return f"{target!r} is neither a target nor a file that a rule makes{suggestion(target, targets)}"
