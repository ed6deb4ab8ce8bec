"""Errors against sizes: a point for each figure there is."""

import re
from pathlib import Path

import pytest

from pdarts.checking import parse
from pdarts.reporting.comparison import Comparison, compare
from pdarts.reporting.figures import svg
from pdarts.reporting.plain_table import errors
from pdarts.reporting.rows import read_row
from pdarts.reporting.scatter import COURSE, costs, scatters
from pdarts.reporting.table_files import TableFiles
from tests.reporting.examples import read, row
from tests.reporting.test_comparison import files


def compared(folder: Path) -> list[Comparison]:
    return compare(
        parse(TableFiles, files(folder), "table"), lambda name, column, runs: read_row(name, runs, True, column)
    )


def test_there_is_a_figure_for_each_column_and_size_with_two_points(tmp_path: Path) -> None:
    assert [title for title, _ in scatters(compared(tmp_path))] == [
        "CIFAR-10: test error against parameters",
        "CIFAR-10: test error against multiply-adds",
        "CIFAR-10: test error against cost",
    ]


def test_points_carry_the_numbers_of_their_rows(tmp_path: Path) -> None:
    (_, by_parameters), (_, by_multiply_adds), (_, by_cost) = scatters(compared(tmp_path))
    assert numbers(svg(by_parameters)) == ["1", "2", "2", "3"]
    assert numbers(svg(by_multiply_adds)) == numbers(svg(by_cost)) == ["2", "3"]


def test_a_row_stands_at_the_cost_of_its_search_and_training_and_its_best_result_at_that_of_all(tmp_path: Path) -> None:
    rows = {"Searched": row(tmp_path / "a", [97.0, 96.0, 98.0], 3), "Given": row(tmp_path / "b", [96.5, 97.5])}
    rows["Searched"]["runs"]["training"]["independent"] = True
    read_rows = [read(files) for files in rows.values()]
    ((title, figure),) = costs("digits", [(number, each, errors(each)) for number, each in enumerate(read_rows, 1)])
    assert title == "digits: test error against cost"
    (axes,) = figure.axes
    means = [(x, y) for line in axes.lines if line.get_marker() == "o" for x, y in line.get_xydata()]
    one = (3 * 30 + 60) / 3600  # three stages of 30 seconds, a training of 60
    assert means == [pytest.approx((one, 3)), pytest.approx((60 / 3600, 3))]
    (course,) = (line.get_xydata().tolist() for line in axes.lines if line.get_color() == COURSE)
    assert course == [pytest.approx(point) for point in ([one, 3], [2 * one, 3], [3 * one, 2])]


def test_a_single_row_with_a_cost_has_no_figure(tmp_path: Path) -> None:
    only = read(row(tmp_path, [97.0, 96.0]))
    assert list(costs("digits", [(1, only, errors(only))])) == []


def test_a_figure_is_the_same_byte_for_byte(tmp_path: Path) -> None:
    first, second = (svg(next(scatters(compared(tmp_path)))[1]) for _ in range(2))
    assert first == second


def numbers(text: str) -> list[str]:
    """Texts of a figure in the size of the numbers beside points, its axes having decimals or another size."""
    named = "|".join(re.findall(r"\.(\w+){[^}]*font(?:-size)?: ?7px[^}]*}", text))
    return sorted(re.findall(rf'<text[^>]*class="(?:{named})"[^>]*>(\d+)</text>', text))
