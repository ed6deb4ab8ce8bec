"""The rehearsal keeps up with `config.yaml`: what the paper's tables need is in it, all of it at toy size."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pdarts.settings.config import Config
from pdarts.settings.datasets import ImageFolder
from pdarts.settings.methods import METHODS
from pdarts.settings.trainings import FromRandomSearch, FromSearch, RandomCells, Training
from pdarts.tools import project, rehearse
from pdarts.tools.declared import read_config
from pdarts.workflow.tables import table_files
from tests.configuration import CONFIG, ROOT

OVERLAYS = {"long": ["rules/rehearsal.yaml"], "short": ["rules/rehearsal.yaml", "rules/rehearsal-short.yaml"]}
LONG, SHORT = (read_config([ROOT / name for name in ("config.yaml", *names)]) for names in OVERLAYS.values())
SMALL = {"digits", "digits-validation", "fashion"}
"""Searches and recipes that are small as they are, of no such table."""


def trained(config: Config) -> dict[str, Training]:
    """All trainings that tables beside papers' figures show."""
    rows = [row for name, table in config.tables.items() if table.paper for row in table_files(config, name).rows]
    runs = [each for row in rows for each in (*row.runs.values(), *row.searches.values())]
    names = [Path(folder).name for each in runs for folder in each.trainings]
    return {name: config.trainings[name] for name in names}


def methods(config: Config) -> set[tuple[object, ...]]:
    """Ways to come by a cell, and data sets to retrain it on."""
    found: set[tuple[object, ...]] = set()
    for training in trained(config).values():
        genotype = training.genotype
        found.add(("dataset", training.dataset))
        if isinstance(genotype, RandomCells):
            found.add(("random", genotype.max_skips))
        elif isinstance(genotype, FromRandomSearch):
            found.add(("random search", config.random_searches[genotype.random_search].max_skips))
        elif isinstance(genotype, FromSearch):
            search = config.searches[genotype.search]
            keys = tuple(getattr(search, key) for key in METHODS[search.method].model_fields)
            found.add(("search", search.method, keys, search.stem, search.division, search.max_skips))
            found.add(("stages", len(search.stages)))
            found.add(("variant", genotype.stage is not None, genotype.max_skips is not None))
        else:
            found.add(("published", genotype))
    return found


def sizes(config: Config) -> Iterator[tuple[str, int, int, int]]:
    """Name, epochs, cells and channels of all that is searched or trained, but for what is small as it is."""
    for name, search in config.searches.items():
        for stage in search.stages if name not in SMALL else ():
            yield f"searches.{name}", search.epochs, stage.cells, stage.channels
    for name, recipe in config.recipes.items():
        if name not in SMALL:
            yield f"recipes.{name}", recipe.epochs, recipe.cells, recipe.channels
    for name, training in trained(config).items():
        recipe = config.recipe_of(training)
        yield f"trainings.{name}", recipe.epochs, recipe.cells, recipe.channels


def test_every_search_recipe_and_training_of_the_project_is_at_toy_size() -> None:
    full = {name for name, *_ in sizes(CONFIG)}
    assert len(full) > 50
    assert full <= {name for name, *_ in sizes(LONG)}
    assert [found for found in sizes(LONG) if found[1] > 6 or found[2] > 4 or found[3] > 6] == []


def test_every_row_is_in_the_long_rehearsal_with_several_seeds_and_searches() -> None:
    rows = [{name: table.rows for name, table in config.tables.items()} for config in (LONG, CONFIG)]
    assert rows[0] == rows[1]
    assert {len(training.seeds) for training in trained(LONG).values()} == {2}
    assert methods(LONG) == methods(CONFIG)


def test_random_searches_have_two_draws_in_rehearsals() -> None:
    for config in (LONG, SHORT):
        assert {search.draws for search in config.random_searches.values()} == {2}


def test_the_short_one_has_fewer_rows_but_every_method() -> None:
    assert len(trained(SHORT)) < len(trained(LONG)) / 2
    assert methods(SHORT) == methods(CONFIG)


@pytest.mark.parametrize("config", [LONG, SHORT], ids=list(OVERLAYS))
def test_stand_ins_stand_in_for_all_that_is_read(config: Config) -> None:
    assert config.rehearsal
    used = [training.dataset for training in trained(config).values()]
    used += [each.dataset for each in (*config.searches.values(), *config.checkpoints.values())]
    for name in set(used) - {"digits", "fashion-10000"}:
        dataset = config.datasets[name]
        assert dataset.folder.endswith("_stand_in")
        assert dataset.train_images is not None
        if isinstance(dataset, ImageFolder):
            assert config.machine.data_root(dataset.folder) == str(rehearse.IMAGES)
            assert dataset.train_images <= rehearse.TRAIN_IMAGES
    assert {checkpoint.file for checkpoint in config.checkpoints.values()} == {
        str(path) for path in rehearse.WEIGHTS.values()
    }


def test_no_rehearsal_is_declared_in_the_project_itself() -> None:
    assert not CONFIG.rehearsal


def test_links_lead_to_what_is_there() -> None:
    assert [name for name in project.READ if not Path(ROOT, name).exists()] == []
