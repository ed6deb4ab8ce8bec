"""Random searches are checked before any job, and make the short trainings that they choose by."""

import copy
from typing import Any

import pytest
import yaml

from pdarts.engine.seeds import random_cells
from pdarts.errors import InputError
from pdarts.settings.config import parse_config
from pdarts.settings.random_searches import draws_of, seed_of_draw
from pdarts.settings.trainings import DrawnCell, FromRandomSearch
from pdarts.space.sampling import sample
from tests.configuration import ROOT

VALUES = yaml.safe_load((ROOT / "config.yaml").read_text())
MINE = {"dataset": "digits", "draws": 3, "max_skips": None, "recipe": "digits-validation"}


def declared(genotype: object = "PDARTS", seeds: object = (0, 1), **changes: object) -> dict[str, Any]:
    """The project's configuration with a random search, and with this genotype and these seeds of a training."""
    values = copy.deepcopy(VALUES)
    values["random_searches"]["mine"] = {**MINE, **changes}
    values["trainings"]["digits"] |= {"genotype": genotype, "seeds": list(seeds) if isinstance(seeds, tuple) else seeds}
    return values


@pytest.mark.parametrize(
    ("genotype", "message"),
    [
        ({"random_search": "mine"}, "trainings.digits.genotype.seed: missing; add it"),
        ({"random_search": "mine", "seed": "chosen"}, "trainings.digits.genotype.seed"),
        (
            {"random_search": "mine", "seed": -1},
            "trainings.digits.genotype.seed is -1; allowed: greater than or equal to 0, or 'each'",
        ),
        (
            {"random_search": "mine", "seed": 0, "max_skips": 2},
            "trainings.digits.genotype.max_skips: unknown key (allowed: random_search, seed)",
        ),
        (
            {"random_search": "mine", "seed": 0, "draw": 2},
            "trainings.digits.genotype.seed: unknown key (allowed: random_search, draw)",
        ),
        (
            {"random_search": "mein", "seed": "each"},
            "trainings.digits.genotype.random_search is 'mein', which does not exist; did you mean 'mine'?",
        ),
    ],
)
def test_a_genotype_that_no_random_search_chooses_is_refused(genotype: object, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_config(declared(genotype))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"draws": 1}, "random_searches.mine.draws is 1; allowed: greater than or equal to 2"),
        ({"draws": None}, "random_searches.mine.draws is None"),
        ({"max_skips": 9}, "random_searches.mine.max_skips is 9; allowed: less than or equal to 8"),
        ({"dataset": "digit"}, "random_searches.mine.dataset is 'digit', which does not exist; did you mean 'digits'?"),
        ({"recipe": "short"}, "random_searches.mine.recipe is 'short', which does not exist"),
        (
            {"recipe": "digits"},
            "random_searches.mine.recipe is 'digits', whose train_portion is 1, so that test images would decide",
        ),
        ({"seed": 0}, "random_searches.mine.seed: unknown key (allowed: dataset, draws, max_skips, recipe)"),
    ],
)
def test_a_random_search_that_cannot_be_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_config(declared({"random_search": "mine", "seed": "each"}, **changes))
    assert message in str(caught.value)


def test_a_change_of_the_short_trainings_lets_no_test_image_decide() -> None:
    values = declared()
    values["trainings"]["mine-draws"] = {"changes": {"train_portion": 1.0}}
    with pytest.raises(InputError, match=r"so that test images would decide which cell is best; name a recipe"):
        parse_config(values)
    values["trainings"]["mine-draws"] = {"changes": {"epochs": 1}}
    training = parse_config(values).trainings["mine-draws"]
    assert (training.recipe, training.changes, training.seeds) == ("digits-validation", {"epochs": 1}, (0, 1, 2))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"chagnes": {"epochs": 1}}, r"trainings\.mine-draws\.chagnes: unknown key; did you mean 'changes'\?"),
        ({"recipe": "cifar-drwas"}, r"trainings\.mine-draws\.recipe is 'cifar-drwas', which does not exist"),
    ],
)
def test_a_mistake_in_what_overrides_the_short_trainings_is_named(override: dict[str, object], message: str) -> None:
    values = declared()
    values["trainings"]["mine-draws"] = override
    with pytest.raises(InputError, match=message):
        parse_config(values)


@pytest.mark.parametrize(
    ("genotype", "seeds", "draws"),
    [
        ({"random_search": "mine", "seed": "each"}, (0, 2), (0, 1, 2, 6, 7, 8)),
        ({"random_search": "mine", "seed": "each"}, "retrainings", tuple(range(9))),
        ({"random_search": "mine", "seed": 5}, (0, 1), (15, 16, 17)),
        ("PDARTS", (5,), (0, 1, 2)),
        ({"random_search": "mine", "draw": "each"}, (5,), (0, 1, 2)),
    ],
)
def test_what_is_drawn_are_the_cells_of_the_seeds_that_trainings_ask_for(
    genotype: object, seeds: object, draws: tuple[int, ...]
) -> None:
    config = parse_config(declared(genotype, seeds))
    short = config.trainings["mine-draws"]
    assert short.seeds == draws
    assert short.genotype == DrawnCell(random_search="mine", draw="each")
    assert (short.dataset, short.recipe) == ("digits", "digits-validation")


def test_a_row_of_a_table_asks_for_a_random_search_of_each_seed_of_its_column() -> None:
    config = parse_config(VALUES)
    training = config.trainings["random-search-on-cifar10"]
    assert training.genotype == FromRandomSearch(random_search="random-search", seed="each")
    assert training.differs_by_seed
    draws = config.random_searches["random-search"].draws
    assert config.trainings["random-search-draws"].seeds == tuple(range(len(training.seeds) * draws))


def test_no_two_seeds_share_a_cell_nor_do_random_searches_and_random_cells() -> None:
    seeds = [seed_of_draw(name, draw) for name in ("one", "two") for seed in range(4) for draw in draws_of(seed, 5)]
    cells = [sample(random_cells(seed, None), None) for seed in (*seeds, *range(20))]
    assert len({cell.normal for cell in cells}) == 60
    assert seed_of_draw("one", 0) == seeds[0] == 2780064892241449734


@pytest.mark.parametrize("changes", [{"genotype": "PDARTS"}, {"dataset": "cifar10"}])
def test_the_short_trainings_train_the_draws_on_the_declared_images(changes: dict[str, Any]) -> None:
    values = declared({"random_search": "mine", "seed": "each"})
    values["trainings"]["mine-draws"] = changes
    with pytest.raises(InputError, match=r"trainings.mine-draws has another genotype or dataset than the draws of"):
        parse_config(values)
    values["trainings"]["mine-draws"] = {"changes": {"epochs": 1}}
    parse_config(values)
