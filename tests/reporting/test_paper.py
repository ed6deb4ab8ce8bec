"""The paper's figures are whole, and what quotes them is checked before any job."""

import pytest

from pdarts.checking import parse
from pdarts.errors import InputError
from pdarts.reporting.paper import Independent, check_quotes, paper
from pdarts.settings.tables import Table
from pdarts.workflow.tables import table_files
from tests.configuration import CONFIG


def test_both_tables_have_seventeen_rows_each_once() -> None:
    for name in ("table1", "table2"):
        names = [row.architecture for row in paper().tables[name].rows]
        assert len(names) == len(set(names)) == 17


def test_errors_of_p_darts_are_those_of_the_paper() -> None:
    row = paper().tables["table1"].row("P-DARTS CIFAR10 + cutout")
    assert (row.error("cifar10"), row.error("cifar100"), row.params, row.cost) == (2.50, 16.55, 3.4, 0.3)
    assert row.error("imagenet") is None
    assert paper().tables["table2"].row("P-DARTS (searched on CIFAR10)").madds == 557


def test_figures_from_memory_are_marked_unverified() -> None:
    assert {name for name, figures in paper().tables.items() if figures.unverified} == {"skip_study"}
    recalled = {row.architecture for figures in paper().tables.values() for row in figures.rows if row.unverified}
    assert recalled == {"PC-DARTS", "DARTS-", "DARTS- (published cell)", "SDARTS-RS", "SDARTS-ADV", "beta-DARTS"}


def test_accuracies_of_others_become_errors() -> None:
    given = Independent(subject="A", who="B", what="C", dataset="d", mean=97.125, std=0.131, n=8)
    assert (given.text, given.range) == ("2.88 ± 0.13 (n = 8)", (2.875, 2.875))
    listed = Independent(subject="A", who="B", what="C", dataset="d", values=(97.0, 97.5))
    assert (listed.text, listed.range) == ("2.75 ± 0.35 (n = 2)", (2.5, 3.0))


def test_others_are_found_by_subject_and_dataset() -> None:
    assert [entry.n for entry in paper().others("P-DARTS", "cifar10")] == [8, 4]
    assert paper().others("P-DARTS", "imagenet") == []
    assert paper().others(None, "cifar10") == []


@pytest.mark.parametrize("name", [name for name, table in CONFIG.tables.items() if table.of_paper])
def test_a_declared_table_has_all_rows_of_the_paper_in_order_before_its_own(name: str) -> None:
    table = CONFIG.tables[name]
    assert table.paper is not None
    printed = [row.architecture for row in paper().tables[table.paper].rows]
    assert [row.paper for row in table_files(CONFIG, name).rows][: len(printed)] == printed
    check_quotes(name, table)


def test_every_figure_of_another_paper_is_quoted_by_a_row() -> None:
    others = {name: table for name, table in CONFIG.tables.items() if table.paper and not table.of_paper}
    assert set(others) == {"methods", "methods_imagenet"}
    for name, table in others.items():
        assert table.paper is not None
        printed = {row.architecture for row in paper().tables[table.paper].rows}
        assert {row.paper for row in table_files(CONFIG, name).rows} - {None} == printed
        check_quotes(name, table)


def test_a_row_that_the_paper_does_not_have_is_refused_with_those_that_it_has() -> None:
    with pytest.raises(InputError, match=r"tables\.mine\.rows\[0\]\.paper is 'DARTS', .* allowed: .*, DARTS_V2"):
        check_quotes("mine", table(paper="DARTS"))
    with pytest.raises(InputError, match=r"rows\[0\]\.independent\.cifar10 is 'me'; allowed: DARTS, P-DARTS, "):
        check_quotes("mine", table(paper="DARTS_V2", independent={"cifar10": "me"}))


def table(**row: object) -> Table:
    columns = {"cifar10": {"heading": "CIFAR-10", "measure": "top1_error"}}
    rows = [{"architecture": "A", **row}]
    return parse(Table, {"title": "T", "paper": "depth_study", "columns": columns, "rows": rows}, "table")
