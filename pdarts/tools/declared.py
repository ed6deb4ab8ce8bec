"""The config as Snakemake puts it together, and which files belong to it."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pdarts import extensions
from pdarts.errors import InputError
from pdarts.paths import number_in, wildcards_of
from pdarts.settings.config import Config, parse_config
from pdarts.settings.random_searches import draws_of
from pdarts.settings.trainings import DrawnCell, RandomCells
from pdarts.workflow.given import merged, read_file, with_settings

CONFIG = Path("config.yaml")
"""The project's config, in the folder in which its tools are called."""


def read_project(configfiles: Iterable[str] = (), entries: Sequence[str] = ()) -> Config:
    """Read the config of the project in the working directory, with the settings that a user adds.

    Args:
        configfiles: config files of the user.
        entries: `KEY=VALUE`, the value in YAML, as after `snakemake --config`.

    Raises:
        InputError: if the working directory has no config, as outside of a clone; or as `read_config`.
    """
    if not CONFIG.exists():
        raise InputError(
            f"there is no {CONFIG} in {Path.cwd()}; call this tool in a clone of the project's repository, "
            "because the installed package has no workflow"
        )
    return read_config([CONFIG, *map(Path, configfiles)], entries)


def read_config(paths: Sequence[Path], entries: Sequence[str] = ()) -> Config:
    """Read the config as Snakemake puts it together: later parts add and override keys, at all depths.

    Args:
        paths: config files.
        entries: `KEY=VALUE`, the value in YAML, as after `snakemake --config`.

    Raises:
        InputError: if one cannot be read, or they do not fit; if an extension that they name cannot be loaded.
    """
    values: dict[str, Any] = {}
    for path in paths:
        values = merged(values, read_file(path))
    values = with_settings(values, entries)
    extensions.load(extensions.named_in(values))
    return parse_config(values)


def belongs(path: Path, config: Config) -> bool:
    """Whether a file below `results/` belongs to something declared, or, like W&B's, to no entry of any config."""
    found = wildcards_of(path)
    nouns = {"dataset": "datasets", "search": "searches", "random_search": "random_searches"}
    for name, noun in (nouns | {"training": "trainings", "checkpoint": "checkpoints", "table": "tables"}).items():
        if name in found and found[name] not in getattr(config, noun):
            return False
    if "search" in found:
        search = config.searches[found["search"]]
        stage = found.get("stage") or number_in(found.get("variant", ""), "stage")
        return int(found.get("seed", search.seeds[0])) in search.seeds and int(stage or 0) <= len(search.stages)
    if "draw" in found:
        return int(found["draw"]) in _drawn(config, found["random_search"])
    if "random_search" in found and "seed" in found:
        draws = draws_of(int(found["seed"]), config.random_searches[found["random_search"]].draws)
        return _drawn(config, found["random_search"]).issuperset(draws)
    if "seed" in found:
        seeds = config.trainings[found["training"]].seeds if "training" in found else _drawn(config, None)
        return int(found["seed"]) in seeds
    return True


def _drawn(config: Config, random_search: str | None) -> set[int]:
    """Numbers of the draws of a random search, or of None seeds of random cells, that trainings ask for."""
    drawn: set[int] = set()
    for training in config.trainings.values():
        match training.genotype:
            case RandomCells(random=number) if random_search is None:
                drawn |= set(training.seeds) if number == "each" else {number}
            case DrawnCell(random_search=name, draw=number) if random_search == name:
                drawn |= set(training.seeds) if number == "each" else {number}
    return drawn
