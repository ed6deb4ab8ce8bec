"""Differences to a baseline: Welch's interval, and what the results of a row come from."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from pdarts.checking import parse
from pdarts.reporting import plain_table
from pdarts.reporting.differences import t_bound, welch
from pdarts.reporting.document import report
from pdarts.reporting.grid import MINUS
from pdarts.reporting.table_files import TableFiles
from tests.reporting.examples import provenance, row, runs, write_test
from tests.reporting.test_comparison import BARE, CIFAR10, MEASURED, files, shown

DRUG_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
DRUG_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
"""Hours of extra sleep under two drugs (Student 1908), R's example of `t.test`."""


def test_the_interval_is_that_of_a_published_example() -> None:
    half = welch(DRUG_1, DRUG_2)
    assert half is not None
    difference = sum(DRUG_1) / 10 - sum(DRUG_2) / 10
    assert [difference - half, difference + half] == pytest.approx([-3.3654832, 0.2054832], abs=1e-7)


@pytest.mark.parametrize(
    ("freedom", "bound"), [(1, 12.7062047), (2, 4.3026527), (4, 2.7764451), (10, 2.2281389), (1e6, 1.9599664)]
)
def test_bounds_are_those_of_tables_of_students_distribution(freedom: float, bound: float) -> None:
    assert t_bound(freedom) == pytest.approx(bound, abs=1e-7)


def test_results_without_spread_have_no_interval() -> None:
    assert welch([96.0, 96.0], [97.0, 97.0]) is None


@pytest.fixture
def table(tmp_path: Path) -> dict[str, Any]:
    """A searched row, drawn cells, a published cell, and a row with one result."""
    rows = [
        row(tmp_path / "searched", [97.0, 98.0], 2, "Searched"),
        row(tmp_path / "drawn", [95.0, 96.0, 97.0], 0, "Drawn"),
        row(tmp_path / "given", [96.5, 96.5], 0, "Given"),
        row(tmp_path / "once", [96.5], 0, "Once"),
    ]
    for each in rows[:2]:
        each["runs"]["training"]["independent"] = True
    return {"title": "T", "paper": None, "columns": {}, "rows": rows, "baseline": "Drawn"}


def test_a_table_with_a_baseline_says_how_rows_differ_and_what_their_results_come_from(table: dict[str, Any]) -> None:
    forms = report(parse(TableFiles, table, "table"))
    (heading,) = (line for line in forms["md"].splitlines() if line.startswith("| Architecture"))
    assert "| Difference to Drawn (95 % interval) |" in heading
    written = forms["md"].replace(MINUS, "-")
    cells = [[cell.strip() for cell in line.split("|")[5:8]] for line in written.splitlines()[4:8]]
    assert cells == [
        ["+1.50 (-0.99 to +3.99)", "2 searches", "2"],
        ["baseline", "3 draws", "2"],
        ["+0.50 (-1.98 to +2.98)", "2 seeds of 1 cell", "2"],
        ["–", "1 seed of 1 cell", "2"],
    ]
    assert "- Difference: mean of a row minus mean of Drawn, in percentage points" in written
    assert "- Spread: Searched, Drawn: of independent searches or draws" in written
    assert "- Spread: Given: of trainings of one cell that differ in their seed: noise of training alone" in written
    records = list(csv.DictReader(io.StringIO(forms["csv"])))
    assert [record["baseline_difference"] for record in records] == ["1.5", "", "0.5", ""]
    assert float(records[2]["baseline_difference_low"]) == pytest.approx(0.5 - 4.302652730 / 3**0.5)
    assert [record["independent"] for record in records] == ["True", "True", "False", "False"]
    assert "Difference to Drawn" in forms["html"]
    assert "Difference to Drawn" in forms["tex"]


def test_a_difference_of_rows_that_were_not_made_alike_is_marked(table: dict[str, Any], tmp_path: Path) -> None:
    for seed in range(2):
        other = provenance(device="Apple M3")
        write_test(tmp_path / f"given/seed{seed}/test.json", 96.5, provenance=other, training_provenance=other)
    forms = report(parse(TableFiles, table, "table"))
    cells = [line.split("|")[5].strip() for line in forms["md"].splitlines()[4:8]]
    assert [cell.endswith("‡") for cell in cells] == [False, False, True, False]
    assert "- Difference: ‡ marks one of results that were not made alike" in forms["md"]


def test_where_the_baseline_has_not_run_rows_still_say_what_their_results_come_from(table: dict[str, Any]) -> None:
    for path in (Path(seed) for seed in table["rows"][1]["runs"]["training"]["trainings"]):
        for test in path.glob("**/test.json"):
            test.unlink()
    lines = report(parse(TableFiles, table, "table"), partial=True)["md"].splitlines()
    cells = [[cell.strip() for cell in line.split("|")[5:7]] for line in lines[4:8]]
    assert cells == [["–", "2 searches"], ["–", "–"], ["–", "2 seeds of 1 cell"], ["–", "1 seed of 1 cell"]]


def test_a_table_without_a_baseline_has_no_more_columns(table: dict[str, Any]) -> None:
    forms = report(parse(TableFiles, {**table, "baseline": None}, "table"))
    assert not [form for form, text in forms.items() if "Drawn (95" in text or "- Spread" in text]
    assert plain_table.columns(None, {}) == plain_table.COLUMNS


def test_of_lines_on_one_dataset_the_one_that_is_trained_alike_is_the_baseline(table: dict[str, Any]) -> None:
    (folder,) = table["rows"][1]["runs"]["training"]["trainings"]
    long = runs(Path(folder) / "long", [97.5, 98.5])
    for seed in (0, 1):
        path = Path(folder) / f"long/seed{seed}/test.json"
        path.write_text(path.read_text().replace('"channels": 16', '"channels": 36'))
    table["rows"][1]["runs"] = {"long": long, **table["rows"][1]["runs"]}
    lines = report(parse(TableFiles, table, "table"))["md"].splitlines()
    assert [line.split("|")[5].split()[0] for line in lines[4:9]] == ["+1.50", "baseline", "baseline", "+0.50", "–"]


def test_beside_figures_of_the_paper_searches_are_compared_before_seeds_of_one_cell(tmp_path: Path) -> None:
    table = {**files(tmp_path), "baseline": BARE}
    for each in table["rows"][1:]:
        each["searches"]["cifar10"]["independent"] = True
    cells = shown(table)
    told = {
        name: [text for heading, text in row.items() if heading.startswith(CIFAR10)][-3:] for name, row in cells.items()
    }
    assert [text.replace(MINUS, "-") for text in told[MEASURED]] == ["-0.70 (-4.68 to +3.28)", "2 searches", "2"]
    assert told[BARE] == ["baseline", "2 draws", "2"]
    assert not any("CIFAR-100 error (%): difference" in heading for heading in cells[BARE])
