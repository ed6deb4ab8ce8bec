"""What a table may declare, and numbers of repetitions by name."""

from typing import Any

import pytest
import yaml

from pdarts.checking import parse
from pdarts.errors import InputError
from pdarts.settings.config import Config
from pdarts.settings.tables import Table
from tests.configuration import CONFIG, ROOT

COLUMNS = {"cifar10": {"heading": "CIFAR-10", "measure": "top1_error"}}
ROW = {"architecture": "A"}


def config(**changes: Any) -> Config:
    """The project's own configuration with other values under its first keys."""
    values = yaml.safe_load((ROOT / "config.yaml").read_text())
    for key, change in changes.items():
        values[key] = {**values[key], **change}
    return parse(Config, values, "config")


def test_one_number_says_how_often_every_row_of_the_paper_is_retrained() -> None:
    assert CONFIG.trainings["nasnet-on-cifar10"].seeds == (0, 1, 2)
    more = config(repeats={"retrainings": 5}).trainings
    rows = [row for name in ("table1", "depth_study", "skip_study") for row in CONFIG.tables[name].rows]
    names = {name for row in rows for name in row.trainings.values()}
    assert len(names) > 20
    assert {more[name].seeds for name in names} == {(0, 1, 2, 3, 4)}
    assert more["digits"].seeds == (0, 1)


def test_one_number_says_how_many_searches_of_a_kind_are_made() -> None:
    more = config(repeats={"searches": 2})
    assert more.searches["darts-second-order-cifar10"].seeds == (0, 1)
    rows = [row for table in CONFIG.tables.values() if table.paper for row in table.rows]
    searched = {name for row in rows for name in row.searches.values() if not name.startswith("random")}
    assert {more.trainings[name].seeds for name in searched} == {(0, 1)}


def test_a_number_from_the_command_line_may_be_text() -> None:
    assert config(repeats={"retrainings": "2", "searches": 1}).trainings["nasnet-on-cifar10"].seeds == (0, 1)


@pytest.mark.parametrize("number", [0, -1, "many", 1.5, None])
def test_a_number_of_repetitions_that_cannot_be_is_named_and_nothing_else(number: object) -> None:
    with pytest.raises(InputError, match=rf"^config: repeats\.retrainings is {number!r}; allowed: [^\n]*$"):
        config(repeats={"retrainings": number, "searches": 1})


def test_a_name_that_is_no_number_of_repetitions_is_refused() -> None:
    digits = {**yaml.safe_load((ROOT / "config.yaml").read_text())["trainings"]["digits"], "seeds": "retraining"}
    with pytest.raises(InputError, match=r"digits\.seeds: 'retraining' is no name under repeats; did you mean 'retrai"):
        config(trainings={"digits": digits})


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"rows": [ROW]}, r"rows\[0\] \(A\) shows nothing|takes architecture and training alone"),
        ({"rows": [{**ROW, "trainings": {"cifar10": "x"}}]}, r"rows\[0\] \(A\): a table without columns takes "),
        ({"columns": COLUMNS, "rows": [ROW]}, r"rows\[0\] \(A\) shows nothing; give it trainings, or paper to quote"),
        ({"columns": COLUMNS, "rows": [{**ROW, "paper": "PNAS"}]}, r"paper is 'PNAS', but the table names no paper"),
        (
            {"columns": COLUMNS, "rows": [{**ROW, "training": "x", "trainings": {"cifar10": "x"}}]},
            r"has both training and trainings; keep one",
        ),
        (
            {"columns": COLUMNS, "rows": [{**ROW, "trainings": {"cifar": "x"}}]},
            r"rows\[0\]\.trainings: column is 'cifar', which does not exist; did you mean 'cifar10'\?",
        ),
    ],
)
def test_a_table_that_cannot_be_is_refused(table: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse(Table, {"title": "T", **table}, "table")


def test_names_in_a_table_must_be_declared() -> None:
    table = {"title": "T", "columns": COLUMNS, "rows": [{**ROW, "trainings": {"cifar10": "nasnet"}}]}
    with pytest.raises(InputError, match=r"tables\.mine\.rows\[0\]\.trainings\.cifar10 is 'nasnet', which does not"):
        config(tables={"mine": table})


def test_a_column_of_several_searches_needs_a_genotype_a_seed() -> None:
    row = {**ROW, "searches": {"cifar10": "nasnet-on-cifar10"}}
    with pytest.raises(InputError, match=r"searches\.cifar10 is 'nasnet-on-cifar10', whose seeds share a genotype"):
        config(tables={"mine": {"title": "T", "columns": COLUMNS, "rows": [row]}})
    row = {**ROW, "searches": {"cifar10": "random-on-cifar10"}}
    config(tables={"mine": {"title": "T", "columns": COLUMNS, "rows": [row]}})


def test_a_training_of_a_row_stands_for_all_columns() -> None:
    columns = {**COLUMNS, "cifar100": {"heading": "CIFAR-100", "measure": "top5_error"}}
    table = parse(Table, {"title": "T", "columns": columns, "rows": [{**ROW, "training": "x"}]}, "table")
    assert table.rows[0].trained(table.columns) == {"cifar10": "x", "cifar100": "x"}
