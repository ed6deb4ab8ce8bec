"""Errors against sizes: a point for each figure there is."""

import re
from pathlib import Path

from pdarts.checking import parse
from pdarts.reporting.comparison import Comparison, compare
from pdarts.reporting.figures import svg
from pdarts.reporting.rows import read_row
from pdarts.reporting.scatter import scatters
from pdarts.reporting.table_files import TableFiles
from tests.reporting.test_comparison import files


def compared(folder: Path) -> list[Comparison]:
    return compare(
        parse(TableFiles, files(folder), "table"), lambda name, column, runs: read_row(name, runs, True, column)
    )


def test_there_is_a_figure_for_each_column_and_size_with_two_points(tmp_path: Path) -> None:
    assert [title for title, _ in scatters(compared(tmp_path))] == [
        "CIFAR-10: test error against parameters",
        "CIFAR-10: test error against multiply-adds",
    ]


def test_points_carry_the_numbers_of_their_rows(tmp_path: Path) -> None:
    (_, by_parameters), (_, by_multiply_adds) = scatters(compared(tmp_path))
    assert numbers(svg(by_parameters)) == ["1", "2", "2", "3"]
    assert numbers(svg(by_multiply_adds)) == ["2", "3"]


def test_a_figure_is_the_same_byte_for_byte(tmp_path: Path) -> None:
    first, second = (svg(next(scatters(compared(tmp_path)))[1]) for _ in range(2))
    assert first == second


def numbers(text: str) -> list[str]:
    """Texts of a figure in the size of the numbers beside points, its axes having decimals or another size."""
    named = "|".join(re.findall(r"\.(\w+){[^}]*font(?:-size)?: ?7px[^}]*}", text))
    return sorted(re.findall(rf'<text[^>]*class="(?:{named})"[^>]*>(\d+)</text>', text))
