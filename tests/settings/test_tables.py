"""What a table may declare, and numbers of repetitions by name."""

from typing import Any

import pytest
import yaml

from pdarts.checking import parse
from pdarts.errors import InputError
from pdarts.settings.config import Config, parse_config
from pdarts.settings.tables import Table
from pdarts.settings.trainings import FromSearch
from tests.configuration import CONFIG, ROOT

COLUMN = {"heading": "CIFAR-10", "measure": "top1_error"}
RETRAINED = {**COLUMN, "dataset": "cifar10", "recipe": "cifar", "seeds": "retrainings"}
COLUMNS = {"cifar10": RETRAINED, "cifar100": {**RETRAINED, "heading": "CIFAR-100", "dataset": "cifar100"}}
ROW = {"architecture": "A"}


def config(**changes: Any) -> Config:
    """The project's own configuration with other values under its first keys."""
    values = yaml.safe_load((ROOT / "config.yaml").read_text())
    for key, change in changes.items():
        values[key] = {**values[key], **change}
    return parse_config(values)


def mine(*rows: dict[str, Any], **changes: Any) -> Config:
    """The project's own configuration with a table of these rows."""
    return config(
        tables={"mine": {"title": "T", "columns": COLUMNS, "rows": [{**ROW, **row} for row in rows], **changes}}
    )


def test_one_number_says_how_often_every_genotype_is_retrained() -> None:
    assert CONFIG.trainings["nasnet-on-cifar10"].seeds == (0, 1, 2)
    more = config(repeats={"retrainings": 5}).trainings
    assert {len(more[name].seeds) for name in more if "-on-" in name and "-each-" not in name} == {5}
    assert more["digits"].seeds == (0, 1)


def test_one_number_says_how_many_searches_of_a_kind_are_made() -> None:
    more = config(repeats={"searches": 2})
    assert more.searches["darts-second-order-cifar10"].seeds == (0, 1)
    each = [training for name, training in more.trainings.items() if "-each-" in name]
    assert len(each) > 20
    assert {training.seeds for training in each} == {(0, 1)}


def test_a_row_makes_a_training_for_each_dataset_and_one_for_each_seed_of_its_search() -> None:
    row = {"search": "digits", "name": "mine", "changes": {"channels": 8}}
    made = mine(row).trainings
    assert {name for name in made if name.startswith("mine-")} == {
        "mine-on-cifar10", "mine-on-cifar100", "mine-each-on-cifar10", "mine-each-on-cifar100"
    }  # fmt: skip
    chosen, each = made["mine-on-cifar100"], made["mine-each-on-cifar100"]
    assert chosen.genotype == FromSearch(search="digits", seed="chosen")
    assert each.genotype == FromSearch(search="digits", seed="each")
    assert (chosen.seeds, each.seeds) == ((0, 1, 2), CONFIG.searches["digits"].seeds)
    assert (each.dataset, each.recipe, each.changes) == ("cifar100", "cifar", {"channels": 8})


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ({"search": "digits"}, "digits-on-cifar10"),
        ({"search": "digits", "max_skips": 3}, "digits-skips3-on-cifar10"),
        ({"search": "digits", "stage": 1}, "digits-stage1-on-cifar10"),
        ({"search": "digits", "stage": 1, "name": "early"}, "early-on-cifar10"),
        ({"genotype": "NASNet", "name": "mine"}, "mine-on-cifar10"),
        ({"genotype": {"random": "each", "max_skips": 0}, "name": "none"}, "none-on-cifar10"),
    ],
)
def test_names_of_trainings_follow_from_their_row(row: dict[str, Any], name: str) -> None:
    assert name in mine(row).trainings


def test_a_row_may_have_a_search_for_each_column_or_be_in_some_only() -> None:
    made = mine(
        {"search": {"cifar100": "digits"}}, {"genotype": "PDARTS", "name": "own", "columns": ["cifar10"]}
    ).trainings
    assert "digits-on-cifar100" in made
    assert "own-on-cifar10" in made
    assert not {"digits-on-cifar10", "own-on-cifar100"} & made.keys()


def test_an_entry_under_trainings_overrides_a_made_one_key_by_key() -> None:
    values = yaml.safe_load((ROOT / "config.yaml").read_text())
    values["trainings"]["nasnet-on-cifar10"] = {"seeds": [7]}
    changed = parse_config(values).trainings["nasnet-on-cifar10"]
    assert changed == CONFIG.trainings["nasnet-on-cifar10"].model_copy(update={"seeds": (7,)})


def test_two_rows_cannot_make_different_trainings_of_one_name() -> None:
    with pytest.raises(
        InputError,
        match=r"tables\.table1 and tables\.mine both make a training nasnet-on-cifar10, with genotype \'NASNet",
    ):
        mine({"genotype": "PDARTS", "name": "nasnet"})


@pytest.mark.parametrize("number", [0, -1, "many", 1.5, None])
def test_a_number_of_repetitions_that_cannot_be_is_named_and_nothing_else(number: object) -> None:
    with pytest.raises(InputError, match=rf"^config: repeats\.retrainings is {number!r}; allowed: [^\n]*$"):
        config(repeats={"retrainings": number, "searches": 1})


def test_a_name_that_is_no_number_of_repetitions_is_refused() -> None:
    digits = {**yaml.safe_load((ROOT / "config.yaml").read_text())["trainings"]["digits"], "seeds": "retraining"}
    with pytest.raises(InputError, match=r"digits\.seeds: 'retraining' is not a name under repeats; did you mean"):
        config(trainings={"digits": digits})


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"rows": [ROW]}, r"rows\[0\] \(A\): a table without headings has a line for each training; name a search"),
        (
            {"rows": [{**ROW, "search": "x"}]},
            r"\(A\): a table without columns shows trainings that have names",
        ),
        (
            {"columns": COLUMNS, "rows": [ROW]},
            r"rows\[0\] \(A\) shows nothing; name a search",
        ),
        (
            {"columns": COLUMNS, "rows": [{**ROW, "search": "x", "paper": "PNAS"}]},
            r"'PNAS', but the table names no",
        ),
        (
            {"columns": COLUMNS, "rows": [{**ROW, "search": "x", "training": "y"}]},
            r"\(A\) has both search",
        ),
        (
            {"columns": COLUMNS, "rows": [{**ROW, "genotype": "PDARTS"}]},
            r"\(A\) has a genotype but no name",
        ),
        (
            {"columns": COLUMNS, "rows": [{**ROW, "training": "x", "stage": 1}]},
            r"has stage but no search",
        ),
        (
            {"columns": COLUMNS, "rows": [{**ROW, "training": "x", "changes": {"cells": 1}}]},
            r"changes but no",
        ),
        (
            {"columns": COLUMNS, "rows": [{**ROW, "search": "x", "columns": ["cifar"]}]},
            r"rows\[0\]\.columns: column is 'cifar', which does not exist; did you mean 'cifar10'\?",
        ),
        (
            {"columns": {"cifar10": COLUMN}, "rows": [{**ROW, "search": "x"}]},
            r"columns\.cifar10 names no dataset, but rows\[0\] \(A\) is retrained there",
        ),
        (
            {"columns": {"cifar10": {"heading": "CIFAR-10"}}, "rows": [{**ROW, "training": "x"}]},
            r"columns\.cifar10: give every column of the table heading and measure, or none of them",
        ),
        (
            {"columns": {"one": COLUMN, "two": COLUMN}, "rows": [{**ROW, "training": "x"}]},
            r"columns\.two\.heading is 'CIFAR-10', as in columns\.one; give each a name of its own",
        ),
        (
            {"columns": COLUMNS, "rows": [{**ROW, "training": "x"}, {**ROW, "training": "y", "columns": ["cifar10"]}]},
            r"rows\[1\]\.architecture is 'A', as in rows\[0\]; give each a name",
        ),
        (
            {"columns": COLUMNS, "baseline": "B", "rows": [{**ROW, "search": "x"}]},
            r"baseline: an architecture that is trained here is 'B', which does not exist",
        ),
        (
            {"baseline": "A", "rows": [{**ROW, "training": "x"}, {**ROW, "training": "y"}]},
            r"baseline is 'A', which 2 rows are called; give the row",
        ),
        (
            {
                "columns": {"one": COLUMN, "two": {**COLUMN, "heading": "Other"}},
                "baseline": "A",
                "rows": [
                    {**ROW, "training": "x", "columns": ["one"]},
                    {**ROW, "checkpoint": "y", "columns": ["two"]},
                ],
            },
            r"baseline is 'A', which 2 rows are called; give the row",
        ),
        ({"columns": COLUMNS, "rows": [{**ROW, "search": {}}]}, r"rows\[0\]\.search"),
        ({"columns": COLUMNS, "rows": [{**ROW, "name": "a", "genotype": ""}]}, r"rows\[0\]\.genotype"),
        ({"columns": COLUMNS, "rows": [{**ROW, "name": "a", "training": "x"}]}, r"\(A\) has a name but no search or"),
        ({"columns": COLUMNS, "complete": True, "rows": [{**ROW, "search": "x"}]}, r"complete is true, but the table"),
    ],
)
def test_a_table_that_cannot_be_is_refused(table: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse(Table, {"title": "T", **table}, "table", {"repeats": {"retrainings": 1, "searches": 1}})


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"search": "digit"},
            r"tables\.mine\.rows\[0\]\.search is 'digit', which does not exist; did you",
        ),
        ({"training": "digit"}, r"tables\.mine\.rows\[0\]\.training is 'digit', which does not exist; did you"),
        ({"checkpoint": "mine"}, r"tables\.mine\.rows\[0\]\.checkpoint is 'mine', which does not exist"),
        ({"training": "digits-validation"}, r"rows\[0\] shows digits-validation, whose train_portion is 0\.5, so that"),
        ({"trainings": {}}, r"tables\.mine\.rows\[0\]\.trainings: unknown key; did you mean 'training'\?"),
    ],
)
def test_what_a_row_names_must_be_declared(row: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        mine(row)
