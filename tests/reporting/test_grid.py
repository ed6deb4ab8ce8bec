"""A line's numbers are those of the files, and survive every format."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from pdarts.errors import InputError
from pdarts.reporting import columns
from pdarts.reporting.grid import Grid, Heading, comma_separated, days, markdown, span
from pdarts.reporting.plain_table import COLUMNS
from tests.reporting.examples import provenance, read, row, write_metrics, write_stage, write_test


def values_of(files: dict[str, Any]) -> dict[str, Any]:
    return columns.records(COLUMNS, [read(files)])[0]


def shown(files: dict[str, Any], partial: bool = False) -> dict[str, str]:
    grid = columns.grid(COLUMNS, [read(files, partial)])
    return dict(zip([heading.text for heading in grid.headings], grid.rows[0], strict=True))


def test_accuracy_is_the_mean_with_the_sample_standard_deviation(tmp_path: Path) -> None:
    result = values_of(row(tmp_path, [97.0, 97.5, 98.3]))
    assert result["n"] == 3
    assert result["top1_mean"] == pytest.approx(97.6, abs=1e-12)
    assert result["top1_std"] == pytest.approx(((0.6**2 + 0.1**2 + 0.7**2) / 2) ** 0.5, abs=1e-12)
    assert shown(row(tmp_path, [97.0, 97.5, 98.3]))["Accuracy (%)"] == "97.60 ± 0.66"


def test_a_single_training_has_no_deviation(tmp_path: Path) -> None:
    assert values_of(row(tmp_path, [97.123]))["top1_std"] is None
    assert shown(row(tmp_path, [97.123]))["Accuracy (%)"] == "97.12"


def test_equal_accuracies_have_a_deviation_of_zero(tmp_path: Path) -> None:
    assert shown(row(tmp_path, [97.0, 97.0]))["Accuracy (%)"] == "97.00 ± 0.00"


def test_sizes_are_exact_and_span_different_genotypes(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0, 98.0])
    assert shown(files)["Parameters"] == "3,433,798"
    write_test(tmp_path / "seed1/test.json", 98.0, "DARTS_V1", parameters=3169414, multiply_adds=500987520)
    assert shown(files)["Parameters"] == "3,169,414–3,433,798"
    assert shown(files)["Multiply-adds"] == "500,987,520–532,174,464"
    assert values_of(files)["genotypes"] == 2


def test_a_search_takes_as_long_as_its_stages_and_searches_are_averaged(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0, 98.0], searches=2)
    write_stage(tmp_path / "search/seed1/stage3.json", 3, seconds=40.0)
    assert values_of(files)["search_seconds"] == (90 + 100) / 2
    assert shown(files)["Search"] == "95\N{NO-BREAK SPACE}s"


def test_a_cell_that_was_not_searched_has_no_search_time(tmp_path: Path) -> None:
    assert values_of(row(tmp_path, [97.0]))["search_seconds"] is None
    assert shown(row(tmp_path, [97.0]))["Search"] == "–"


def test_gpu_days_count_every_gpu_and_stand_only_where_all_of_it_ran_on_gpus(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0], searches=1)
    assert values_of(files)["search_gpu_days"] is None
    gpus = provenance(device="NVIDIA A100", device_type="cuda", processes=2)
    for stage in (1, 2, 3):
        write_stage(tmp_path / f"search/seed0/stage{stage}.json", stage, seconds=14400.0, provenance=gpus)
    assert values_of(files)["search_gpu_days"] == 1.0
    assert values_of(files)["training_gpu_days"] is None
    assert shown(files)["Search"] == "12.0\N{NO-BREAK SPACE}h (1\N{NO-BREAK SPACE}GPU-day)"
    assert shown(files)["Device"] == "2 × NVIDIA A100; AMD EPYC 7B13, 1 thread"


def test_the_device_of_the_training_counts_not_that_of_its_test(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0])
    trained = provenance(device="NVIDIA A100", device_type="cuda")
    write_test(tmp_path / "seed0/test.json", 97.0, training_provenance=trained, training_seconds=86400.0)
    assert shown(files)["Device"] == "NVIDIA A100"
    assert values_of(files)["training_gpu_days"] == 1.0


def test_csv_gives_the_raw_values_back(tmp_path: Path) -> None:
    name = 'P-DARTS, "searched"\non digits'
    rows = [
        read(row(tmp_path / "a", [97.1, 98.2], searches=2, architecture=name)),
        read(row(tmp_path / "b", [96.0])),
    ]
    values = columns.records(COLUMNS, rows)
    first, second = csv.DictReader(io.StringIO(comma_separated(values), newline=""))
    assert first["architecture"] == name
    assert float(first["top1_mean"]) == values[0]["top1_mean"]
    assert float(first["top1_std"]) == values[0]["top1_std"]
    assert [float(value) for value in first["top1"].split(";")] == [97.1, 98.2]
    assert [int(value) for value in first["parameters"].split(";")] == [3433798, 3433798]
    assert float(first["search_seconds"]) == 90.0
    assert (second["top1_std"], second["search_seconds"], second["searches"]) == ("", "", "0")


def test_values_without_a_heading_stand_in_the_csv_file_alone() -> None:
    each: list[columns.TableColumn[int, int]] = [
        columns.TableColumn(Heading("n"), str, lambda number: {"n": number}),
        columns.TableColumn(None, values=lambda number: {"square": number * number}),
    ]
    assert columns.grid(each, [3]) == Grid((Heading("n"),), (("3",),))
    assert columns.records(each, [3]) == [{"n": 3, "square": 9}]


def test_markdown_has_as_many_columns_in_every_line_whatever_a_name_holds(tmp_path: Path) -> None:
    rows = [read(row(tmp_path, [97.0], architecture="a|b <i>*c*</i>\nd"))]
    heading, rule, body = markdown(columns.grid(COLUMNS, rows)).splitlines()
    assert r"a\|b \<i\>\*c\*\</i\> d" in body
    assert len(heading) == len(rule) == len(body)
    assert rule.count("|") == heading.count("|") == body.replace(r"\|", "").count("|") == len(COLUMNS) + 1
    assert all(set(cell) <= set("-: ") and "-" in cell for cell in rule.strip("|").split("|"))


def test_tests_of_different_settings_do_not_share_a_row(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0, 98.0])
    settings = read(files).evaluations[0].settings.model_dump()
    settings["recipe"]["channels"] = 64
    write_test(tmp_path / "seed1/test.json", 98.0, settings=settings)
    with pytest.raises(InputError, match=r"P-DARTS: .*seed1/test\.json was trained with other settings than .*seed0"):
        values_of(files)


def test_metrics_that_end_early_are_refused(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0])
    write_metrics(tmp_path / "seed0/metrics.jsonl", epochs=2)
    with pytest.raises(InputError, match=r"metrics\.jsonl has 2 epochs, but the tested weights were trained for 3"):
        values_of(files)


def test_metrics_of_a_training_that_ended_early_have_the_epochs_that_ran(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0])
    write_test(tmp_path / "seed0/test.json", 97.0, epochs_run=2)
    with pytest.raises(InputError, match=r"metrics\.jsonl has 3 epochs, but the tested weights were trained for 2"):
        values_of(files)
    write_metrics(tmp_path / "seed0/metrics.jsonl", epochs=2)
    assert shown(files)["n"] == "1"


def test_a_missing_result_is_named_unless_a_partial_table_is_wanted(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0, 98.0, 99.0], searches=1)
    (tmp_path / "seed1/metrics.jsonl").unlink()
    with pytest.raises(InputError, match=r"seed1/metrics\.jsonl: this metrics file of a training does not exist"):
        values_of(files)
    said = shown(files, partial=True)
    assert (said["Accuracy (%)"], said["n"].split()) == ("98.00 ± 1.41", ["2", "of", "3"])


def test_a_row_without_any_result_says_so(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0], searches=1)
    (tmp_path / "seed0/test.json").unlink()
    said = shown(files, partial=True)
    assert (said["Accuracy (%)"], said["Parameters"], said["Training"]) == ("not run", "–", "–")
    assert said["n"].split() == ["0", "of", "1"]
    assert said["Search"] == "90\N{NO-BREAK SPACE}s"


def test_a_search_that_is_not_finished_counts_for_nothing(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0], searches=2)
    (tmp_path / "search/seed1/stage3.json").unlink()
    found = read(files, partial=True)
    assert (found.search_seeds, len(found.searches)) == ((0,), 1)


def test_a_number_whose_results_were_not_made_alike_carries_a_mark(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0, 98.0])
    assert "‡" not in shown(files)["Accuracy (%)"]
    write_test(tmp_path / "seed1/test.json", 98.0, training_provenance=provenance(torch="2.13.0"))
    assert shown(files)["Accuracy (%)"] == "97.50 ± 0.71\N{NO-BREAK SPACE}‡"
    assert read(files).mixed == ["versions of torch"]


def test_times_are_marked_where_theirs_were_not_made_alike(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0, 98.0], searches=2)
    other = provenance(device="Apple M3")
    write_stage(tmp_path / "search/seed1/stage3.json", 3, provenance=other)
    said = shown(files)
    assert [said[heading].endswith("‡") for heading in ("Accuracy (%)", "Search", "Training")] == [True, True, False]
    write_test(tmp_path / "seed1/test.json", 98.0, training_provenance=other)
    assert shown(files)["Training"].endswith("‡")


def test_columns_that_tell_nothing_are_left_out_and_groups_follow() -> None:
    headings = (Heading("A"), Heading("x", group="G"), Heading("y", group="G"), Heading("z"))
    grid = Grid(headings, (("a", "–", "1", "–"), ("b", "–", "–", "–"))).without_empty_columns()
    assert grid.rows == (("a", "1"), ("b", "–"))
    assert (grid.groups, grid.rules) == ([("", 1), ("G", 1)], [(2, 2)])


def test_a_wide_table_is_cut_between_groups_and_loses_nothing() -> None:
    headings = (Heading("A"), *(Heading(name, group=group) for group in "GHI" for name in "xyz"), Heading("end"))
    row = tuple(map(str, range(len(headings))))
    parts = Grid(headings, (row,)).parts(7)
    assert [part.rows[0] for part in parts] == [("0", *row[1:7]), ("0", *row[7:])]
    assert parts[1].rules == [(2, 4)]
    assert [len(part.headings) for part in Grid(headings, (row,)).parts(2)] == [4, 4, 4, 2]


def test_a_span_of_nothing_is_nothing() -> None:
    assert (span([]), span([1000]), span([2, 1000])) == ("–", "1,000", "2–1,000")


@pytest.mark.parametrize(("number", "text"), [(0.0044, "0.0044"), (0.3, "0.3"), (9.96, "10.0"), (1234.5, "1,234.5")])
def test_days_have_two_digits_or_more(number: float, text: str) -> None:
    assert days(number) == text
