"""Trainings that tables, searches and random searches make, as plain values of a config that is not checked yet."""

import json
from typing import Any

from pydantic import TypeAdapter, ValidationError

from pdarts.errors import InputError
from pdarts.settings.random_searches import RandomSearch, draws_of, draws_training
from pdarts.settings.repeats import Seeds
from pdarts.settings.tables import Table

SEEDS: TypeAdapter[tuple[int, ...]] = TypeAdapter(Seeds)


def with_made_trainings(values: dict[str, Any]) -> dict[str, Any]:
    """Add the trainings that tables, validations of searches and random searches make to those that are written.

    An entry under `trainings` overrides the one of its name that is made, key by key.

    Raises:
        InputError: if two tables make different trainings of one name.
    """
    written = values.get("trainings", {})
    if not isinstance(written, dict):
        return values
    made = _validations(values) | _trainings_of_rows(values)
    made |= _short_trainings(values, _overridden(made, written))
    return {**values, "trainings": _overridden(made, written)}


def _overridden(made: dict[str, dict[str, Any]], written: dict[str, Any]) -> dict[str, Any]:
    """Lay the entries that are written over those that are made, key by key."""
    both = {name: made.get(name, {}) | entry for name, entry in written.items() if isinstance(entry, dict)}
    return {**made, **written, **both}


def _validations(values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Make plain settings, by name, of the trainings that choose among the seeds of each search."""
    return {
        f"{name}-validation": {
            "genotype": {"search": name, "seed": "each"},
            "dataset": search.get("dataset"),
            "recipe": search["validation"],
            "seeds": _seeds_of(search, values),
        }
        for name, search in _entries(values, "searches").items()
        if search.get("validation") is not None
    }


def _short_trainings(values: dict[str, Any], trainings: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Make plain settings, by name, of the trainings by which random searches choose.

    Args:
        values: the config as plain values, not checked yet; invalid random searches make no trainings.
        trainings: all others. The seeds of random searches that they ask for are made, or seed 0 if they ask for none.
    """
    made = {}
    for name, settings in _entries(values, "random_searches").items():
        try:
            found = RandomSearch.model_validate_json(json.dumps(settings, default=str))
        except ValidationError:
            continue  # the check of the whole config says why
        seeds = sorted({seed for training in trainings.values() for seed in _asked_for(name, training, values)}) or [0]
        made[draws_training(name)] = {
            "genotype": {"random_search": name, "draw": "each"},
            "dataset": found.dataset,
            "recipe": found.recipe,
            "seeds": tuple(number for seed in seeds for number in draws_of(seed, found.draws)),
        }
    return made


def _asked_for(random_search: str, training: Any, values: dict[str, Any]) -> tuple[int, ...]:
    """Read the seeds of a random search that a training, which is not checked yet, asks for."""
    genotype = training.get("genotype") if isinstance(training, dict) else None
    if not isinstance(genotype, dict) or genotype.get("random_search") != random_search or "seed" not in genotype:
        return ()
    return _seeds_of(training if genotype["seed"] == "each" else {"seeds": [genotype["seed"]]}, values)


def _trainings_of_rows(values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Make plain settings, by name, of the trainings of all rows of tables.

    Args:
        values: the config as plain values, not checked yet; invalid tables make no trainings.
    """
    made: dict[str, tuple[str, dict[str, Any]]] = {}
    searches = _entries(values, "searches")
    for table, settings in _entries(values, "tables").items():
        try:
            parsed = Table.model_validate_json(json.dumps(settings, default=str), context=values)
        except ValidationError:
            continue  # the check of the whole config says why
        shown = [row.trainings(name, column) for row in parsed.rows for name, column in parsed.columns.items()]
        for name, training in (each for trainings in shown for each in trainings.items()):
            if training is not None:
                if training["seeds"] is None:
                    training["seeds"] = _seeds_of(searches.get(training["genotype"]["search"], {}), values)
                _check_same(name, made.setdefault(name, (table, training)), (table, training))
    return {name: training for name, (_, training) in made.items()}


def _check_same(name: str, one: tuple[str, dict[str, Any]], other: tuple[str, dict[str, Any]]) -> None:
    """Refuse two different trainings of one name, each given with its table."""
    for key, value in one[1].items():
        if other[1][key] != value:
            raise InputError(
                f"tables.{one[0]} and tables.{other[0]} both make a training {name}, with {key} {_shown(value)} and "
                f"{_shown(other[1][key])}; give one of the rows a name of its own, such as name: mine, or both the same"
            )


def _shown(value: object) -> str:
    return str(list(value)) if isinstance(value, tuple) else repr(value)


def _seeds_of(entry: dict[str, Any], values: dict[str, Any]) -> tuple[int, ...]:
    """Read the seeds of an entry that is not checked yet; a single one if they are invalid, since its check says so."""
    try:
        return SEEDS.validate_json(json.dumps(entry.get("seeds"), default=str), context=values)
    except ValidationError:
        return (0,)


def _entries(values: dict[str, Any], noun: str) -> dict[str, dict[str, Any]]:
    """Collect the entries under a first key of a config that is not checked yet, without those that hold no keys."""
    entries = values.get(noun)
    found = entries.items() if isinstance(entries, dict) else ()
    return {name: entry for name, entry in found if isinstance(entry, dict)}
