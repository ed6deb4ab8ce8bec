"""What a config declares, as it shows in the paths of results."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from pdarts import extensions
from pdarts.errors import InputError
from pdarts.settings.config import Config, parse_config
from pdarts.settings.trainings import RandomCells


def read_config(paths: Sequence[Path], entries: Sequence[str] = ()) -> Config:
    """The config as Snakemake puts it together: later parts add and override, keys within keys too.

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
    """Whether a file is that of something declared, or is none that a job makes.

    Args:
        path: below `results/`.
        config: what is declared.
    """
    parts = path.parts
    if parts[0] == "logs":
        parts = ("data", *parts[2:]) if parts[1:2] == ("prepare",) else parts[1:]
    match parts:
        case ("data", name):
            return _stem(name) in config.datasets
        case ("tables", name):
            return _stem(name) in config.tables
        case ("search", name, folder, file):
            search = config.searches.get(name)
            if search is None or _stage(file) > len(search.stages):
                return False
            return folder == "chosen" or _seed(folder) in search.seeds
        case ("train", name, seed, _):
            return name in config.trainings and _seed(seed) in config.trainings[name].seeds
        case ("search" | "train" as kind, name, _):
            return name in (config.searches if kind == "search" else config.trainings)
        case ("random", seed, _):
            return _seed(seed) in _draws(config)
        case ("checkpoints", name, _):
            return name in config.checkpoints
    return True


def _draws(config: Config) -> set[int]:
    """Seeds of random cells that trainings ask for."""
    drawn: set[int] = set()
    for training in config.trainings.values():
        if isinstance(training.genotype, RandomCells):
            seed = training.genotype.random
            drawn |= set(training.seeds) if seed == "each" else {seed}
    return drawn


def _stem(name: str) -> str:
    return Path(name).stem


def _seed(folder: str) -> int:
    """The seed in `seed0`; -1 if it is none."""
    found = re.fullmatch(r"seed(\d+)", folder)
    return int(found[1]) if found else -1


def _stage(file: str) -> int:
    """The stage in `stage3.json` or `genotype_stage3.json`; 0 where there is none."""
    found = re.search(r"stage(\d+)", file)
    return int(found[1]) if found else 0
