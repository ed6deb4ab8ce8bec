"""The config as Snakemake puts it together, and which files belong to it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from pdarts import extensions
from pdarts.errors import InputError
from pdarts.paths import number_in, wildcards_of
from pdarts.settings.config import Config, parse_config
from pdarts.settings.trainings import RandomCells


def read_config(paths: Sequence[Path], entries: Sequence[str] = ()) -> Config:
    """Read the config as Snakemake puts it together: later parts add and override keys, at all depths.

    Args:
        paths: config files.
        entries: `KEY=VALUE`, the value in YAML, as behind `snakemake --config`.

    Raises:
        InputError: if one cannot be read, or they do not fit; if an extension that they name cannot be loaded.
    """
    merged: dict[str, Any] = {}
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise InputError(f"{path}: this config file cannot be read ({error.strerror})") from error
        merged = _merged(merged, _keys(text, str(path)))
    for entry in entries:
        key, equals, value = entry.partition("=")
        if not equals:
            raise InputError(f"--config: {entry!r} is no KEY=VALUE, such as 'repeats={{retrainings: 10}}'")
        merged = _merged(merged, {key: _yaml(value, f"--config {entry!r}")})
    extensions.load(extensions.named_in(merged))
    return parse_config(merged)


def _keys(text: str, where: str) -> Mapping[str, Any]:
    values = _yaml(text, where) or {}
    if not isinstance(values, Mapping):
        raise InputError(f"{where}: no keys with values, such as those of config.yaml")
    return values


def _yaml(text: str, where: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise InputError(f"{where}{line}: no YAML ({error.problem}); mend it, a bracket may be open") from error
    except yaml.YAMLError as error:
        raise InputError(f"{where}: no YAML ({error})") from error


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _merged(old[key], new[key])
        if isinstance(old.get(key), Mapping) and isinstance(new.get(key), Mapping)
        else new.get(key, old.get(key))
        for key in {**old, **new}
    }


def belongs(path: Path, config: Config) -> bool:
    """Whether a file below `results/` belongs to something declared, or, like W&B's, to no entry of any config."""
    found = wildcards_of(path)
    nouns = {"dataset": "datasets", "search": "searches", "training": "trainings", "checkpoint": "checkpoints"}
    for name, noun in (nouns | {"table": "tables"}).items():
        if name in found and found[name] not in getattr(config, noun):
            return False
    if "search" in found:
        search = config.searches[found["search"]]
        stage = found.get("stage") or number_in(found.get("variant", ""), "stage")
        return int(found.get("seed", search.seeds[0])) in search.seeds and int(stage or 0) <= len(search.stages)
    if "seed" in found:
        seeds = config.trainings[found["training"]].seeds if "training" in found else _draws(config)
        return int(found["seed"]) in seeds
    return True


def _draws(config: Config) -> set[int]:
    """Seeds of random cells that trainings ask for."""
    drawn: set[int] = set()
    for training in config.trainings.values():
        if isinstance(training.genotype, RandomCells):
            seed = training.genotype.random
            drawn |= set(training.seeds) if seed == "each" else {seed}
    return drawn
