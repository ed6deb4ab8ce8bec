"""A line's numbers are those of the files, and survive every format."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from pdarts.errors import InputError
from pdarts.reporting.rows import RowFiles, read_row
from pdarts.reporting.table import HEADINGS, Line, cells, comma_separated, line, markdown
from pdarts.settings import parse
from tests.reporting.examples import provenance, row, write_metrics, write_stage, write_test


def line_of(files: dict[str, Any]) -> Line:
    return line(read_row(parse(RowFiles, files, "row")))


def shown(files: dict[str, Any]) -> dict[str, str]:
    return dict(zip(HEADINGS, cells(line_of(files)), strict=True))


def test_accuracy_is_the_mean_with_the_sample_standard_deviation(tmp_path: Path) -> None:
    result = line_of(row(tmp_path, [97.0, 97.5, 98.3]))
    assert result.n == 3
    assert result.top1_mean == pytest.approx(97.6, abs=1e-12)
    assert result.top1_std == pytest.approx(((0.6**2 + 0.1**2 + 0.7**2) / 2) ** 0.5, abs=1e-12)
    assert shown(row(tmp_path, [97.0, 97.5, 98.3]))["Accuracy (%)"] == "97.60 ± 0.66"


def test_a_single_training_has_no_deviation(tmp_path: Path) -> None:
    assert line_of(row(tmp_path, [97.123])).top1_std is None
    assert shown(row(tmp_path, [97.123]))["Accuracy (%)"] == "97.12"


def test_equal_accuracies_have_a_deviation_of_zero(tmp_path: Path) -> None:
    assert shown(row(tmp_path, [97.0, 97.0]))["Accuracy (%)"] == "97.00 ± 0.00"


def test_sizes_are_exact_and_span_different_genotypes(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0, 98.0])
    assert shown(files)["Parameters"] == "3,433,798"
    write_test(tmp_path / "seed1/test.json", 98.0, "DARTS_V1", parameters=3169414, multiply_adds=500987520)
    assert shown(files)["Parameters"] == "3,169,414–3,433,798"
    assert shown(files)["Multiply-adds"] == "500,987,520–532,174,464"
    assert line_of(files).genotypes == 2


def test_a_search_takes_as_long_as_its_stages_and_searches_are_averaged(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0, 98.0], searches=2)
    write_stage(tmp_path / "search1/stage3.json", 3, seconds=40.0)
    assert line_of(files).search_seconds == (90 + 100) / 2
    assert shown(files)["Search"] == "95 s"


def test_a_cell_that_was_not_searched_has_no_search_time(tmp_path: Path) -> None:
    assert line_of(row(tmp_path, [97.0])).search_seconds is None
    assert shown(row(tmp_path, [97.0]))["Search"] == "–"


def test_gpu_days_count_every_gpu_and_stand_only_where_all_of_it_ran_on_gpus(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0], searches=1)
    assert line_of(files).search_gpu_days is None
    gpus = provenance(device="NVIDIA A100", device_type="cuda", processes=2)
    for stage in (1, 2, 3):
        write_stage(tmp_path / f"search0/stage{stage}.json", stage, seconds=14400.0, provenance=gpus)
    assert line_of(files).search_gpu_days == 1.0
    assert line_of(files).training_gpu_days is None
    assert shown(files)["Search"] == "12.0 h (1\N{NO-BREAK SPACE}GPU-days)"
    assert shown(files)["Device"] == "2 × NVIDIA A100; AMD EPYC 7B13, 1 thread"


def test_the_device_of_the_training_counts_not_that_of_its_test(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0])
    trained = provenance(device="NVIDIA A100", device_type="cuda")
    write_test(tmp_path / "seed0/test.json", 97.0, training_provenance=trained, training_seconds=86400.0)
    assert shown(files)["Device"] == "NVIDIA A100"
    assert line_of(files).training_gpu_days == 1.0


def test_csv_gives_the_raw_values_back(tmp_path: Path) -> None:
    name = 'P-DARTS, "searched"\non digits'
    lines = [
        line_of(row(tmp_path / "a", [97.1, 98.2], searches=2, architecture=name)),
        line_of(row(tmp_path / "b", [96.0])),
    ]
    first, second = csv.DictReader(io.StringIO(comma_separated(lines), newline=""))
    assert first["architecture"] == name
    assert float(first["top1_mean"]) == lines[0].top1_mean
    assert float(first["top1_std"]) == lines[0].top1_std
    assert [float(value) for value in first["top1"].split(";")] == [97.1, 98.2]
    assert [int(value) for value in first["parameters"].split(";")] == [3433798, 3433798]
    assert float(first["search_seconds"]) == 90.0
    assert (second["top1_std"], second["search_seconds"], second["searches"]) == ("", "", "0")


def test_markdown_has_as_many_columns_in_every_line_whatever_a_name_holds(tmp_path: Path) -> None:
    lines = [line_of(row(tmp_path, [97.0], architecture="a|b <i>*c*</i>\nd"))]
    heading, rule, body = markdown(lines).splitlines()
    assert r"a\|b \<i\>\*c\*\</i\> d" in body
    assert len(heading) == len(rule) == len(body)
    assert rule.count("|") == heading.count("|") == body.replace(r"\|", "").count("|") == len(HEADINGS) + 1
    assert all(set(cell) <= set("-: ") and "-" in cell for cell in rule.strip("|").split("|"))


def test_tests_of_different_settings_do_not_share_a_row(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0, 98.0])
    settings = read_row(parse(RowFiles, files, "row")).evaluations[0].settings.model_dump()
    settings["recipe"]["channels"] = 64
    write_test(tmp_path / "seed1/test.json", 98.0, settings=settings)
    with pytest.raises(InputError, match=r"P-DARTS: .*seed1/test\.json was trained with other settings than .*seed0"):
        line_of(files)


def test_metrics_that_end_early_are_refused(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0])
    write_metrics(tmp_path / "seed0/metrics.jsonl", epochs=2)
    with pytest.raises(InputError, match=r"metrics\.jsonl has 2 epochs, but the tested weights were trained for 3"):
        line_of(files)


def test_every_test_needs_its_metrics(tmp_path: Path) -> None:
    files = row(tmp_path, [97.0, 98.0])
    with pytest.raises(InputError, match="P-DARTS: 1 metrics files for 2 test results"):
        line_of(files | {"metrics": files["metrics"][:1]})
